using System.Text;
using Cni;
using Netlink.NetFilter;

namespace EgressRouter.State;

/// <summary>
/// The names and numbers of one attachment's kernel objects, derived from the name of its egress interface alone: DEL finds
/// them without state.
/// </summary>
/// <param name="Interface">The name of the egress interface, such as <c>net1</c>.</param>
public sealed record AttachmentNames(string Interface)
{
    /// <summary>The device group of every egress interface ("ER" in ASCII): DEL deletes no other link.</summary>
    public const uint LinkGroup = 0x4552;

    /// <summary>The bits of packet and connection marks that attachments use; the lower bits are free for other programs.</summary>
    public const uint MarkMask = 0xffff_0000;

    /// <summary>The priority of rules for the node's own addresses, which an egress interface cannot reach.</summary>
    public const uint NodeRulePriority = 999;

    /// <summary>The priority of the rules that route replies by the pod's own routes in the main table.</summary>
    public const uint ClusterRulePriority = 1000;

    /// <summary>The priority of the rules that look up a mark's table.</summary>
    public const uint MarkRulePriority = 1001;

    private const string TablePrefix = "egress-router-";

    private const uint EgressKind = 1;

    private const uint ReturnKind = 2;

    private const uint KindBits = 3;

    /// <summary>Numbers are 64 ... 16383, so that table numbers are above the kernel's own 253 ... 255.</summary>
    private const uint FirstNumber = 64;

    private const uint Numbers = (1 << 14) - FirstNumber;

    /// <summary>The nf_tables table (family inet).</summary>
    public string NetFilterTable => TablePrefix + Interface;

    /// <summary>
    /// The temporary link name if the pod's name is taken on the node: kernels before 6.13 check the name there, not in the pod.
    /// </summary>
    public string TemporaryInterface => $"egress-{Number:x}";

    /// <summary>The routing table for redirected connections.</summary>
    public uint EgressTable => (Number << 2) | EgressKind;

    /// <summary>The routing table for their replies to clients: the pod's original default routes.</summary>
    public uint ReturnTable => (Number << 2) | ReturnKind;

    /// <summary>The mark of the attachment's connections, and of their packets to destinations.</summary>
    public uint EgressMark => EgressTable << 16;

    /// <summary>The mark of packets that return to the client.</summary>
    public uint ReturnMark => ReturnTable << 16;

    /// <summary>Whether a connection has the attachment's mark: it was redirected, or goes to a server in the pod.</summary>
    public bool HasEgressMark(ConntrackEntry connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return (connection.Mark & MarkMask) == EgressMark;
    }

    /// <summary>Whether a connection came in by any attachment's egress interface: it has a return mark.</summary>
    public static bool IsFromOutside(ConntrackEntry connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return ((connection.Mark >> 16) & KindBits) == ReturnKind;
    }

    /// <summary>Whether a routing table's number is in the range of attachments' tables.</summary>
    public static bool IsTable(uint table) =>
        (table >> 2) is >= FirstNumber and < FirstNumber + Numbers && (table & KindBits) is EgressKind or ReturnKind;

    /// <summary>
    /// The interface name in an attachment's table name, or null for any other table, including one without a valid link name.
    /// </summary>
    public static string? InterfaceOfTable(string table)
    {
        ArgumentNullException.ThrowIfNull(table);
        return table.StartsWith(TablePrefix, StringComparison.Ordinal) && table[TablePrefix.Length..] is { Length: > 0 } name
            && LinkName.WhyNot(name) is null
            ? name
            : null;
    }

    /// <summary>Derived from the interface name. The factor is chosen so that net0 ... net255 and eth0 ... eth15 all differ.</summary>
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
