using Netlink.Wire;
using static Netlink.Routing.RtnetlinkConstants;

namespace Netlink.Routing;

/// <summary>
/// A VXLAN link (RFC 7348) without a network identifier and a peer of its own: routes give both for each packet
/// (<see cref="IpTunnel"/>, IFLA_VXLAN_COLLECT_METADATA). Packets have the generic protocol extension and no Ethernet header
/// (draft-ietf-nvo3-vxlan-gpe, IFLA_VXLAN_GPE), so the link has no hardware address and no neighbors.
/// </summary>
/// <param name="Port">The UDP port of both sides; while the link is up, no other socket of the namespace may use it (EADDRINUSE).</param>
public sealed record Vxlan(int Port) : LinkKind(KindName)
{
    /// <summary>IFLA_INFO_KIND.</summary>
    public const string KindName = "vxlan";

    /// <inheritdoc/>
    public override bool HasOwnHardwareAddress => false;

    /// <inheritdoc/>
    public override bool IsOnParentNetwork => false;

    /// <inheritdoc/>
    private protected override string Details => $" on UDP port {Port}";

    /// <summary>A VXLAN of another mode is a kind that this library does not support.</summary>
    internal static LinkKind ReadData(AttributeReader data)
    {
        (int port, bool collectsMetadata, bool isGeneric) = (0, false, false);
        while (data.Next(out Wire.Attribute attribute))
        {
            switch (attribute.Type)
            {
                case IFLA_VXLAN_PORT: port = attribute.UInt16BigEndian(); break;
                case IFLA_VXLAN_COLLECT_METADATA: collectsMetadata = attribute.Byte() != 0; break;
                case IFLA_VXLAN_GPE: isGeneric = true; break;
                default: break;
            }
        }

        return collectsMetadata && isGeneric ? new Vxlan(port) : new OtherKind(KindName);
    }

    // A link without Ethernet headers cannot learn hardware addresses, which is the default.
    private protected override void WriteData(MessageWriter writer)
    {
        writer.AttributeByte(IFLA_VXLAN_COLLECT_METADATA, 1);
        writer.Attribute(IFLA_VXLAN_GPE, []);
        writer.AttributeByte(IFLA_VXLAN_LEARNING, 0);
        writer.AttributeUInt16BigEndian(IFLA_VXLAN_PORT, (ushort)Port);
    }
}
