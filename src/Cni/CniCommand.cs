namespace Cni;

/// <summary>What a runtime asks of a plugin: the value of <c>CNI_COMMAND</c> (CNI specification, "CNI operations").</summary>
public enum CniCommand
{
    /// <summary><c>ADD</c>: attach the container to the network.</summary>
    Add,

    /// <summary><c>DEL</c>: detach it; what is gone already is success.</summary>
    Delete,

    /// <summary><c>CHECK</c>: is the attachment as ADD left it (0.4.0 and later).</summary>
    Check,

    /// <summary><c>VERSION</c>: which versions of the specification the plugin speaks.</summary>
    Version,

    /// <summary><c>STATUS</c>: could ADD be served (1.1.0 and later).</summary>
    Status,

    /// <summary><c>GC</c>: remove what belongs to no listed attachment (1.1.0 and later).</summary>
    Gc,
}

/// <summary>The commands in the words of the specification.</summary>
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

    /// <exception cref="CniException">Code 4: the specification has no such command.</exception>
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
