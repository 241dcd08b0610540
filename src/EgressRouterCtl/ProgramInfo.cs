using Cni;
using EgressRouter.Tools;
using EgressRouterCtl.Commands;
using EgressRouterCtl.Proxies;
using Netlink;

namespace EgressRouterCtl;

/// <summary>What this program is.</summary>
internal static class ProgramInfo
{
    public const string Purpose = "tools for operators of egress routers";

    /// <summary>The commands, in the order in which a user needs them.</summary>
    public static Type[] Commands { get; } =
    [
        Application.Kept<ValidateCommand>(), Application.Kept<ExplainCommand>(), Application.Kept<StatusCommand>(),
        Application.Kept<ProbeCommand>(), Application.Kept<RepairCommand>(), Application.Kept<AuditCommand>(),
        Application.Kept<ConvertCommand>(), Application.Kept<InstallCommand>(), Application.Kept<InitCommand>(),
        Application.Kept<HttpProxyCommand>(), Application.Kept<DnsProxyCommand>(), Application.Kept<ProxyHealthCommand>(),
        Application.Kept<CompletionCommand>(), Application.Kept<ManualCommand>(),
    ];

    /// <summary>What the help says of <see cref="ExitCode"/>.</summary>
    public static string[] ExitCodes { get; } =
    [
        "0  no problem found",
        "1  problems found: a fault, a difference, a broken hop",
        "2  failed: bad usage, an unreadable file, no privilege",
    ];

    /// <summary>Whether the message of a failure tells the user what is wrong with the input or the machine.</summary>
    public static bool IsExpected(Exception failure) =>
        failure is UsageException or CniException or NetlinkException or IOException or UnauthorizedAccessException;
}
