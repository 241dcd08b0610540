using System.Buffers.Binary;
using System.Net;
using System.Net.NetworkInformation;

namespace SystemTests;

/// <summary>What a link carried: an Ethernet frame, with what of it the tests ask about.</summary>
/// <param name="From">The hardware address of the sender.</param>
/// <param name="EtherType">What is in it: <see cref="IPv4"/>, <see cref="IPv6"/> or another.</param>
internal sealed record Frame(PhysicalAddress From, int EtherType)
{
    public const int IPv4 = 0x0800;
    public const int IPv6 = 0x86dd;

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

    /// <summary>
    /// Reads an Ethernet frame: RFC 791, RFC 8200, RFC 9293. Extension headers are passed over only where they hold router alerts (MLD).
    /// </summary>
    public static Frame Parse(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> packet = bytes[14..];
        ReadOnlySpan<byte> payload;
        var frame = new Frame(new PhysicalAddress(bytes[6..12].ToArray()), BinaryPrimitives.ReadUInt16BigEndian(bytes[12..]))
        {
            Bytes = bytes.ToArray(),
        };
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
}
