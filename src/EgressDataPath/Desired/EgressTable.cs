using System.Net;
using Netlink.NetFilter;

namespace EgressDataPath.Desired;

/// <summary>
/// Builds the nf_tables table of a node. What a packet costs does not depend on the number of pods, objects and addresses: each decision
/// is one look-up. A comment above each rule shows it in nft syntax.
/// </summary>
public static class EgressTable
{
    /// <summary>Counts packets of selected pods that are held back, because their address has no node now.</summary>
    public const string Held = "held";

    /// <summary>Counts packets that are dropped because they would leave with a wrong source address.</summary>
    public const string Stray = "stray";

    /// <summary>Counts connections from outside to an egress address; they are dropped.</summary>
    public const string Inbound = "inbound";

    /// <summary>Counts tunnel packets and heartbeats that no node has sent; they are dropped.</summary>
    public const string Forged = "forged";

    internal const string ClassifyChain = "classify";

    internal const string SlotPrefix = "use_";

    internal const string SlotsMap = "slots";

    /// <summary>The table for these duties.</summary>
    /// <param name="numbers">Gives slots and hops.</param>
    /// <param name="tunnelMtu">The MTU of the tunnel, in bytes.</param>
    /// <exception cref="NumbersExhaustedException">There are more egress addresses or egress nodes than the masks have numbers.</exception>
    public static Table Build(Duties duties, Settings settings, NodeNumbers numbers, int tunnelMtu)
    {
        ArgumentNullException.ThrowIfNull(duties);
        var table = new TableBuilder(settings, numbers);
        new EgressSide(table).Add(duties, tunnelMtu);
        new PodSide(table).Add(duties);
        return table.ToTable(Held, Stray, Inbound, Forged);
    }

    /// <summary>The name of the chain that sends packets to an egress node.</summary>
    public static string TunnelTo(IPAddress node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return TableBuilder.TunnelPrefix + TableBuilder.Identifier(node);
    }

    /// <summary>The name of the chain that lets packets out by the routes of a link.</summary>
    public static string OutBy(string link) => TableBuilder.LinkPrefix + link;

    internal static bool IsHop(string chain) =>
        chain.StartsWith(TableBuilder.TunnelPrefix, StringComparison.Ordinal)
            || chain.StartsWith(TableBuilder.LinkPrefix, StringComparison.Ordinal);

    /// <summary>Whether a chain lets packets out by this node.</summary>
    internal static bool IsOut(string chain) =>
        chain == TableBuilder.HereChain || chain.StartsWith(TableBuilder.LinkPrefix, StringComparison.Ordinal);

    internal static string SlotChain(IPAddress address) => SlotPrefix + TableBuilder.Identifier(address);

    internal static string AddressOfSlot(string chain) => chain[SlotPrefix.Length..].Replace('_', ':');
}
