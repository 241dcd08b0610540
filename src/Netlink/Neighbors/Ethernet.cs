using System.Buffers.Binary;

namespace Netlink.Neighbors;

/// <summary>The header of an Ethernet frame (IEEE 802.3), with EtherTypes assigned by IANA.</summary>
internal static class Ethernet
{
    public const int HeaderLength = 14;
    public const ushort Arp = 0x0806;
    public const ushort IPv6 = 0x86dd;

    public static void WriteHeader(Span<byte> frame, MacAddress to, MacAddress from, ushort type)
    {
        to.CopyTo(frame);
        from.CopyTo(frame[MacAddress.Length..]);
        BinaryPrimitives.WriteUInt16BigEndian(frame[12..], type);
    }

    /// <summary>Whether the frame has a whole header with this EtherType.</summary>
    public static bool Is(ReadOnlySpan<byte> frame, ushort type) =>
        frame.Length >= HeaderLength && BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) == type;

    public static MacAddress SourceOf(ReadOnlySpan<byte> frame) => new(frame.Slice(MacAddress.Length, MacAddress.Length));
}
