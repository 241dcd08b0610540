using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Netlink.Wire;
using static Netlink.Routing.RtnetlinkConstants;

namespace Netlink.Routing;

/// <summary>The type of a route: its effect on a packet (RTN_*, linux/rtnetlink.h).</summary>
public enum RouteType : byte
{
    /// <summary>Forwards the packet.</summary>
    Unicast = 1,

    /// <summary>Delivers the packet locally: the address is the machine's own.</summary>
    Local = 2,

    /// <summary>Delivers the packet locally as a broadcast.</summary>
    Broadcast = 3,

    /// <summary>Delivers the packet locally as anycast.</summary>
    Anycast = 4,

    /// <summary>Sends the packet to a multicast group.</summary>
    Multicast = 5,

    /// <summary>Drops the packet silently.</summary>
    Blackhole = 6,

    /// <summary>Drops the packet with ICMP "host unreachable".</summary>
    Unreachable = 7,

    /// <summary>Drops the packet with ICMP "administratively prohibited".</summary>
    Prohibit = 8,
}

/// <summary>The scope of a route: the distance of its destination (RT_SCOPE_*).</summary>
public enum RouteScope : byte
{
    /// <summary>Anywhere, behind a gateway.</summary>
    Universe = 0,

    /// <summary>On the link.</summary>
    Link = 253,

    /// <summary>This machine.</summary>
    Host = 254,
}

/// <summary>The origin of a route (RTPROT_*).</summary>
public enum RouteProtocol : byte
{
    /// <summary>Unknown.</summary>
    Unspecified = 0,

    /// <summary>The kernel, for an address.</summary>
    Kernel = 2,

    /// <summary>An administrator or a boot script; <c>ip route add</c> sets it by default.</summary>
    Boot = 3,

    /// <summary>An administrator, permanently.</summary>
    Static = 4,

    /// <summary>An IPv6 router advertisement.</summary>
    RouterAdvertisement = 9,
}

/// <summary>A route, as RTM_NEWROUTE describes it.</summary>
public sealed record Route
{
    /// <summary>RTNH_F_ONLINK.</summary>
    private const uint Onlink = 4;

    /// <summary>The number of the main routing table (RT_TABLE_MAIN).</summary>
    public const uint MainTable = 254;

    /// <summary>IPv4 or IPv6.</summary>
    public required AddressFamily Family { get; init; }

    /// <summary>RTA_DST: the destination network's address; null for a default route, with <see cref="PrefixLength"/> 0.</summary>
    public IPAddress? Destination { get; init; }

    /// <summary>The prefix length of the destination in bits.</summary>
    public int PrefixLength { get; init; }

    /// <summary>RTA_GATEWAY; null for an on-link destination.</summary>
    public IPAddress? Gateway { get; init; }

    /// <summary>RTA_OIF: the index of the output interface.</summary>
    public int? OutputInterface { get; init; }

    /// <summary>RTA_TABLE: the routing table.</summary>
    public uint Table { get; init; } = MainTable;

    /// <summary>RTA_PRIORITY, the metric; 0 if there is none.</summary>
    public uint Priority { get; init; }

    /// <summary>rtm_protocol.</summary>
    public RouteProtocol Origin { get; init; } = RouteProtocol.Boot;

    /// <summary>rtm_scope; always universe for IPv6.</summary>
    public RouteScope Scope { get; init; }

    /// <summary>rtm_type.</summary>
    public RouteType Type { get; init; } = RouteType.Unicast;

    /// <summary>rtm_tos.</summary>
    public byte TypeOfService { get; init; }

    /// <summary>RTA_PREFSRC: the source address of locally generated packets.</summary>
    public IPAddress? PreferredSource { get; init; }

    /// <summary>RTNH_F_ONLINK: the gateway is on the link even if no route covers it.</summary>
    public bool IsOnlink { get; init; }

    /// <summary>
    /// All other attributes in wire format (metrics, next hops, encapsulation ...), so that a route that was read can be
    /// written into another table without loss. <see cref="IpTunnel.ToAttributes"/> writes an encapsulation.
    /// </summary>
    public Bytes OtherAttributes { get; init; }

    /// <summary>The MTU metric of a route (RTA_METRICS, RTAX_MTU), in bytes; null if there is none.</summary>
    /// <param name="attributes">Attributes of a route, as in <see cref="OtherAttributes"/>.</param>
    /// <exception cref="NetlinkException">EPROTO: the attributes are malformed.</exception>
    public static int? MtuIn(Bytes attributes)
    {
        int? mtu = null;
        var reader = new AttributeReader(attributes.Span);
        while (reader.Next(out Wire.Attribute attribute))
        {
            AttributeReader metrics = attribute.Type == RTA_METRICS ? attribute.Nested() : default;
            while (metrics.Next(out Wire.Attribute metric))
            {
                mtu = metric.Type == RTAX_MTU ? metric.Int32() : mtu;
            }
        }

        return mtu;
    }

    /// <summary>
    /// Whether bytes from an untrusted source are well-formed attributes of types that <see cref="OtherAttributes"/> can contain.
    /// </summary>
    public static bool AreAttributes(Bytes attributes)
    {
        try
        {
            _ = MtuIn(attributes);
            bool areKnown = true;
            var reader = new AttributeReader(attributes.Span);
            while (reader.Next(out Wire.Attribute attribute))
            {
                areKnown &= attribute.Type is RTA_METRICS or RTA_MULTIPATH or RTA_FLOW or RTA_VIA or RTA_PREF or RTA_ENCAP_TYPE or RTA_ENCAP
                    or RTA_EXPIRES or RTA_TTL_PROPAGATE or RTA_NH_ID;
            }

            return areKnown;
        }
        catch (NetlinkException)
        {
            return false;
        }
    }

    /// <summary>
    /// The next hop of the route, or several (RTA_MULTIPATH). Empty if the route only refers to a next-hop object; see
    /// <see cref="RouteQueries.NextHopsOf"/>.
    /// </summary>
    /// <exception cref="NetlinkException">EPROTO: the kernel's answer is malformed.</exception>
    public IReadOnlyList<NextHop> NextHops() =>
        Other(RTA_MULTIPATH) is Bytes several ? NextHop.ReadAll(several.Span)
        : Other(RTA_VIA) is Bytes via ? [new NextHop(OutputInterface, NextHop.ReadVia(via.Span))]
        : OutputInterface is null && NextHopObject() is not null ? []
        : [new NextHop(OutputInterface, Gateway)];

    /// <summary>The tunnel into which the route sends packets; null if it has none, or one that this library cannot write.</summary>
    /// <exception cref="NetlinkException">EPROTO: the kernel's answer is malformed.</exception>
    public IpTunnel? Tunnel() => IpTunnel.In(OtherAttributes);

    /// <summary>RTA_NH_ID: the ID of the route's next-hop object (ip-nexthop(8)), or null.</summary>
    internal uint? NextHopObject() => Other(RTA_NH_ID) is Bytes { Length: sizeof(uint) } id ? MemoryMarshal.Read<uint>(id.Span) : null;

    internal static Route Read(Message message)
    {
        AttributeReader attributes = message.Attributes(RouteHeaderLength);
        ReadOnlySpan<byte> header = message.Payload;
        var other = new MessageWriter(64);
        var route = new Route
        {
            Family = KernelFamily.From(header[0]),
            PrefixLength = header[1],
            TypeOfService = header[3],
            Table = header[4],
            Origin = (RouteProtocol)header[5],
            Scope = (RouteScope)header[6],
            Type = (RouteType)header[7],
            IsOnlink = (MemoryMarshal.Read<uint>(header[8..]) & Onlink) != 0,
        };
        while (attributes.Next(out Wire.Attribute attribute))
        {
            switch (attribute.Type)
            {
                case RTA_DST: route = route with { Destination = attribute.Address() }; break;
                case RTA_GATEWAY: route = route with { Gateway = attribute.Address() }; break;
                case RTA_OIF: route = route with { OutputInterface = attribute.Int32() }; break;
                case RTA_TABLE: route = route with { Table = attribute.UInt32() }; break;
                case RTA_PRIORITY: route = route with { Priority = attribute.UInt32() }; break;
                case RTA_PREFSRC: route = route with { PreferredSource = attribute.Address() }; break;
                case RTA_MULTIPATH: other.Attribute(attribute.Type, NextHop.WithoutState(attribute.Value)); break;
                case RTA_CACHEINFO: break; // ages and use counts, not properties of the route
                default: other.Attribute(attribute.Type, attribute.Value); break;
            }
        }

        return route with { OtherAttributes = new Bytes(other.Written) };
    }

    internal void WriteTo(MessageWriter writer)
    {
        writer.Byte(KernelFamily.Of(Family));
        writer.Byte((byte)PrefixLength);
        writer.Byte(0);
        writer.Byte(TypeOfService);
        // The header field holds tables up to 255; larger ones need RTA_TABLE.
        writer.Byte(Table <= byte.MaxValue ? (byte)Table : RT_TABLE_UNSPEC);
        writer.Byte((byte)Origin);
        writer.Byte((byte)Scope);
        writer.Byte((byte)Type);
        writer.UInt32(IsOnlink ? Onlink : 0);
        if (Destination is not null)
        {
            writer.AttributeAddress(RTA_DST, Destination);
        }

        // The kernel refuses a next-hop object together with its own attributes.
        bool namesNextHop = NextHopObject() is not null;
        if (Gateway is not null && !namesNextHop)
        {
            writer.AttributeAddress(RTA_GATEWAY, Gateway);
        }

        if (Priority != 0)
        {
            writer.AttributeUInt32(RTA_PRIORITY, Priority);
        }

        if (Table > byte.MaxValue)
        {
            writer.AttributeUInt32(RTA_TABLE, Table);
        }

        if (PreferredSource is not null)
        {
            writer.AttributeAddress(RTA_PREFSRC, PreferredSource);
        }

        var reader = new AttributeReader(OtherAttributes.Span);
        while (reader.Next(out Wire.Attribute attribute))
        {
            if (!namesNextHop || attribute.Type == RTA_NH_ID)
            {
                int flags = attribute.Type == RTA_ENCAP ? NetlinkProtocol.NLA_F_NESTED : 0;
                writer.Attribute((ushort)(attribute.Type | flags), attribute.Value);
            }
        }

        if (OutputInterface is int index && !namesNextHop)
        {
            writer.AttributeUInt32(RTA_OIF, (uint)index);
        }
    }

    /// <summary>The value of one of the <see cref="OtherAttributes"/>, or null.</summary>
    private Bytes? Other(ushort type)
    {
        var reader = new AttributeReader(OtherAttributes.Span);
        while (reader.Next(out Wire.Attribute attribute))
        {
            if (attribute.Type == type)
            {
                return new Bytes(attribute.Value);
            }
        }

        return null;
    }
}
