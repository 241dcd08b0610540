using System.Runtime.InteropServices;
using Netlink.Wire;
using static Netlink.Routing.RouteProtocol;

namespace Netlink.Routing;

/// <summary>The modes of a macvlan (enum macvlan_mode, linux/if_link.h).</summary>
public enum MacvlanLinkMode : uint
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
public enum IpvlanLinkMode : ushort
{
    /// <summary>Frames: the pod resolves neighbours itself.</summary>
    L2 = 0,

    /// <summary>Packets: the parent's namespace routes what leaves; no broadcast, no neighbours.</summary>
    L3 = 1,

    /// <summary>As <see cref="L3"/>, but what comes in passes the netfilter hooks of the parent's namespace instead of its own.</summary>
    L3s = 2,
}

/// <summary>A network link, as RTM_NEWLINK describes it.</summary>
public sealed record Link
{
    /// <summary>The interface index in its namespace.</summary>
    public required int Index { get; init; }

    /// <summary>The interface name.</summary>
    public required string Name { get; init; }

    /// <summary>IFLA_INFO_KIND, such as <c>macvlan</c>; null for a physical device.</summary>
    public string? Kind { get; init; }

    /// <summary>IFLA_LINK: the index of the link underneath; of another namespace if <see cref="ParentElsewhere"/>.</summary>
    public int? ParentIndex { get; init; }

    /// <summary>IFLA_LINK_NETNSID: the number that this namespace has for the other one that the link underneath is in; null: it is in this one.</summary>
    public int? ParentNamespace { get; init; }

    /// <summary>Whether the link underneath is in another namespace.</summary>
    public bool ParentElsewhere => ParentNamespace is not null;

    /// <summary>In bytes.</summary>
    public int Mtu { get; init; }

    /// <summary>IFF_UP: switched on.</summary>
    public bool IsUp { get; init; }

    /// <summary>IFF_RUNNING: switched on and with a carrier.</summary>
    public bool IsRunning { get; init; }

    /// <summary>IFF_LOWER_UP: with a carrier at this moment. <see cref="IsRunning"/> comes a moment later.</summary>
    public bool HasCarrier { get; init; }

    /// <summary>Not IFF_NOARP: neighbours are found by ARP and neighbour discovery.</summary>
    public bool HasNeighbours { get; init; }

    /// <summary>The hardware address, as <c>02:42:ac:11:00:02</c>; null if it has none.</summary>
    public string? HardwareAddress { get; init; }

    /// <summary>IFLA_GROUP: the device group, 0 by default.</summary>
    public uint Group { get; init; }

    /// <summary>IFLA_MACVLAN_MODE; null if it is no macvlan.</summary>
    public MacvlanLinkMode? MacvlanMode { get; init; }

    /// <summary>IFLA_IPVLAN_MODE; null if it is no ipvlan.</summary>
    public IpvlanLinkMode? IpvlanMode { get; init; }

    /// <summary>IFLA_AF_SPEC: the kernel parameters of the link.</summary>
    public LinkParameters Parameters { get; init; } = LinkParameters.None;

    internal static Link Read(Message message)
    {
        AttributeReader attributes = message.Attributes(LinkHeaderLength);
        uint flags = MemoryMarshal.Read<uint>(message.Payload[8..]);
        var link = new Link
        {
            Index = MemoryMarshal.Read<int>(message.Payload[4..]),
            Name = "",
            IsUp = (flags & IFF_UP) != 0,
            IsRunning = (flags & IFF_RUNNING) != 0,
            HasCarrier = (flags & IFF_LOWER_UP) != 0,
            HasNeighbours = (flags & IFF_NOARP) == 0,
        };
        while (attributes.Next(out Wire.Attribute attribute))
        {
            link = attribute.Type switch
            {
                IFLA_IFNAME => link with { Name = attribute.Text() },
                IFLA_MTU => link with { Mtu = attribute.Int32() },
                IFLA_LINK => link with { ParentIndex = attribute.Int32() },
                IFLA_LINK_NETNSID => link with { ParentNamespace = attribute.Int32() },
                IFLA_GROUP => link with { Group = attribute.UInt32() },
                IFLA_ADDRESS => link with { HardwareAddress = MacText(attribute.Value) },
                IFLA_AF_SPEC => link with { Parameters = LinkParameters.Read(attribute.Nested()) },
                IFLA_LINKINFO => ReadInfo(link, attribute.Nested()),
                _ => link,
            };
        }

        return link;
    }

    private static Link ReadInfo(Link link, AttributeReader information)
    {
        while (information.Next(out Wire.Attribute attribute))
        {
            // The kernel writes the kind before its data.
            if (attribute.Type == IFLA_INFO_KIND)
            {
                link = link with { Kind = attribute.Text() };
            }
            else if (attribute.Type == IFLA_INFO_DATA && link.Kind is "macvlan" or "ipvlan")
            {
                link = ReadMode(link, attribute.Nested());
            }
        }

        return link;
    }

    private static Link ReadMode(Link link, AttributeReader data)
    {
        while (data.Next(out Wire.Attribute item))
        {
            link = (link.Kind, item.Type) switch
            {
                ("macvlan", IFLA_MACVLAN_MODE) => link with { MacvlanMode = (MacvlanLinkMode)item.UInt32() },
                ("ipvlan", IFLA_IPVLAN_MODE) => link with { IpvlanMode = (IpvlanLinkMode)item.UInt16() },
                _ => link,
            };
        }

        return link;
    }

    private static string MacText(ReadOnlySpan<byte> address) =>
        string.Join(':', Convert.ToHexStringLower(address).Chunk(2).Select(pair => new string(pair)));
}

/// <summary>A macvlan to be made in another namespace.</summary>
/// <param name="Name">Its name there.</param>
/// <param name="ParentIndex">The index of its parent, in the namespace of the socket.</param>
/// <param name="Mode">How macvlans of one parent see each other.</param>
/// <param name="Mtu">In bytes; null for the parent's.</param>
/// <param name="Group">Its device group.</param>
/// <param name="NamespaceDescriptor">The namespace that it is made in.</param>
public readonly record struct MacvlanRequest(
    string Name, int ParentIndex, MacvlanLinkMode Mode, int? Mtu, uint Group, int NamespaceDescriptor);

/// <summary>An ipvlan to be made in another namespace. It has its parent's hardware address.</summary>
/// <param name="Name">Its name there.</param>
/// <param name="ParentIndex">The index of its parent, in the namespace of the socket.</param>
/// <param name="Mode">The mode of all ipvlans of the parent, those that are there included.</param>
/// <param name="Mtu">In bytes; null for the parent's.</param>
/// <param name="Group">Its device group.</param>
/// <param name="NamespaceDescriptor">The namespace that it is made in.</param>
public readonly record struct IpvlanRequest(
    string Name, int ParentIndex, IpvlanLinkMode Mode, int? Mtu, uint Group, int NamespaceDescriptor);
