namespace EgressRouter.Config;

/// <summary>What is done where somebody else has an egress address (<c>conflictDetection</c>).</summary>
public enum ConflictDetection
{
    /// <summary>Nobody is asked.</summary>
    Off,

    /// <summary>ADD refuses, and CHECK reports it.</summary>
    On,

    /// <summary>It is logged.</summary>
    Warn,
}
