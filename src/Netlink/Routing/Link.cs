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

    /// <summary>IFLA_LINKINFO; null for a physical link.</summary>
    public LinkKind? Kind { get; init; }

    /// <summary>IFLA_LINK: the index of the parent, in another namespace if <see cref="ParentElsewhere"/>.</summary>
    public int? ParentIndex { get; init; }

    /// <summary>IFLA_LINK_NETNSID: the ID in this namespace of the parent's namespace; null if the parent is in this namespace.</summary>
    public int? ParentNamespace { get; init; }

    /// <summary>Whether the parent is in another namespace.</summary>
    public bool ParentElsewhere => ParentNamespace is not null;

    /// <summary>The settings that can be changed.</summary>
    public LinkSettings Settings { get; init; } = new();

    /// <summary>The MTU in bytes.</summary>
    public int Mtu => Settings.Mtu ?? 0;

    /// <summary>IFF_UP: the link is administratively up.</summary>
    public bool IsUp => Settings.IsUp == true;

    /// <summary>IFLA_GROUP: the device group, 0 by default.</summary>
    public uint Group => Settings.Group ?? 0;

    /// <summary>The hardware address; null if there is none or the link is not Ethernet.</summary>
    public MacAddress? HardwareAddress => Settings.HardwareAddress;

    /// <summary>IFF_RUNNING: the link is up and has a carrier.</summary>
    public bool IsRunning { get; init; }

    /// <summary>IFF_LOWER_UP: the link has a carrier. The kernel updates <see cref="IsRunning"/> a moment later.</summary>
    public bool HasCarrier { get; init; }

    /// <summary>IFF_NOARP is not set: the link uses ARP and neighbor discovery.</summary>
    public bool HasNeighbors { get; init; }

    /// <summary>IFLA_AF_SPEC: the sysctls of the link.</summary>
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
            HasNeighbors = (flags & IFF_NOARP) == 0,
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

/// <summary>A link to create.</summary>
/// <param name="Name">The name in its namespace.</param>
/// <param name="Kind">The kind of the link.</param>
/// <param name="ParentIndex">The index of the parent, in the socket's namespace; null for a link without a parent.</param>
/// <param name="Settings">The initial settings; the kernel chooses the others, such as the parent's MTU.</param>
/// <param name="NamespaceDescriptor">A descriptor of the link's namespace; null for the socket's namespace.</param>
public readonly record struct LinkRequest(
    string Name, LinkKind Kind, int? ParentIndex, LinkSettings Settings, int? NamespaceDescriptor);
