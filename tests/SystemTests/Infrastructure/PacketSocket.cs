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
    private const int EthernetHeader = 14;

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

    /// <summary>Opens a socket, and hands over each frame that it receives, in a thread, until the socket is disposed of.</summary>
    public static Socket Listen(LinkEnd end, string name, Action<ReadOnlySpan<byte>> take)
    {
        Socket socket = Open(end);
        socket.ReceiveBufferSize = 8 << 20;
        new Thread(() => Receive(socket, take)) { Name = name, IsBackground = true }.Start();
        return socket;
    }

    /// <summary>Sends a frame.</summary>
    public static void Send(LinkEnd end, byte[] frame)
    {
        using Socket socket = Open(end);
        socket.Send(frame);
    }

    private static void Receive(Socket socket, Action<ReadOnlySpan<byte>> take)
    {
        var buffer = new byte[1 << 17];
        try
        {
            while (true)
            {
                int length = socket.Receive(buffer);
                if (length >= EthernetHeader)
                {
                    take(buffer.AsSpan(0, length));
                }
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // The test has ended.
        }
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
