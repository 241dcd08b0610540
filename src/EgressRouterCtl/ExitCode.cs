using Cni;
using EgressRouter.Tools;
using Netlink;

namespace EgressRouterCtl;

/// <summary>The exit codes of all commands.</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>Found a fault, a difference or a broken hop.</summary>
    public const int ProblemsFound = 1;

    /// <summary>Bad usage, an unreadable file, no privilege.</summary>
    public const int Failed = 2;

    public static IEnumerable<string> Help { get; } =
    [
        "Exit codes:",
        "  0  no problem found",
        "  1  problems found: a fault, a difference, a broken hop",
        "  2  failed: bad usage, an unreadable file, no privilege",
    ];

    /// <summary>Whether a failure's message tells the user what is wrong with the input or the machine.</summary>
    public static bool IsExpected(Exception failure) =>
        failure is UsageException or CniException or NetlinkException or IOException or UnauthorizedAccessException;
}
