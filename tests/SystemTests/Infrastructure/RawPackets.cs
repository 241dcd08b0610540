using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Netlink;

namespace SystemTests;

/// <summary>ICMP messages and TCP segments, as an attacker or a router would send them.</summary>
internal static class RawPackets
{
    /// <summary>
    /// Sends a router advertisement (RFC 4861, section 4.2) to all nodes: a default router for half an hour, and the
    /// prefix 2001:db8:bad::/64 to make addresses of.
    /// </summary>
    public static void SendRouterAdvertisement(string name, string link)
    {
        byte[] message =
        [
            134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0,
            // Prefix information: /64, on link, autonomous, an hour.
            3, 4, 64, 0xc0, 0, 0, 0x0e, 0x10, 0, 0, 0x0e, 0x10, 0, 0, 0, 0, .. IPAddress.Parse("2001:db8:bad::").GetAddressBytes(),
        ];
        Send(name, link, LinkLocalOf(name, link), "ff02::1", message);
    }

    /// <summary>Sends an IPv6 redirect (RFC 4861, section 4.5): <paramref name="about"/> is reached by <paramref name="better"/>.</summary>
    public static void SendRedirect6(string name, string link, string to, string better, string about) =>
        Send(name, link, LinkLocalOf(name, link), to,
        [
            137, 0, 0, 0, 0, 0, 0, 0, .. IPAddress.Parse(better).GetAddressBytes(), .. IPAddress.Parse(about).GetAddressBytes(),
        ]);

    /// <summary>
    /// Sends an IPv4 redirect (RFC 792) for an echo reply from <paramref name="to"/> to <paramref name="about"/>: one for
    /// TCP or UDP is believed only where there is such a socket.
    /// </summary>
    public static void SendRedirect(string name, string link, string from, string to, string better, string about)
    {
        byte[] message =
        [
            5, 1, 0, 0, .. IPAddress.Parse(better).GetAddressBytes(),
            // The packet that it is about: its IPv4 header, and eight bytes of ICMP.
            0x45, 0, 0, 28, 0, 0, 0x40, 0, 63, 1, 0, 0, .. IPAddress.Parse(to).GetAddressBytes(),
            .. IPAddress.Parse(about).GetAddressBytes(),
            0, 0, 0xba, 0xac, 0x45, 0x52, 0, 1,
        ];
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(18), Checksum(message.AsSpan(8, 20)));
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), Checksum(message));
        Send(name, link, from, to, message);
    }

    /// <summary>Sends an echo request of either family.</summary>
    public static void SendEchoRequest(string name, string link, string from, string to)
    {
        bool ipv6 = to.Contains(':', StringComparison.Ordinal);
        byte[] message = [ipv6 ? (byte)128 : (byte)8, 0, 0, 0, 0x45, 0x52, 0, 1];
        if (!ipv6)
        {
            BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), Checksum(message));
        }

        Send(name, link, from, to, message);
    }

    /// <summary>
    /// Sends a TCP segment with an acknowledgement and a byte of data, whatever the connection is like (RFC 9293, section 3.1).
    /// </summary>
    public static void SendSegment(string name, IPEndPoint from, IPEndPoint to, uint sequence)
    {
        var segment = new byte[21];
        BinaryPrimitives.WriteUInt16BigEndian(segment, (ushort)from.Port);
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(2), (ushort)to.Port);
        BinaryPrimitives.WriteUInt32BigEndian(segment.AsSpan(4), sequence);
        BinaryPrimitives.WriteUInt32BigEndian(segment.AsSpan(8), sequence);
        // A header of five words; ACK and PSH; a window.
        (segment[12], segment[13], segment[14]) = (0x50, 0x18, 0x10);
        byte[] pseudo = [.. from.Address.GetAddressBytes(), .. to.Address.GetAddressBytes(), 0, (byte)ProtocolType.Tcp, 0,
            (byte)segment.Length, .. segment, 0];
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(16), Checksum(pseudo));
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(name));
        using Socket socket = space.Run(() => new Socket(from.AddressFamily, SocketType.Raw, ProtocolType.Tcp));
        socket.Bind(new IPEndPoint(from.Address, 0));
        socket.SendTo(segment, new IPEndPoint(to.Address, 0));
    }

    /// <summary>The link-local address of a link.</summary>
    public static string LinkLocalOf(string name, string link) =>
        Lab.In(
            name, "ip", "-6", "-o", "address", "show", "dev", link, "scope",
            "link").Split(' ', StringSplitOptions.RemoveEmptyEntries)[3].Split('/')[0];

    /// <summary>The kernel puts the checksum into ICMPv6 messages, and a hop limit of 255 where it is told to.</summary>
    private static void Send(string name, string link, string from, string to, byte[] message)
    {
        var source = IPAddress.Parse(from);
        var destination = IPAddress.Parse(to);
        int index = Lab.IndexOf(name, link);
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(name));
        space.Run(() =>
        {
            bool ipv6 = source.AddressFamily == AddressFamily.InterNetworkV6;
            using var socket = new Socket(source.AddressFamily, SocketType.Raw, ipv6 ? ProtocolType.IcmpV6 : ProtocolType.Icmp);
            if (ipv6)
            {
                // IPV6_UNICAST_HOPS (16), IPV6_MULTICAST_IF (17), IPV6_MULTICAST_HOPS (18): see ipv6(7).
                foreach (var (option, value) in (ReadOnlySpan<(int, int)>)[(16, 255), (17, index), (18, 255)])
                {
                    socket.SetRawSocketOption((int)SocketOptionLevel.IPv6, option, BitConverter.GetBytes(value));
                }

                source.ScopeId = source.IsIPv6LinkLocal ? index : 0;
                destination.ScopeId = destination.IsIPv6LinkLocal || destination.IsIPv6Multicast ? index : 0;
            }

            socket.Bind(new IPEndPoint(source, 0));
            socket.SendTo(message, new IPEndPoint(destination, 0));
        });
    }

    /// <summary>RFC 1071.</summary>
    public static ushort Checksum(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (int i = 0; i + 1 < bytes.Length; i += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes[i..]);
        }

        sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~(sum + (sum >> 16));
    }
}
