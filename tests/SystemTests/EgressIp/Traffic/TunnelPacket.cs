using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace SystemTests.EgressIp.Traffic;

/// <summary>What a node sends into the tunnel, or who forges it.</summary>
internal static class TunnelPacket
{
    /// <summary>The port of the tunnel, and of heartbeats.</summary>
    public const int Port = 4790, HeartbeatPort = 4792;

    private const byte Vni = 77;

    /// <summary>The payload of a tunnel packet (draft-ietf-nvo3-vxlan-gpe) that holds a datagram without data.</summary>
    public static byte[] Make(IPAddress from, IPEndPoint to)
    {
        bool isIPv4 = from.AddressFamily == AddressFamily.InterNetwork;
        byte[] datagram = [0x1f, 0x90, (byte)(to.Port >> 8), (byte)to.Port, 0, 8, 0, 0];
        byte[] addresses = [.. from.GetAddressBytes(), .. to.Address.GetAddressBytes()];
        WriteChecksum(datagram, 6, [.. addresses, 0, (byte)ProtocolType.Udp, 0, (byte)datagram.Length, .. datagram]);
        byte[] header = isIPv4
            ? [0x45, 0, 0, 28, 0, 0, 0, 0, 64, (byte)ProtocolType.Udp, 0, 0, .. addresses]
            : [0x60, 0, 0, 0, 0, 8, (byte)ProtocolType.Udp, 64, .. addresses];
        if (isIPv4)
        {
            WriteChecksum(header, 10, header);
        }

        // The flags say that there is an identifier and a next protocol: IPv4 is 1, IPv6 is 2.
        return [0x0c, 0, 0, isIPv4 ? (byte)1 : (byte)2, 0, 0, Vni, 0, .. header, .. datagram];
    }

    /// <summary>Sends a datagram from a namespace, also with a source address that is not of its network.</summary>
    public static void Send(string space, string to, int port, byte[] payload, string? from = null)
    {
        var end = new IPEndPoint(IPAddress.Parse(to), port);
        using Socket socket = NamespaceSocket.Open(space, end.AddressFamily, Transport.Udp);
        if (from is not null)
        {
            socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        }

        socket.SendTo(payload, end);
    }

    private static void WriteChecksum(byte[] packet, int offset, byte[] of) =>
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(offset), RawPackets.Checksum(of));
}
