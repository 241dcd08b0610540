using System.Text;
using Cni;
using Netlink.NetFilter;

namespace EgressRouter.State;

/// <summary>
/// Every name and number by which the objects of one attachment are made and found again, derived from the name of
/// its egress interface alone: DEL needs no memory to find them.
/// </summary>
/// <param name="Interface">The name of the egress interface, such as <c>net1</c>.</param>
public sealed record AttachmentNames(string Interface)
{
    /// <summary>The device group of every egress interface ("ER" in ASCII): DEL deletes no other link.</summary>
    public const uint LinkGroup = 0x4552;

    /// <summary>The bits of packet and connection marks that are ours; the lower ones stay free for others.</summary>
    public const uint MarkMask = 0xffff_0000;

    /// <summary>The priority of the rules for the node's own addresses, which an egress interface cannot reach.</summary>
    public const uint NodeRulePriority = 999;

    /// <summary>The priority of the rules that find the way of the pod's own routes for replies.</summary>
    public const uint ClusterRulePriority = 1000;

    /// <summary>The priority of the rules that look a mark up in its table.</summary>
    public const uint MarkRulePriority = 1001;

    private const string TablePrefix = "egress-router-";

    private const uint EgressKind = 1;

    private const uint ReturnKind = 2;

    private const uint KindBits = 3;

    /// <summary>Attachments are numbered 64 ... 16383, so that table numbers lie above the kernel's own 253 ... 255.</summary>
    private const uint FirstNumber = 64;

    private const uint Numbers = (1 << 14) - FirstNumber;

    /// <summary>The nf_tables table (family inet).</summary>
    public string NetFilterTable => TablePrefix + Interface;

    /// <summary>
    /// The name under which the egress interface is made where its own name is taken on the node: kernels before 6.13
    /// look for it there, not in the pod.
    /// </summary>
    public string TemporaryInterface => $"egress-{Number:x}";

    /// <summary>The routing table that redirected connections leave by.</summary>
    public uint EgressTable => (Number << 2) | EgressKind;

    /// <summary>The routing table that their replies go back to the client by: the pod's original default route.</summary>
    public uint ReturnTable => (Number << 2) | ReturnKind;

    /// <summary>The mark of connections of this attachment, and of their packets on the way out.</summary>
    public uint EgressMark => EgressTable << 16;

    /// <summary>The mark of packets on the way back to the client.</summary>
    public uint ReturnMark => ReturnTable << 16;

    /// <summary>Whether a connection was redirected by this attachment, or is one with a server in its pod.</summary>
    public bool IsRedirected(ConntrackEntry connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return (connection.Mark & MarkMask) == EgressMark;
    }

    /// <summary>Whether a connection came in by an egress interface of any attachment: it has a mark of returns.</summary>
    public static bool IsFromOutside(ConntrackEntry connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return ((connection.Mark >> 16) & KindBits) == ReturnKind;
    }

    /// <summary>Whether a routing table has such a number as those of an attachment, whatever its interface.</summary>
    public static bool IsTable(uint table) =>
        (table >> 2) is >= FirstNumber and < FirstNumber + Numbers && (table & KindBits) is EgressKind or ReturnKind;

    /// <summary>
    /// The interface name in the name of an nf_tables table of ours; null for any other table, also one that no link can be meant by.
    /// </summary>
    public static string? InterfaceOfTable(string table)
    {
        ArgumentNullException.ThrowIfNull(table);
        return table.StartsWith(TablePrefix, StringComparison.Ordinal) && table[TablePrefix.Length..] is { Length: > 0 } name
            && LinkName.WhyNot(name) is null
            ? name
            : null;
    }

    /// <summary>A number from the interface's name. The factor is chosen so that net0 ... net255 and eth0 ... eth15 all differ.</summary>
    private uint Number
    {
        get
        {
            uint hash = 0;
            foreach (byte letter in Encoding.UTF8.GetBytes(Interface))
            {
                hash = unchecked((hash * 41) + letter);
            }

            return FirstNumber + (hash % Numbers);
        }
    }
}
