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

/// <summary>A test that runs containers; skipped, with the reason, where a container engine cannot work.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ContainerFactAttribute : FactAttribute
{
    public ContainerFactAttribute() => Skip = Privilege.Missing ?? Privilege.MissingForContainers;
}

/// <summary>As <see cref="ContainerFactAttribute"/>, for a table of cases.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ContainerTheoryAttribute : TheoryAttribute
{
    public ContainerTheoryAttribute() => Skip = Privilege.Missing ?? Privilege.MissingForContainers;
}

internal static class Privilege
{
    /// <summary>Why namespaces cannot be made, or null if they can.</summary>
    public static string? Missing { get; } = Find();

    /// <summary>Why containers cannot be run, or null if they can: root of a user namespace may not mount what they need.</summary>
    public static string? MissingForContainers { get; } =
        File.ReadAllText("/proc/self/uid_map").Contains("4294967295", StringComparison.Ordinal) ? null
            : "containers need root outside of user namespaces";

    private static string? Find()
    {
        CommandResult attempt = Command.Run("unshare", ["--mount", "--net", "true"]);
        return attempt.ExitCode == 0 ? null : "network namespaces need root: " + attempt.Stderr.Trim();
    }
}
