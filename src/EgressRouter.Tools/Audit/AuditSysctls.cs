using Netlink;

namespace EgressRouter.Tools.Audit;

/// <summary>The kernel parameters on which the fields of a line depend. They hold for connections that begin later.</summary>
internal static class AuditSysctls
{
    private const string Folder = "net/netfilter/";

    private static readonly (string Name, string Without)[] _wanted =
    [
        ("nf_conntrack_events", "there are no lines"),
        ("nf_conntrack_acct", "lines have no packets and bytes"),
        ("nf_conntrack_timestamp", "lines have no start"),
    ];

    /// <summary>Turns on, in the namespace of the calling thread, those that are off.</summary>
    /// <returns>What was changed, or could not be.</returns>
    public static IReadOnlyList<string> TurnOn() => [.. _wanted.Select(TurnOn).OfType<string>()];

    private static string? TurnOn((string Name, string Without) wanted)
    {
        string name = $"net.netfilter.{wanted.Name}";
        switch (SysctlFile.Read(Folder + wanted.Name))
        {
            case null:
                return $"this kernel has no {name}: {wanted.Without}";
            case "0":
                break;
            default:
                return null;
        }

        try
        {
            SysctlFile.Write(Folder + wanted.Name, "1");
            return $"{name} was 0 and is now 1";
        }
        catch (NetlinkException refused)
        {
            return $"{name} is 0, so {wanted.Without}: {refused.Message}";
        }
    }
}
