using Netlink.Wire;
using static Netlink.Routing.RtnetlinkConstants;

namespace Netlink.Routing;

/// <summary>
/// What can be set of a link, when it is made or later, in one message. Null: the kernel decides, or it stays as it is. A setting
/// that is added here is read, set, compared and named in errors.
/// </summary>
public sealed record LinkSettings
{
    /// <summary>IFLA_MTU, in bytes.</summary>
    public int? Mtu { get; init; }

    /// <summary>IFLA_TXQLEN: the length of the transmit queue, in packets.</summary>
    public int? TxQueueLength { get; init; }

    /// <summary>IFLA_GROUP: the device group, 0 by default.</summary>
    public uint? Group { get; init; }

    /// <summary>IFLA_ADDRESS; null also for a link that is no Ethernet.</summary>
    public MacAddress? HardwareAddress { get; init; }

    /// <summary>IFF_UP: whether it is switched on.</summary>
    public bool? IsUp { get; init; }

    /// <summary>Each setting in words, with its value.</summary>
    public IEnumerable<(string Name, object? Value)> Fields =>
    [
        ("MTU", Mtu), ("transmit queue", TxQueueLength), ("group", Group), ("hardware address", HardwareAddress),
        ("state", IsUp switch { true => "up", false => "down", null => null }),
    ];

    /// <summary>These settings; where they say nothing, the others.</summary>
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

    /// <summary>Those of these settings that a link with the others does not have.</summary>
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

    /// <summary>What is set: <c>MTU 1400, state up</c>.</summary>
    public override string ToString() =>
        string.Join(", ", Fields.Where(field => field.Value is not null).Select(field => $"{field.Name} {field.Value}"));

    /// <summary>With what an attribute of RTM_NEWLINK says.</summary>
    internal LinkSettings With(Wire.Attribute attribute) => attribute.Type switch
    {
        IFLA_MTU => this with { Mtu = attribute.Int32() },
        IFLA_TXQLEN => this with { TxQueueLength = attribute.Int32() },
        IFLA_GROUP => this with { Group = attribute.UInt32() },
        IFLA_ADDRESS when attribute.Value.Length == MacAddress.Length => this with { HardwareAddress = new MacAddress(attribute.Value) },
        _ => this,
    };

    /// <summary>Writes struct ifinfomsg and the attributes of what is set.</summary>
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
