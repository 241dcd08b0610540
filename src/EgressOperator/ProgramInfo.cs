using EgressOperator.Commands;
using EgressRouter.Tools;
using Kubernetes;
using Netlink;

namespace EgressOperator;

/// <summary>What this program is.</summary>
internal static class ProgramInfo
{
    public const string Purpose = "which node holds which egress address, and why";

    /// <summary>The commands, in the order in which a user needs them.</summary>
    public static Type[] Commands { get; } =
    [
        Application.Kept<ControllerCommand>(), Application.Kept<AgentCommand>(), Application.Kept<HoldCommand>(),
        Application.Kept<StatusCommand>(), Application.Kept<TraceCommand>(), Application.Kept<AuditCommand>(),
        Application.Kept<SimulateCommand>(), Application.Kept<CompletionCommand>(), Application.Kept<ManualCommand>(),
    ];

    /// <summary>What the help says of <see cref="ExitCode"/>.</summary>
    public static string[] ExitCodes { get; } =
    [
        "0  every address has a node; trace: packets leave as they should",
        "1  an address has no node; trace: packets are held or dropped, or the API and the kernel differ; "
            + "audit: nobody is found",
        "2  failed: bad usage, an unreadable file, an invalid object, no answer from the API server",
    ];

    /// <summary>Whether the message of a failure tells the user what is wrong with the input or the machine.</summary>
    public static bool IsExpected(Exception failure) =>
        failure is UsageException or ApiException or NetlinkException or IOException or UnauthorizedAccessException;
}
