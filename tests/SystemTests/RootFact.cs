namespace SystemTests;

/// <summary>A test that makes network namespaces; skipped, with the reason, where that is not allowed.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute() => Skip = Privilege.Missing;
}

/// <summary>As <see cref="RootFactAttribute"/>, for a table of cases.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RootTheoryAttribute : TheoryAttribute
{
    public RootTheoryAttribute() => Skip = Privilege.Missing;
}

internal static class Privilege
{
    /// <summary>Why namespaces cannot be made, or null if they can.</summary>
    public static string? Missing { get; } = Find();

    private static string? Find()
    {
        CommandResult attempt = Command.Run("unshare", ["--mount", "--net", "true"]);
        return attempt.ExitCode == 0 ? null : "network namespaces need root: " + attempt.Stderr.Trim();
    }
}
