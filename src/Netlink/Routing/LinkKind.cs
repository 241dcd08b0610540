using System.Text;
using Netlink.Wire;
using static Netlink.Routing.RtnetlinkConstants;

namespace Netlink.Routing;

/// <summary>The modes of a macvlan (enum macvlan_mode, linux/if_link.h).</summary>
public enum MacvlanMode : uint
{
    /// <summary>No traffic between macvlans of one parent.</summary>
    Private = 1,

    /// <summary>Traffic between macvlans goes out to the switch and back (802.1Qbg).</summary>
    Vepa = 2,

    /// <summary>Macvlans of one parent reach each other directly.</summary>
    Bridge = 4,

    /// <summary>The only macvlan of its parent, with the parent's MAC.</summary>
    Passthru = 8,
}

/// <summary>The modes of an ipvlan (enum ipvlan_mode, linux/if_link.h); all ipvlans of a parent have the same.</summary>
public enum IpvlanMode : ushort
{
    /// <summary>Frames: the pod resolves neighbours itself.</summary>
    L2 = 0,

    /// <summary>Packets: the parent's namespace routes what leaves; no broadcast, no neighbours.</summary>
    L3 = 1,

    /// <summary>As <see cref="L3"/>, but what comes in passes the netfilter hooks of the parent's namespace instead of its own.</summary>
    L3s = 2,
}

/// <summary>
/// What kind of virtual link a link is (IFLA_LINKINFO). It is chosen when the link is made; each kind knows its own attributes
/// and what it can do.
/// </summary>
/// <param name="Name">IFLA_INFO_KIND, such as <c>macvlan</c>.</param>
public abstract record LinkKind(string Name)
{
    /// <summary>The kind's mode in words; null for a kind without modes.</summary>
    public virtual string? Mode => null;

    /// <summary>Whether it has a hardware address of its own, and not that of its parent.</summary>
    public virtual bool HasOwnHardwareAddress => true;

    /// <summary>Whether it is attached to the network of its parent, and not to another one behind the same link.</summary>
    public virtual bool IsOnParentNetwork => true;

    /// <summary>The name with its article: <c>an ipvlan</c>.</summary>
    public string WithArticle => $"{("aeiou".Contains(Name[0], StringComparison.Ordinal) ? "an" : "a")} {Name}";

    /// <summary>What the kernel leaves unsaid when it refuses to make such a link; null where it says enough.</summary>
    /// <param name="refused">The refusal.</param>
    public virtual string? WhyRefused(NetlinkException refused) =>
        refused is { Number: Errno.EOPNOTSUPP } ? $"{Name} is not in this kernel" : null;

    /// <summary>For people: <c>macvlan of mode bridge</c>, <c>vlan 100</c>.</summary>
    public sealed override string ToString() => Name + Details;

    /// <summary>What follows the name in <see cref="ToString"/>.</summary>
    private protected virtual string Details => Mode is null ? "" : $" of mode {Mode}";

    /// <summary>Reads IFLA_LINKINFO, in which the kernel writes the kind before its data.</summary>
    internal static LinkKind? Read(AttributeReader information)
    {
        LinkKind? kind = null;
        while (information.Next(out Wire.Attribute attribute))
        {
            kind = (attribute.Type, kind?.Name) switch
            {
                (IFLA_INFO_KIND, _) => new OtherKind(attribute.Text()),
                (IFLA_INFO_DATA, Macvlan.KindName) => Macvlan.ReadData(attribute.Nested()),
                (IFLA_INFO_DATA, Ipvlan.KindName) => Ipvlan.ReadData(attribute.Nested()),
                (IFLA_INFO_DATA, Vlan.KindName) => Vlan.ReadData(attribute.Nested()),
                _ => kind,
            };
        }

        return kind;
    }

    /// <summary>Writes IFLA_LINKINFO.</summary>
    internal void WriteTo(MessageWriter writer)
    {
        int information = writer.BeginNested(IFLA_LINKINFO);
        writer.Attribute(IFLA_INFO_KIND, Encoding.ASCII.GetBytes(Name));
        int data = writer.BeginNested(IFLA_INFO_DATA);
        WriteData(writer);
        writer.EndNested(data);
        writer.EndNested(information);
    }

    /// <summary>Writes what is in IFLA_INFO_DATA.</summary>
    private protected abstract void WriteData(MessageWriter writer);
}

/// <summary>A link with a hardware address of its own on the network of its parent.</summary>
/// <param name="MacvlanMode">How macvlans of one parent see each other.</param>
public sealed record Macvlan(MacvlanMode MacvlanMode) : LinkKind(KindName)
{
    /// <summary>IFLA_INFO_KIND.</summary>
    public const string KindName = "macvlan";

    /// <inheritdoc/>
    public override string Mode => MacvlanMode.ToString().ToLowerInvariant();

    /// <inheritdoc/>
    public override string? WhyRefused(NetlinkException refused) => refused switch
    {
        { Number: Errno.EBUSY } =>
            "the parent is in use by something that takes all it receives, such as a bridge, a bond or an ipvlan: no macvlan can stand on it",
        { Number: Errno.EINVAL, KernelText: null } =>
            $"the parent takes no {this}: either none at all, being no Ethernet link, or a macvlan of mode passthru is or would be beside others",
        _ => base.WhyRefused(refused),
    };

    internal static Macvlan ReadData(AttributeReader data)
    {
        MacvlanMode mode = default;
        while (data.Next(out Wire.Attribute attribute))
        {
            mode = attribute.Type == IFLA_MACVLAN_MODE ? (MacvlanMode)attribute.UInt32() : mode;
        }

        return new Macvlan(mode);
    }

    private protected override void WriteData(MessageWriter writer) => writer.AttributeUInt32(IFLA_MACVLAN_MODE, (uint)MacvlanMode);
}

/// <summary>A link with addresses of its own and the hardware address of its parent.</summary>
/// <param name="IpvlanMode">The mode of all ipvlans of the parent, those that are there included.</param>
public sealed record Ipvlan(IpvlanMode IpvlanMode) : LinkKind(KindName)
{
    /// <summary>IFLA_INFO_KIND.</summary>
    public const string KindName = "ipvlan";

    /// <inheritdoc/>
    public override string Mode => IpvlanMode.ToString().ToLowerInvariant();

    /// <inheritdoc/>
    public override bool HasOwnHardwareAddress => false;

    /// <inheritdoc/>
    public override string? WhyRefused(NetlinkException refused) => refused switch
    {
        { Number: Errno.EBUSY } =>
            "the parent is in use by something that takes all it receives, such as a bridge, a bond or a macvlan: no ipvlan can stand on it",
        { Number: Errno.EINVAL, KernelText: null } => "the parent takes no ipvlan, being no Ethernet link",
        _ => base.WhyRefused(refused),
    };

    internal static Ipvlan ReadData(AttributeReader data)
    {
        IpvlanMode mode = default;
        while (data.Next(out Wire.Attribute attribute))
        {
            mode = attribute.Type == IFLA_IPVLAN_MODE ? (IpvlanMode)attribute.UInt16() : mode;
        }

        return new Ipvlan(mode);
    }

    // Without flags ("private", "vepa") a new parent has none, and one that has ipvlans keeps its own.
    private protected override void WriteData(MessageWriter writer) => writer.AttributeUInt16(IFLA_IPVLAN_MODE, (ushort)IpvlanMode);
}

/// <summary>A VLAN of its parent (IEEE 802.1Q). The kernel has one link for each VLAN of a parent, in whatever namespace.</summary>
/// <param name="Id">The VLAN identifier, <see cref="MinId"/> to <see cref="MaxId"/>.</param>
public sealed record Vlan(int Id) : LinkKind(KindName)
{
    /// <summary>IFLA_INFO_KIND.</summary>
    public const string KindName = "vlan";

    /// <summary>The lowest identifier: 0 is for frames that have a priority but no VLAN.</summary>
    public const int MinId = 1;

    /// <summary>The highest identifier: 4095 is reserved.</summary>
    public const int MaxId = 4094;

    /// <inheritdoc/>
    public override bool IsOnParentNetwork => false;

    /// <inheritdoc/>
    public override string? WhyRefused(NetlinkException refused) => refused switch
    {
        { Number: Errno.EEXIST } =>
            $"the parent has VLAN {Id} already, in the node's namespace or in another pod. For several pods, create the VLAN on the node "
            + "and use it as the parent of macvlans",
        { Number: Errno.EOPNOTSUPP } => $"{Name} is not in this kernel, or the parent does not support VLANs",
        _ => base.WhyRefused(refused),
    };

    /// <inheritdoc/>
    private protected override string Details => $" {Id}";

    internal static Vlan ReadData(AttributeReader data)
    {
        int id = 0;
        while (data.Next(out Wire.Attribute attribute))
        {
            id = attribute.Type == IFLA_VLAN_ID ? attribute.UInt16() : id;
        }

        return new Vlan(id);
    }

    private protected override void WriteData(MessageWriter writer) => writer.AttributeUInt16(IFLA_VLAN_ID, (ushort)Id);
}

/// <summary>A kind of which only the name is known.</summary>
/// <param name="Name">IFLA_INFO_KIND.</param>
public sealed record OtherKind(string Name) : LinkKind(Name)
{
    private protected override void WriteData(MessageWriter writer)
    {
    }
}
