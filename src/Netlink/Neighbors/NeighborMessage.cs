using System.Buffers.Binary;
using System.Net;
using Netlink.Wire;

namespace Netlink.Neighbors;

/// <summary>The ICMPv6 type of a neighbor discovery message (RFC 4861, sections 4.3 and 4.4).</summary>
public enum NeighborMessageType : byte
{
    /// <summary>Asks for the link-layer address of the target.</summary>
    Solicitation = 135,

    /// <summary>Gives the link-layer address of the target.</summary>
    Advertisement = 136,
}

/// <summary>Flags of an advertisement (RFC 4861, section 4.4).</summary>
[Flags]
public enum AdvertisementFlags : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>The advertisement overrides an existing cache entry.</summary>
    Override = 0x20,

    /// <summary>The advertisement answers a solicitation.</summary>
    Solicited = 0x40,

    /// <summary>The sender is a router.</summary>
    Router = 0x80,
}

/// <summary>A neighbor solicitation or advertisement over Ethernet.</summary>
/// <param name="Type">Solicitation or advertisement.</param>
/// <param name="SourceMac">The source hardware address of the frame.</param>
/// <param name="Source">The IPv6 source address; <c>::</c> in duplicate address detection.</param>
/// <param name="Destination">The IPv6 destination address.</param>
/// <param name="Target">The address that is solicited or advertised.</param>
public sealed record NeighborMessage(
    NeighborMessageType Type, MacAddress SourceMac, IPAddress Source, IPAddress Destination, IPAddress Target)
{
    /// <summary>The length of a written nonce in bytes: it fills one 8-byte option unit (RFC 3971, section 5.3.2).</summary>
    public const int NonceLength = 6;

    private const byte IcmpV6 = 58;

    /// <summary>Proves that no router has forwarded the packet (RFC 4861, section 7.1).</summary>
    private const byte HopLimit = 255;

    private const int IPv6HeaderLength = 40;
    private const int MessageLength = 24;
    private const int HeadersLength = Ethernet.HeaderLength + IPv6HeaderLength;

    private const byte SourceLinkLayerOption = 1;
    private const byte TargetLinkLayerOption = 2;
    private const byte NonceOption = 14;

    /// <summary>The flags of an advertisement; none for a solicitation.</summary>
    public AdvertisementFlags Flags { get; init; }

    /// <summary>The link-layer address option: the source's in a solicitation, the target's in an advertisement.</summary>
    public MacAddress? LinkLayer { get; init; }

    /// <summary>
    /// The nonce option, by which the sender of a solicitation recognizes its own message (RFC 7527); empty if absent. A nonce to
    /// write has <see cref="NonceLength"/> bytes.
    /// </summary>
    public Bytes Nonce { get; init; }

    /// <summary>The multicast group of all nodes of a link (RFC 4291, section 2.7.1).</summary>
    public static IPAddress AllNodes { get; } = IPAddress.Parse("ff02::1");

    /// <summary>
    /// A probe: asks whether the address is in use, without changing neighbor caches (RFC 4862, section 5.4.2). The holder
    /// sends its answer to all nodes.
    /// </summary>
    /// <param name="own">The hardware address of the sender.</param>
    /// <param name="address">The address to probe.</param>
    /// <param name="nonce">Six unique bytes.</param>
    public static NeighborMessage Probe(MacAddress own, IPAddress address, Bytes nonce) =>
        new(NeighborMessageType.Solicitation, own, IPAddress.IPv6Any, SolicitedNode(address), address) { Nonce = nonce };

    /// <summary>An unsolicited advertisement to all nodes (RFC 4861, section 7.2.6).</summary>
    /// <param name="own">The hardware address of the sender.</param>
    /// <param name="address">The advertised address.</param>
    /// <param name="isRouter">Whether the sender is a router.</param>
    public static NeighborMessage Announcement(MacAddress own, IPAddress address, bool isRouter = false) =>
        new(NeighborMessageType.Advertisement, own, address, AllNodes, address)
        {
            Flags = AdvertisementFlags.Override | (isRouter ? AdvertisementFlags.Router : AdvertisementFlags.None),
            LinkLayer = own,
        };

    /// <summary>The solicited-node group: ff02::1:ff00:0/104 plus the address's last 24 bits (RFC 4291, section 2.7.1).</summary>
    public static IPAddress SolicitedNode(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        byte[] bytes = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, .. address.GetAddressBytes()[13..]];
        return new IPAddress(bytes);
    }

    /// <summary>The message in an Ethernet multicast frame (RFC 2464, section 7).</summary>
    public byte[] ToMulticastFrame()
    {
        int length = MessageLength + (LinkLayer is null ? 0 : 8) + (Nonce.Length == 0 ? 0 : 8);
        var frame = new byte[HeadersLength + length];
        Span<byte> header = frame.AsSpan(Ethernet.HeaderLength);
        Span<byte> destination = header.Slice(24, 16);
        header[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)length);
        header[6] = IcmpV6;
        header[7] = HopLimit;
        Source.TryWriteBytes(header[8..], out _);
        Destination.TryWriteBytes(destination, out _);
        Ethernet.WriteHeader(frame, new MacAddress([0x33, 0x33, .. destination[12..]]), SourceMac, Ethernet.IPv6);

        Span<byte> message = frame.AsSpan(HeadersLength);
        message[0] = (byte)Type;
        message[4] = (byte)Flags;
        Target.TryWriteBytes(message[8..], out _);
        Span<byte> options = message[MessageLength..];
        if (LinkLayer is MacAddress address)
        {
            options[0] = Type == NeighborMessageType.Solicitation ? SourceLinkLayerOption : TargetLinkLayerOption;
            options[1] = 1;
            address.CopyTo(options[2..]);
            options = options[8..];
        }

        if (Nonce.Length > 0)
        {
            options[0] = NonceOption;
            options[1] = 1;
            Nonce.Span.CopyTo(options[2..8]);
        }

        BinaryPrimitives.WriteUInt16BigEndian(message[2..], (ushort)~Sum(header[..IPv6HeaderLength], message));
        return frame;
    }

    /// <summary>
    /// The message in an Ethernet frame, or null if there is none or if it must be discarded (RFC 4861, sections 7.1.1 and
    /// 7.1.2). Does not throw for any input.
    /// </summary>
    public static NeighborMessage? TryRead(ReadOnlySpan<byte> frame)
    {
        if (!Ethernet.Is(frame, Ethernet.IPv6) || frame.Length < HeadersLength + MessageLength)
        {
            return null;
        }

        ReadOnlySpan<byte> header = frame.Slice(Ethernet.HeaderLength, IPv6HeaderLength);
        int length = BinaryPrimitives.ReadUInt16BigEndian(header[4..]);
        if (header[0] >> 4 != 6 || header[6] != IcmpV6 || header[7] != HopLimit || length < MessageLength
            || length > frame.Length - HeadersLength)
        {
            return null;
        }

        // A short frame is padded, so the length comes from the IPv6 header.
        ReadOnlySpan<byte> message = frame.Slice(HeadersLength, length);
        var type = (NeighborMessageType)message[0];
        if (type is not (NeighborMessageType.Solicitation or NeighborMessageType.Advertisement) || message[1] != 0
            || Sum(header, message) != 0xffff)
        {
            return null;
        }

        var found = new NeighborMessage(
            type, Ethernet.SourceOf(frame), new IPAddress(header[8..24]), new IPAddress(header[24..40]), new IPAddress(message[8..24]));
        if (type == NeighborMessageType.Advertisement)
        {
            const AdvertisementFlags known = AdvertisementFlags.Override | AdvertisementFlags.Solicited | AdvertisementFlags.Router;
            found = found with { Flags = (AdvertisementFlags)message[4] & known };
        }

        return found.Target.IsIPv6Multicast ? null : found.WithOptions(message[MessageLength..]);
    }

    /// <summary>Reads the options (RFC 4861, section 4.6); null if an option's length is 0 or exceeds the message.</summary>
    private NeighborMessage? WithOptions(ReadOnlySpan<byte> options)
    {
        NeighborMessage found = this;
        byte linkLayer = Type == NeighborMessageType.Solicitation ? SourceLinkLayerOption : TargetLinkLayerOption;
        while (!options.IsEmpty)
        {
            int length = options.Length < 2 ? 0 : options[1] * 8;
            if (length == 0 || length > options.Length)
            {
                return null;
            }

            if (options[0] == linkLayer && length == 8)
            {
                found = found with { LinkLayer = new MacAddress(options[2..8]) };
            }
            else if (options[0] == NonceOption)
            {
                found = found with { Nonce = new Bytes(options[2..length]) };
            }

            options = options[length..];
        }

        return found;
    }

    /// <summary>The one's complement sum of pseudo-header and message; 0xffff if its checksum is right (RFC 4443, section 2.3).</summary>
    private static ushort Sum(ReadOnlySpan<byte> header, ReadOnlySpan<byte> message)
    {
        // The pseudo-header: source, destination, length and next header.
        uint sum = Add(Add((uint)message.Length + IcmpV6, header[8..40]), message);
        sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)(sum + (sum >> 16));
    }

    private static uint Add(uint sum, ReadOnlySpan<byte> bytes)
    {
        for (int i = 0; i + 1 < bytes.Length; i += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes[i..]);
        }

        return bytes.Length % 2 == 0 ? sum : sum + ((uint)bytes[^1] << 8);
    }
}
