namespace Cni;

/// <summary>A command of a runtime, the value of <c>CNI_COMMAND</c> (CNI specification, "CNI operations").</summary>
public enum CniCommand
{
    /// <summary><c>ADD</c>: attaches the container to the network.</summary>
    Add,

    /// <summary><c>DEL</c>: detaches the container; idempotent.</summary>
    Delete,

    /// <summary><c>CHECK</c>: checks that the attachment is as ADD left it (0.4.0 and later).</summary>
    Check,

    /// <summary><c>VERSION</c>: returns the specification versions that the plugin supports.</summary>
    Version,

    /// <summary><c>STATUS</c>: checks whether ADD can be served (1.1.0 and later).</summary>
    Status,

    /// <summary><c>GC</c>: removes resources that belong to no listed attachment (1.1.0 and later).</summary>
    Gc,
}

/// <summary>Converts commands from and to the values of <c>CNI_COMMAND</c>.</summary>
public static class CniCommands
{
    /// <summary>The value of <c>CNI_COMMAND</c>: <c>ADD</c>, <c>DEL</c> ...</summary>
    public static string Text(this CniCommand command) => command switch
    {
        CniCommand.Add => "ADD",
        CniCommand.Delete => "DEL",
        CniCommand.Check => "CHECK",
        CniCommand.Version => "VERSION",
        CniCommand.Status => "STATUS",
        CniCommand.Gc => "GC",
        _ => throw new ArgumentOutOfRangeException(nameof(command), command, null),
    };

    /// <exception cref="CniException">Code 4: the command is unknown.</exception>
    internal static CniCommand Parse(string text) => text switch
    {
        "ADD" => CniCommand.Add,
        "DEL" => CniCommand.Delete,
        "CHECK" => CniCommand.Check,
        "VERSION" => CniCommand.Version,
        "STATUS" => CniCommand.Status,
        "GC" => CniCommand.Gc,
        _ => throw Unknown(text),
    };

    internal static CniException Unknown(string text) =>
        new(CniErrorCode.InvalidEnvironment, $"unknown CNI_COMMAND: {SafeText.Short(text)}");
}
