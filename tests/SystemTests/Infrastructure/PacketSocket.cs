using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Netlink;

namespace SystemTests;

/// <summary>A link in a namespace.</summary>
internal sealed record LinkEnd(string Namespace, string Link);

/// <summary>Sockets that send and receive whole Ethernet frames: packet(7).</summary>
internal static class PacketSocket
{
    /// <summary>Opens a socket that receives all frames of a link, in both directions.</summary>
    public static Socket Open(LinkEnd end)
    {
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(end.Namespace));
        return space.Run(() =>
        {
            // The protocol stands in network byte order: ETH_P_ALL is 3.
            var socket = new Socket(AddressFamily.Packet, SocketType.Raw, (ProtocolType)BinaryPrimitives.ReverseEndianness((ushort)3));
            socket.Bind(new LinkEndPoint(Lab.IndexOf(end.Namespace, end.Link)));
            return socket;
        });
    }

    /// <summary>Sends a frame.</summary>
    public static void Send(LinkEnd end, byte[] frame)
    {
        using Socket socket = Open(end);
        socket.Send(frame);
    }

    /// <summary>A link as the address of a packet socket: struct sockaddr_ll, with every protocol.</summary>
    private sealed class LinkEndPoint(int index) : EndPoint
    {
        public override AddressFamily AddressFamily => AddressFamily.Packet;

        public override SocketAddress Serialize()
        {
            var address = new SocketAddress(AddressFamily.Packet, 20);
            BinaryPrimitives.WriteUInt16BigEndian(address.Buffer.Span[2..], 3);
            BinaryPrimitives.WriteInt32LittleEndian(address.Buffer.Span[4..], index);
            return address;
        }

        public override EndPoint Create(SocketAddress socketAddress) => this;

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"link {index}");
    }
}
