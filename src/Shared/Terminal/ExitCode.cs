namespace Terminal;

/// <summary>The exit codes of all commands.</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>The program has done its work, and found what the user asked about to be not well.</summary>
    public const int ProblemsFound = 1;

    /// <summary>Bad usage, an unreadable file, no privilege.</summary>
    public const int Failed = 2;
}
