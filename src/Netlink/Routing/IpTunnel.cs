using System.Net;
using Netlink.Wire;
using static Netlink.Routing.RtnetlinkConstants;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink.Routing;

/// <summary>
/// The tunnel into which a route sends packets through a link that collects metadata, such as <see cref="Vxlan"/> (linux/lwtunnel.h:
/// LWTUNNEL_ENCAP_IP, LWTUNNEL_ENCAP_IP6). The families of the route and of the tunnel may differ.
/// </summary>
/// <param name="Id">LWTUNNEL_IP_ID: the network identifier; 24 bits for VXLAN.</param>
/// <param name="Destination">LWTUNNEL_IP_DST: the other end of the tunnel.</param>
/// <param name="TimeToLive">LWTUNNEL_IP_TTL: TTL or hop limit of the outer packet; 0 for the default of the namespace.</param>
/// <param name="Source">LWTUNNEL_IP_SRC: the source of the outer packet; null: the kernel chooses it for each packet.</param>
public sealed record IpTunnel(ulong Id, IPAddress Destination, byte TimeToLive = 0, IPAddress? Source = null)
{
    /// <summary>The tunnel of a route; null if it has none, or one of another kind or with other properties.</summary>
    /// <param name="attributes">Attributes of a route, as in <see cref="Route.OtherAttributes"/>.</param>
    /// <exception cref="NetlinkException">EPROTO: the attributes are malformed.</exception>
    public static IpTunnel? In(Bytes attributes)
    {
        ushort? type = null;
        IpTunnel? tunnel = null;
        var reader = new AttributeReader(attributes.Span);
        while (reader.Next(out Wire.Attribute attribute))
        {
            switch (attribute.Type)
            {
                case RTA_ENCAP_TYPE: type = attribute.UInt16(); break;
                case RTA_ENCAP: tunnel = Read(attribute.Nested()); break;
                default: break;
            }
        }

        return tunnel is not null && type == TypeOf(tunnel.Destination) ? tunnel : null;
    }

    /// <summary>RTA_ENCAP and RTA_ENCAP_TYPE, for <see cref="Route.OtherAttributes"/>.</summary>
    public Bytes ToAttributes()
    {
        var writer = new MessageWriter(64);
        int tunnel = writer.BeginNested(RTA_ENCAP | NLA_F_NESTED);
        writer.AttributeUInt64BigEndian(LWTUNNEL_IP_ID, Id);
        writer.AttributeAddress(LWTUNNEL_IP_DST, Destination);
        if (Source is not null)
        {
            writer.AttributeAddress(LWTUNNEL_IP_SRC, Source);
        }

        writer.AttributeByte(LWTUNNEL_IP_TTL, TimeToLive);
        writer.EndNested(tunnel);
        writer.AttributeUInt16(RTA_ENCAP_TYPE, TypeOf(Destination));
        return new Bytes(writer.Written);
    }

    private static ushort TypeOf(IPAddress end) => KernelFamily.Of(end) == KernelFamily.AF_INET ? LWTUNNEL_ENCAP_IP : LWTUNNEL_ENCAP_IP6;

    /// <summary>The attributes of both families have the same numbers. The kernel always gives TOS and flags, 0 by default.</summary>
    private static IpTunnel? Read(AttributeReader attributes)
    {
        (ulong id, IPAddress? destination, IPAddress? source, byte timeToLive, bool hasOther) = (0, null, null, 0, false);
        while (attributes.Next(out Wire.Attribute attribute))
        {
            switch (attribute.Type)
            {
                case LWTUNNEL_IP_ID when attribute.Value.Length == sizeof(ulong): id = attribute.UInt64BigEndian(); break;
                case LWTUNNEL_IP_DST when attribute.Value.Length is 4 or 16: destination = attribute.Address(); break;
                case LWTUNNEL_IP_SRC when attribute.Value.Length is 4 or 16: source = attribute.Address(); break;
                case LWTUNNEL_IP_TTL when attribute.Value.Length == 1: timeToLive = attribute.Byte(); break;
                case LWTUNNEL_IP_TOS or LWTUNNEL_IP_FLAGS: hasOther |= attribute.Value.ContainsAnyExcept((byte)0); break;
                default: hasOther = true; break;
            }
        }

        bool isSourceChosen = source is not null && (source.Equals(IPAddress.Any) || source.Equals(IPAddress.IPv6Any));
        return destination is null || hasOther ? null : new IpTunnel(id, destination, timeToLive, isSourceChosen ? null : source);
    }
}
