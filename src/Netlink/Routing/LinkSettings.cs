using Netlink.Wire;
using static Netlink.Routing.RtnetlinkConstants;

namespace Netlink.Routing;

/// <summary>
/// The settings of a link that one message can set, at creation or later. Null: the kernel chooses the value, or it stays
/// unchanged. A new setting is added in this type only, which reads, writes, compares and names all of them.
/// </summary>
public sealed record LinkSettings
{
    /// <summary>IFLA_MTU, in bytes.</summary>
    public int? Mtu { get; init; }

    /// <summary>IFLA_TXQLEN: the length of the transmit queue, in packets.</summary>
    public int? TxQueueLength { get; init; }

    /// <summary>IFLA_GROUP: the device group, 0 by default.</summary>
    public uint? Group { get; init; }

    /// <summary>IFLA_ADDRESS; null also for a link that is not Ethernet.</summary>
    public MacAddress? HardwareAddress { get; init; }

    /// <summary>IFF_UP: whether the link is administratively up.</summary>
    public bool? IsUp { get; init; }

    /// <summary>The display name and the value of each setting.</summary>
    public IEnumerable<(string Name, object? Value)> Fields =>
    [
        ("MTU", Mtu), ("transmit queue", TxQueueLength), ("group", Group), ("hardware address", HardwareAddress),
        ("state", IsUp switch { true => "up", false => "down", null => null }),
    ];

    /// <summary>These settings; a setting that is null comes from the others.</summary>
    public LinkSettings Or(LinkSettings others)
    {
        ArgumentNullException.ThrowIfNull(others);
        return new()
        {
            Mtu = Mtu ?? others.Mtu,
            TxQueueLength = TxQueueLength ?? others.TxQueueLength,
            Group = Group ?? others.Group,
            HardwareAddress = HardwareAddress ?? others.HardwareAddress,
            IsUp = IsUp ?? others.IsUp,
        };
    }

    /// <summary>The settings that differ from the others; equal ones become null.</summary>
    public LinkSettings Except(LinkSettings others)
    {
        ArgumentNullException.ThrowIfNull(others);
        return new()
        {
            Mtu = Mtu == others.Mtu ? null : Mtu,
            TxQueueLength = TxQueueLength == others.TxQueueLength ? null : TxQueueLength,
            Group = Group == others.Group ? null : Group,
            HardwareAddress = HardwareAddress == others.HardwareAddress ? null : HardwareAddress,
            IsUp = IsUp == others.IsUp ? null : IsUp,
        };
    }

    /// <summary>The settings that are not null: <c>MTU 1400, state up</c>.</summary>
    public override string ToString() =>
        string.Join(", ", Fields.Where(field => field.Value is not null).Select(field => $"{field.Name} {field.Value}"));

    /// <summary>Applies an attribute of RTM_NEWLINK.</summary>
    internal LinkSettings With(Wire.Attribute attribute) => attribute.Type switch
    {
        IFLA_MTU => this with { Mtu = attribute.Int32() },
        IFLA_TXQLEN => this with { TxQueueLength = attribute.Int32() },
        IFLA_GROUP => this with { Group = attribute.UInt32() },
        IFLA_ADDRESS when attribute.Value.Length == MacAddress.Length => this with { HardwareAddress = new MacAddress(attribute.Value) },
        _ => this,
    };

    /// <summary>Writes struct ifinfomsg and the attributes of the settings that are not null.</summary>
    internal void WriteTo(MessageWriter writer, int linkIndex)
    {
        RouteRequests.WriteLinkHeader(writer, linkIndex, IsUp == true ? IFF_UP : 0, IsUp is null ? 0 : IFF_UP);
        if (Mtu is int mtu)
        {
            writer.AttributeUInt32(IFLA_MTU, (uint)mtu);
        }

        if (TxQueueLength is int length)
        {
            writer.AttributeUInt32(IFLA_TXQLEN, (uint)length);
        }

        if (Group is uint group)
        {
            writer.AttributeUInt32(IFLA_GROUP, group);
        }

        if (HardwareAddress is MacAddress address)
        {
            Span<byte> bytes = stackalloc byte[MacAddress.Length];
            address.CopyTo(bytes);
            writer.Attribute(IFLA_ADDRESS, bytes);
        }
    }
}
