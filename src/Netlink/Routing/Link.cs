using System.Runtime.InteropServices;
using Netlink.Wire;
using static Netlink.Routing.RtnetlinkConstants;

namespace Netlink.Routing;

/// <summary>A network link, as RTM_NEWLINK describes it.</summary>
public sealed record Link
{
    /// <summary>The interface index in its namespace.</summary>
    public required int Index { get; init; }

    /// <summary>The interface name.</summary>
    public required string Name { get; init; }

    /// <summary>IFLA_LINKINFO; null for a physical device.</summary>
    public LinkKind? Kind { get; init; }

    /// <summary>IFLA_LINK: the index of the link underneath; of another namespace if <see cref="ParentElsewhere"/>.</summary>
    public int? ParentIndex { get; init; }

    /// <summary>
    /// IFLA_LINK_NETNSID: the number that this namespace has for the other one that the link underneath is in; null: it is in this one.
    /// </summary>
    public int? ParentNamespace { get; init; }

    /// <summary>Whether the link underneath is in another namespace.</summary>
    public bool ParentElsewhere => ParentNamespace is not null;

    /// <summary>What can be set of it.</summary>
    public LinkSettings Settings { get; init; } = new();

    /// <summary>In bytes.</summary>
    public int Mtu => Settings.Mtu ?? 0;

    /// <summary>IFF_UP: switched on.</summary>
    public bool IsUp => Settings.IsUp == true;

    /// <summary>IFLA_GROUP: the device group, 0 by default.</summary>
    public uint Group => Settings.Group ?? 0;

    /// <summary>The hardware address; null if it has none, or is no Ethernet.</summary>
    public MacAddress? HardwareAddress => Settings.HardwareAddress;

    /// <summary>IFF_RUNNING: switched on and with a carrier.</summary>
    public bool IsRunning { get; init; }

    /// <summary>IFF_LOWER_UP: with a carrier at this moment. <see cref="IsRunning"/> comes a moment later.</summary>
    public bool HasCarrier { get; init; }

    /// <summary>Not IFF_NOARP: neighbours are found by ARP and neighbour discovery.</summary>
    public bool HasNeighbours { get; init; }

    /// <summary>IFLA_AF_SPEC: the kernel parameters of the link.</summary>
    public LinkSysctls Sysctls { get; init; } = LinkSysctls.None;

    internal static Link Read(Message message)
    {
        AttributeReader attributes = message.Attributes(LinkHeaderLength);
        uint flags = MemoryMarshal.Read<uint>(message.Payload[8..]);
        var link = new Link
        {
            Index = MemoryMarshal.Read<int>(message.Payload[4..]),
            Name = "",
            Settings = new() { IsUp = (flags & IFF_UP) != 0 },
            IsRunning = (flags & IFF_RUNNING) != 0,
            HasCarrier = (flags & IFF_LOWER_UP) != 0,
            HasNeighbours = (flags & IFF_NOARP) == 0,
        };
        while (attributes.Next(out Wire.Attribute attribute))
        {
            link = attribute.Type switch
            {
                IFLA_IFNAME => link with { Name = attribute.Text() },
                IFLA_LINK => link with { ParentIndex = attribute.Int32() },
                IFLA_LINK_NETNSID => link with { ParentNamespace = attribute.Int32() },
                IFLA_AF_SPEC => link with { Sysctls = LinkSysctls.Read(attribute.Nested()) },
                IFLA_LINKINFO => link with { Kind = LinkKind.Read(attribute.Nested()) },
                _ => link with { Settings = link.Settings.With(attribute) },
            };
        }

        return link;
    }
}

/// <summary>A link to be made in another namespace.</summary>
/// <param name="Name">Its name there.</param>
/// <param name="Kind">What kind of link it is.</param>
/// <param name="ParentIndex">The index of its parent, in the namespace of the socket.</param>
/// <param name="Settings">What is set of it; the rest is the kernel's, such as the parent's MTU.</param>
/// <param name="NamespaceDescriptor">The namespace that it is made in.</param>
public readonly record struct LinkRequest(string Name, LinkKind Kind, int ParentIndex, LinkSettings Settings, int NamespaceDescriptor);
