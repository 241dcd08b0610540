using System.Text;
using Netlink.Wire;
using static Netlink.Routing.RtnetlinkConstants;

namespace Netlink.Routing;

/// <summary>The mode of a macvlan (enum macvlan_mode, linux/if_link.h).</summary>
public enum MacvlanMode : uint
{
    /// <summary>No traffic between the macvlans of a parent.</summary>
    Private = 1,

    /// <summary>The external switch forwards traffic between the macvlans of a parent (802.1Qbg).</summary>
    Vepa = 2,

    /// <summary>The macvlans of a parent reach each other directly.</summary>
    Bridge = 4,

    /// <summary>The only macvlan of its parent, with the parent's hardware address.</summary>
    Passthru = 8,
}

/// <summary>The mode of an ipvlan (enum ipvlan_mode, linux/if_link.h), common to all ipvlans of a parent.</summary>
public enum IpvlanMode : ushort
{
    /// <summary>Layer 2: the pod resolves neighbors itself.</summary>
    L2 = 0,

    /// <summary>Layer 3: the parent's namespace routes outgoing packets; no broadcast and no neighbor resolution.</summary>
    L3 = 1,

    /// <summary>Like <see cref="L3"/>, but incoming packets pass the netfilter hooks of the parent's namespace, not the pod's.</summary>
    L3s = 2,
}

/// <summary>
/// The kind of a virtual link (IFLA_LINKINFO), chosen at creation. Each derived type has the attributes and the properties of
/// its kind.
/// </summary>
/// <param name="Name">IFLA_INFO_KIND, such as <c>macvlan</c>.</param>
public abstract record LinkKind(string Name)
{
    /// <summary>The name of the mode, such as <c>bridge</c>; null for a kind without modes.</summary>
    public virtual string? Mode => null;

    /// <summary>Whether the link has its own hardware address instead of its parent's.</summary>
    public virtual bool HasOwnHardwareAddress => true;

    /// <summary>Whether the link is in the network of its parent, instead of another network behind the same port.</summary>
    public virtual bool IsOnParentNetwork => true;

    /// <summary>The name with an article: <c>an ipvlan</c>.</summary>
    public string WithArticle => $"{("aeiou".Contains(Name[0], StringComparison.Ordinal) ? "an" : "a")} {Name}";

    /// <summary>Explains why the kernel refused to create such a link; null if the kernel's error is clear enough.</summary>
    /// <param name="refused">The kernel's error.</param>
    public virtual string? WhyRefused(NetlinkException refused) =>
        refused is { Number: Errno.EOPNOTSUPP } ? $"{Name} is not in this kernel" : null;

    /// <summary>Name and mode, such as <c>macvlan of mode bridge</c> or <c>vlan 100</c>.</summary>
    public sealed override string ToString() => Name + Details;

    /// <summary>The part of <see cref="ToString"/> after the name.</summary>
    private protected virtual string Details => Mode is null ? "" : $" of mode {Mode}";

    /// <summary>Reads IFLA_LINKINFO, in which the kernel writes the kind before the data.</summary>
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
                (IFLA_INFO_DATA, Vxlan.KindName) => Vxlan.ReadData(attribute.Nested()),
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

    /// <summary>Writes the attributes in IFLA_INFO_DATA.</summary>
    private protected abstract void WriteData(MessageWriter writer);
}

/// <summary>A link on its parent's network with its own hardware address.</summary>
/// <param name="MacvlanMode">The mode.</param>
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

/// <summary>A link with its own IP addresses and its parent's hardware address.</summary>
/// <param name="IpvlanMode">The mode; it also changes the mode of the parent's existing ipvlans.</param>
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

    // Without IFLA_IPVLAN_FLAGS ("private", "vepa") a parent keeps its flags; a new one has none.
    private protected override void WriteData(MessageWriter writer) => writer.AttributeUInt16(IFLA_IPVLAN_MODE, (ushort)IpvlanMode);
}

/// <summary>A VLAN of the parent (IEEE 802.1Q). The kernel allows one link for each VLAN of a parent, in all namespaces together.</summary>
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

/// <summary>A kind that this library does not support.</summary>
/// <param name="Name">IFLA_INFO_KIND.</param>
public sealed record OtherKind(string Name) : LinkKind(Name)
{
    private protected override void WriteData(MessageWriter writer)
    {
    }
}
