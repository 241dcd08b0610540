using System.Net.Sockets;
using EgressDataPath.Desired;
using EgressRouter.Config;
using Netlink;
using Netlink.NetFilter;
using Netlink.Routing;

namespace EgressDataPath.Kernel;

/// <summary>Looks for what stands in the way on a node.</summary>
internal static class NodeChecks
{
    private const string DropsByPolicy = $"drops forwarded packets by its policy: accept what enters or leaves by {Settings.Link}";

    /// <summary>
    /// Links of networks that lead packets past netfilter: Cilium's eBPF host routing, and Calico's eBPF data plane.
    /// </summary>
    private static readonly string[] _bpfLinks = ["cilium_host", "bpfin.cali", "bpfout.cali"];

    /// <summary>Other programs that have what the data path needs: then nothing must be changed.</summary>
    public static IEnumerable<string> Collisions(NetlinkSocket route, Settings settings, ObservedState observed)
    {
        if (observed.Tunnel is { Kind: not Vxlan } link)
        {
            yield return $"link {link.Name} is not of this program ({link.Kind?.Name ?? "a physical link"})";
        }

        if (observed.Table is { Chains.IsEmpty: false } table && table.Chains.All(chain => chain.Name != EgressTable.ClassifyChain))
        {
            yield return $"nftables table inet {table.Name} is not of this program";
        }

        if (observed.Routes.FirstOrDefault(one => one.Origin != (RouteProtocol)Settings.RouteOrigin) is Route foreign)
        {
            yield return $"routing table {foreign.Table} has routes of another program: choose other tables by --first-table";
        }

        foreach (RoutingRule other in route.ListRules(rule => (rule.Mask & settings.PacketMask) != 0 && !settings.HasTable(rule.Table)))
        {
            yield return $"a routing rule of another program reads marks 0x{other.Mark:x}/0x{other.Mask:x}: "
                + (other.Mask == uint.MaxValue ? "give it a mask, for it reads all bits" : "choose other bits by --mark-mask");
        }

        // An address, a rule or a route of ours may be in the kernel; such a rule leads to one of our tables.
        if (observed.Rules.FirstOrDefault(rule => rule.Priority != settings.RulePriority
            || rule.Mask != settings.PacketMask) is RoutingRule strange)
        {
            yield return $"a routing rule at priority {strange.Priority} leads to table {strange.Table}: it is of another program, or of "
                + "an agent with other options, which must be removed with --cleanup first";
        }
    }

    /// <summary>
    /// What may drop packets, or lead them past the data path. It looks at all chains of the node, of which there can be many.
    /// </summary>
    /// <param name="linksWithAddresses">Links that hold egress addresses, and do not have the default route.</param>
    public static IEnumerable<string> Obstacles(NetlinkSocket netFilter, ObservedState observed, IEnumerable<string> linksWithAddresses)
    {
        if (SysctlFile.Read("net/ipv4/conf/all/src_valid_mark") == "1")
        {
            yield return "net.ipv4.conf.all.src_valid_mark is 1: answers to egress addresses are dropped, because the kernel looks for "
                + "their sources by the marks of packets; set it to 0";
        }

        foreach (Link link in observed.Links.Where(link => _bpfLinks.Contains(link.Name)))
        {
            yield return $"link {link.Name} shows an eBPF data plane, whose packets may pass netfilter by; "
                + "see the limits in docs/egress-ip.md";
        }

        foreach (AddressFamily family in Families.All.Where(LegacyIptables.DropsForwarded))
        {
            string table = family == AddressFamily.InterNetwork ? "ip" : "ip6";
            yield return $"chain FORWARD of table {table} filter (iptables-legacy) {DropsByPolicy}";
        }

        foreach ((TableFamily family, string table, Chain chain) in netFilter.ListChains((_, chain) =>
            chain.Base is { Hook: NetFilterHook.Forward, Policy: Verdict.Drop }))
        {
            yield return $"chain {chain.Name} of table {NameOf(family)} {table} {DropsByPolicy}";
        }

        foreach (string name in linksWithAddresses.Distinct())
        {
            if (observed.Links.FirstOrDefault(link => link.Name == name) is Link link && IsStrict(link))
            {
                yield return $"link {name} has a strict rp_filter, and another link the default route: answers to egress addresses of its "
                    + $"networks are dropped; set net.ipv4.conf.{name}.rp_filter=2";
            }
        }
    }

    /// <summary>What suggests that packets between nodes are encrypted, which those of the tunnel are not; null: nothing.</summary>
    public static string? Unencrypted(IEnumerable<Link> links) =>
        links.FirstOrDefault(link => link.Kind?.Name == "wireguard") is Link link
            ? $"link {link.Name} is of WireGuard: if the cluster network encrypts with it what pods send to each other, it does not "
                + "encrypt what they send to egress nodes, unless it encrypts all that the nodes themselves send to each other"
            : null;

    /// <summary>As nft names it.</summary>
    private static string NameOf(TableFamily family) => family switch
    {
        TableFamily.IPv4 => "ip",
        TableFamily.IPv6 => "ip6",
        _ => "inet",
    };

    /// <summary>The larger of the values of the link and of all links counts (Documentation/networking/ip-sysctl.rst).</summary>
    private static bool IsStrict(Link link) => Math.Max(
        link.Sysctls.Ipv4("rp_filter") ?? 0,
        int.TryParse(SysctlFile.Read("net/ipv4/conf/all/rp_filter"), out int all) ? all : 0) == 1;
}
