using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Netlink;
using Shared;

namespace SystemTests;

/// <summary>What a link carried: an Ethernet frame, with what of it the tests ask about.</summary>
/// <param name="From">The hardware address of the sender.</param>
/// <param name="EtherType">What is in it: see <see cref="Capture"/>.</param>
internal sealed record Frame(PhysicalAddress From, int EtherType)
{
    /// <summary>All of it.</summary>
    public byte[] Bytes { get; init; } = [];

    /// <summary>The source of an IP packet.</summary>
    public IPAddress? Source { get; init; }

    /// <summary>The destination of an IP packet.</summary>
    public IPAddress? Destination { get; init; }

    /// <summary>What is in an IP packet: 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6.</summary>
    public int Protocol { get; init; }

    /// <summary>The destination port of TCP and UDP.</summary>
    public int Port { get; init; }

    /// <summary>The type of ICMP and ICMPv6.</summary>
    public int IcmpType { get; init; } = -1;

    /// <summary>The flags of TCP: 2 is SYN alone.</summary>
    public int TcpFlags { get; init; }

    /// <summary>The maximum segment size that a TCP packet announces; 0 for none.</summary>
    public int Mss { get; init; }
}

/// <summary>
/// Everything that goes over a link of a namespace, in both directions, as tcpdump would see it: a packet socket
/// (packet(7)). Unlike tcpdump it works in a user namespace, where no other user can be changed to.
/// </summary>
internal sealed class Capture : IDisposable
{
    public const int IPv4 = 0x0800;
    public const int IPv6 = 0x86dd;

    /// <summary>IEEE 802's number for experiments: marks the end of a capture.</summary>
    private const int Experimental = 0x88b5;

    private readonly string _namespace;
    private readonly string _link;
    private readonly Socket _socket;
    private readonly List<Frame> _frames = [];
    private int _ends;

    /// <summary>Starts to capture.</summary>
    /// <param name="name">The namespace.</param>
    /// <param name="link">The link in it.</param>
    public Capture(string name, string link)
    {
        (_namespace, _link) = (name, link);
        _socket = Open(name, link);
        _socket.ReceiveBufferSize = 8 << 20;
        new Thread(Receive) { Name = "capture", IsBackground = true }.Start();
    }

    /// <summary>All that went over the link until now.</summary>
    public IReadOnlyList<Frame> Frames()
    {
        // Packets on their way between namespaces may still be queued.
        Thread.Sleep(50);
        int seen = Volatile.Read(ref _ends);
        using Socket socket = Open(_namespace, _link);
        var end = new byte[60];
        BinaryPrimitives.WriteUInt16BigEndian(end.AsSpan(12), Experimental);
        socket.Send(end);
        Eventually.IsTrue(() => Volatile.Read(ref _ends) != seen, "the capture does not see its own end");

        lock (_frames)
        {
            return [.. _frames];
        }
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>Sends a frame as it is.</summary>
    public static void Send(string name, string link, byte[] frame)
    {
        using Socket socket = Open(name, link);
        socket.Send(frame);
    }

    private static Socket Open(string name, string link)
    {
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(name));
        return space.Run(() =>
        {
            // The protocol stands in network byte order: ETH_P_ALL is 3.
            var socket = new Socket(AddressFamily.Packet, SocketType.Raw, (ProtocolType)BinaryPrimitives.ReverseEndianness((ushort)3));
            socket.Bind(new LinkEndPoint(Lab.IndexOf(name, link)));
            return socket;
        });
    }

    private void Receive()
    {
        var buffer = new byte[1 << 17];
        try
        {
            while (true)
            {
                int length = _socket.Receive(buffer);
                if (length >= 14)
                {
                    Take(buffer.AsSpan(0, length));
                }
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // The test has ended.
        }
    }

    private void Take(ReadOnlySpan<byte> frame)
    {
        int type = BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
        if (type == Experimental)
        {
            Interlocked.Increment(ref _ends);
            return;
        }

        var from = new PhysicalAddress(frame[6..12].ToArray());
        Frame one = Parse(new Frame(from, type) { Bytes = frame.ToArray() }, frame[14..]);
        lock (_frames)
        {
            _frames.Add(one);
        }
    }

    /// <summary>RFC 791, RFC 8200, RFC 9293. Extension headers are passed over only where they hold router alerts (MLD).</summary>
    private static Frame Parse(Frame frame, ReadOnlySpan<byte> packet)
    {
        ReadOnlySpan<byte> payload;
        if (frame.EtherType == IPv4 && packet.Length >= 20)
        {
            frame = frame with
            {
                Source = new IPAddress(packet[12..16]),
                Destination = new IPAddress(packet[16..20]),
                Protocol = packet[9]
            };
            payload = packet[((packet[0] & 15) * 4)..];
        }
        else if (frame.EtherType == IPv6 && packet.Length >= 40)
        {
            bool hopByHop = packet[6] == 0 && packet.Length > 48;
            frame = frame with
            {
                Source = new IPAddress(packet[8..24]),
                Destination = new IPAddress(packet[24..40]),
                Protocol = packet[hopByHop ? 40 : 6]
            };
            payload = packet[(hopByHop ? 48 : 40)..];
        }
        else
        {
            return frame;
        }

        return frame.Protocol switch
        {
            1 or 58 when payload.Length > 0 => frame with { IcmpType = payload[0] },
            6 when payload.Length >= 20 => frame with
            {
                Port = BinaryPrimitives.ReadUInt16BigEndian(payload[2..]),
                TcpFlags = payload[13],
                Mss = MssOf(payload[20..Math.Min(payload.Length, (payload[12] >> 4) * 4)]),
            },
            17 when payload.Length >= 8 => frame with { Port = BinaryPrimitives.ReadUInt16BigEndian(payload[2..]) },
            _ => frame,
        };
    }

    private static int MssOf(ReadOnlySpan<byte> options)
    {
        while (options.Length >= 2 && options[0] != 0)
        {
            if (options[0] == 2 && options.Length >= 4)
            {
                return BinaryPrimitives.ReadUInt16BigEndian(options[2..]);
            }

            options = options[Math.Min(options.Length, options[0] == 1 ? 1 : Math.Max((byte)1, options[1]))..];
        }

        return 0;
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
