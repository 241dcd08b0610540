using System.Net;
using System.Runtime.InteropServices;
using Netlink.Wire;
using static Netlink.Routing.RtnetlinkConstants;

namespace Netlink.Routing;

/// <summary>A next hop of a route.</summary>
/// <param name="OutputInterface">The index of the output interface; null if the route drops packets.</param>
/// <param name="Gateway">The gateway, which may be IPv6 in an IPv4 route (RTA_VIA); null for an on-link destination.</param>
public sealed record NextHop(int? OutputInterface, IPAddress? Gateway)
{
    /// <summary>sizeof(struct rtnexthop).</summary>
    private const int HeaderLength = 8;

    /// <summary>
    /// RTNH_F_PERVASIVE and RTNH_F_ONLINK, the configurable flags. The others are the kernel's state, which it refuses in a request.
    /// </summary>
    private const byte Settings = 2 | 4;

    /// <summary>RTA_MULTIPATH without the kernel's state flags, such as "link down", so that it can be written again.</summary>
    /// <exception cref="NetlinkException">EPROTO: the attribute is malformed.</exception>
    internal static byte[] WithoutState(ReadOnlySpan<byte> hops)
    {
        byte[] copy = hops.ToArray();
        for (int at = 0; at < copy.Length;)
        {
            int length = LengthOf(hops[at..]);
            copy[at + 2] &= Settings;
            at += NetlinkProtocol.Align(length);
        }

        return copy;
    }

    /// <summary>Reads RTA_MULTIPATH: consecutive next hops, each with its own attributes.</summary>
    internal static IReadOnlyList<NextHop> ReadAll(ReadOnlySpan<byte> hops)
    {
        var found = new List<NextHop>();
        while (!hops.IsEmpty)
        {
            int length = LengthOf(hops);
            var hop = new NextHop(MemoryMarshal.Read<int>(hops[4..]), null);
            var attributes = new AttributeReader(hops[HeaderLength..length]);
            while (attributes.Next(out Wire.Attribute attribute))
            {
                hop = attribute.Type switch
                {
                    RTA_GATEWAY => hop with { Gateway = attribute.Address() },
                    RTA_VIA => hop with { Gateway = ReadVia(attribute.Value) },
                    _ => hop,
                };
            }

            found.Add(hop);
            hops = hops[Math.Min(NetlinkProtocol.Align(length), hops.Length)..];
        }

        return found;
    }

    /// <summary>The length of the first next hop, rtnh_len of struct rtnexthop.</summary>
    private static int LengthOf(ReadOnlySpan<byte> hops)
    {
        ushort length = hops.Length >= HeaderLength ? MemoryMarshal.Read<ushort>(hops) : (ushort)0;
        return length >= HeaderLength && length <= hops.Length
            ? length
            : throw Malformed.Message($"a next hop says it has {length} bytes where {hops.Length} are left");
    }

    /// <summary>Reads the address in struct rtvia, after its family.</summary>
    internal static IPAddress ReadVia(ReadOnlySpan<byte> via) => via.Length is 2 + 4 or 2 + 16
        ? new IPAddress(via[2..])
        : throw Malformed.Message($"a gateway of {via.Length} bytes");

    /// <summary>Reads a next-hop object from RTM_NEWNEXTHOP.</summary>
    /// <param name="message">The message.</param>
    /// <param name="group">The IDs of the members if the object is a group; otherwise empty.</param>
    internal static NextHop Read(Message message, out IReadOnlyList<uint> group)
    {
        const int groupEntryLength = 8;
        var hop = new NextHop(null, null);
        var members = new List<uint>();
        AttributeReader attributes = message.Attributes(NextHopHeaderLength);
        while (attributes.Next(out Wire.Attribute attribute))
        {
            switch (attribute.Type)
            {
                case NHA_OIF: hop = hop with { OutputInterface = attribute.Int32() }; break;
                case NHA_GATEWAY: hop = hop with { Gateway = attribute.Address() }; break;
                case NHA_GROUP:
                    for (ReadOnlySpan<byte> rest = attribute.Value; rest.Length >= groupEntryLength; rest = rest[groupEntryLength..])
                    {
                        members.Add(MemoryMarshal.Read<uint>(rest));
                    }

                    break;
                default: break;
            }
        }

        group = members;
        return hop;
    }
}
