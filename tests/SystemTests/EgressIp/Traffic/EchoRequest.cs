using System.Buffers.Binary;
using System.Net.Sockets;

namespace SystemTests.EgressIp.Traffic;

/// <summary>Echo requests, each with a number by which it is known again whatever translates its addresses.</summary>
internal static class EchoRequest
{
    private const int HeaderLength = 8;

    /// <summary>A request. Of ICMPv6 the kernel computes the checksum.</summary>
    public static byte[] Make(AddressFamily family, long number)
    {
        var packet = new byte[HeaderLength + sizeof(long)];
        packet[0] = TypeOf(family, isAnswer: false);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)number);
        BinaryPrimitives.WriteInt64BigEndian(packet.AsSpan(HeaderLength), number);
        if (family == AddressFamily.InterNetwork)
        {
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), Checksum(packet));
        }

        return packet;
    }

    /// <summary>The number of a request, or of an answer, that a raw socket has received; null: it is something else.</summary>
    public static long? NumberOf(AddressFamily family, ReadOnlySpan<byte> received, bool isAnswer)
    {
        // Raw sockets of IPv4 also give the header of the packet.
        ReadOnlySpan<byte> packet = family == AddressFamily.InterNetwork && !received.IsEmpty
            ? received[((received[0] & 15) * 4)..] : received;
        return packet.Length == HeaderLength + sizeof(long) && packet[0] == TypeOf(family, isAnswer)
            ? BinaryPrimitives.ReadInt64BigEndian(packet[HeaderLength..])
            : null;
    }

    private static byte TypeOf(AddressFamily family, bool isAnswer) => (family, isAnswer) switch
    {
        (AddressFamily.InterNetwork, false) => 8,
        (AddressFamily.InterNetwork, true) => 0,
        (_, false) => 128,
        (_, true) => 129,
    };

    /// <summary>RFC 1071.</summary>
    private static ushort Checksum(ReadOnlySpan<byte> packet)
    {
        uint sum = 0;
        for (int index = 0; index < packet.Length; index += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(packet[index..]);
        }

        while (sum > ushort.MaxValue)
        {
            sum = (sum & ushort.MaxValue) + (sum >> 16);
        }

        return (ushort)~sum;
    }
}
