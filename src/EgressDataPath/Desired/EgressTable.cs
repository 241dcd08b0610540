using System.Net;
using System.Security.Cryptography;
using System.Text;
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

    /// <summary>What the names of the sets begin with that count what leaves with an egress address, and what answers it.</summary>
    public const string SentSet = "sent", ReceivedSet = "received";

    internal const string ClassifyChain = "classify";

    /// <summary>What the names of chains of EgressIPs begin with.</summary>
    public const string ObjectPrefix = "object_";

    /// <summary>The longest name of an EgressIP that the names of its chain and its set hold as it is.</summary>
    private const int LongestName = 200;

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

    /// <summary>The name of the chain that decides on packets of the pods of an EgressIP.</summary>
    public static string ObjectChain(string egressIP) => ObjectPrefix + Identifier(egressIP);

    /// <summary>
    /// The name of the object. A name in nf_tables has at most 255 bytes: of a longer one, a part and its hash. No object's name has an
    /// underscore.
    /// </summary>
    internal static string Identifier(string egressIP) => egressIP.Length <= LongestName ? egressIP
        : $"{egressIP[..(LongestName - 17)]}_{Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(egressIP)))[..16]}";

    /// <summary>The egress address that a chain gives to connections; null: the chain is for something else.</summary>
    public static IPAddress? AddressOf(string chain) => After(SlotPrefix, chain);

    /// <summary>The egress node that a chain sends packets to; null: the chain is for something else.</summary>
    public static IPAddress? NodeOf(string chain) => After(TableBuilder.TunnelPrefix, chain);

    private static IPAddress? After(string prefix, string chain)
    {
        ArgumentNullException.ThrowIfNull(chain);
        return chain.StartsWith(prefix, StringComparison.Ordinal)
            && IPAddress.TryParse(chain[prefix.Length..].Replace('_', ':'), out IPAddress? address) ? address : null;
    }

    internal static bool IsHop(string chain) =>
        chain.StartsWith(TableBuilder.TunnelPrefix, StringComparison.Ordinal)
            || chain.StartsWith(TableBuilder.LinkPrefix, StringComparison.Ordinal);

    /// <summary>Whether a chain lets packets out by this node.</summary>
    public static bool IsOut(string chain) =>
        chain == TableBuilder.HereChain || chain.StartsWith(TableBuilder.LinkPrefix, StringComparison.Ordinal);

    internal static string SlotChain(IPAddress address) => SlotPrefix + TableBuilder.Identifier(address);
}
