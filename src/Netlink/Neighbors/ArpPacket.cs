using System.Buffers.Binary;
using System.Net;

namespace Netlink.Neighbors;

/// <summary>The operation of an ARP packet, ar$op (RFC 826).</summary>
public enum ArpOperation : ushort
{
    /// <summary>Asks for the hardware address of the target.</summary>
    Request = 1,

    /// <summary>Gives the hardware address of the sender.</summary>
    Reply = 2,
}

/// <summary>An ARP packet for IPv4 over Ethernet (RFC 826).</summary>
/// <param name="Operation">ar$op.</param>
/// <param name="SenderMac">ar$sha.</param>
/// <param name="Sender">ar$spa; 0.0.0.0 in a probe.</param>
/// <param name="TargetMac">ar$tha.</param>
/// <param name="Target">ar$tpa.</param>
public sealed record ArpPacket(ArpOperation Operation, MacAddress SenderMac, IPAddress Sender, MacAddress TargetMac, IPAddress Target)
{
    private const int Length = 28;

    /// <summary>The constant fields: hardware type Ethernet (1), protocol type IPv4, address lengths 6 and 4.</summary>
    private static ReadOnlySpan<byte> Kinds => [0, 1, 0x08, 0x00, MacAddress.Length, 4];

    /// <summary>A probe: asks whether the address is in use, without changing ARP caches (RFC 5227, section 1.1).</summary>
    public static ArpPacket Probe(MacAddress own, IPAddress address) =>
        new(ArpOperation.Request, own, IPAddress.Any, default, address);

    /// <summary>An announcement as an ARP request, the form that every host must accept (RFC 5227, sections 2.3 and 3).</summary>
    public static ArpPacket Announcement(MacAddress own, IPAddress address) =>
        new(ArpOperation.Request, own, address, default, address);

    /// <summary>
    /// An announcement as an ARP reply, for hosts that accept replies only. Target and sender are equal, including the hardware
    /// address: otherwise it is not gratuitous for Linux (arp_is_garp) and does not change an entry younger than a second.
    /// </summary>
    public static ArpPacket AnnouncingReply(MacAddress own, IPAddress address) =>
        new(ArpOperation.Reply, own, address, own, address);

    /// <summary>The packet in an Ethernet broadcast frame.</summary>
    public byte[] ToBroadcastFrame()
    {
        var frame = new byte[Ethernet.HeaderLength + Length];
        Ethernet.WriteHeader(frame, MacAddress.Broadcast, SenderMac, Ethernet.Arp);
        Span<byte> packet = frame.AsSpan(Ethernet.HeaderLength);
        Kinds.CopyTo(packet);
        BinaryPrimitives.WriteUInt16BigEndian(packet[6..], (ushort)Operation);
        SenderMac.CopyTo(packet[8..]);
        Sender.TryWriteBytes(packet[14..], out _);
        TargetMac.CopyTo(packet[18..]);
        Target.TryWriteBytes(packet[24..], out _);
        return frame;
    }

    /// <summary>The ARP packet in an Ethernet frame, or null if there is none. Does not throw for any input.</summary>
    public static ArpPacket? TryRead(ReadOnlySpan<byte> frame)
    {
        if (!Ethernet.Is(frame, Ethernet.Arp) || frame.Length < Ethernet.HeaderLength + Length)
        {
            return null;
        }

        ReadOnlySpan<byte> packet = frame[Ethernet.HeaderLength..];
        var operation = (ArpOperation)BinaryPrimitives.ReadUInt16BigEndian(packet[6..]);
        return packet.StartsWith(Kinds) && operation is ArpOperation.Request or ArpOperation.Reply
            ? new ArpPacket(
                operation, new MacAddress(packet[8..14]), new IPAddress(packet[14..18]), new MacAddress(packet[18..24]),
                new IPAddress(packet[24..28]))
            : null;
    }
}
