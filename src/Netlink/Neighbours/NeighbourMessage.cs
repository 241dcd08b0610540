using System.Buffers.Binary;
using System.Net;
using Netlink.Wire;

namespace Netlink.Neighbours;

/// <summary>The two messages by which IPv6 neighbours find each other (RFC 4861, sections 4.3 and 4.4).</summary>
public enum NeighbourMessageType : byte
{
    /// <summary>Who has the target address?</summary>
    Solicitation = 135,

    /// <summary>The target address is here.</summary>
    Advertisement = 136,
}

/// <summary>Flags of an advertisement (RFC 4861, section 4.4).</summary>
[Flags]
public enum AdvertisementFlags : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>What is known of the address before is to be forgotten.</summary>
    Override = 0x20,

    /// <summary>It answers a solicitation.</summary>
    Solicited = 0x40,

    /// <summary>The sender is a router.</summary>
    Router = 0x80,
}

/// <summary>A neighbour solicitation or advertisement over Ethernet.</summary>
/// <param name="Type">Which of both.</param>
/// <param name="SourceMac">The hardware address that the frame came from.</param>
/// <param name="Source">Its source; <c>::</c> in duplicate address detection.</param>
/// <param name="Destination">Its destination.</param>
/// <param name="Target">The address in question.</param>
public sealed record NeighbourMessage(
    NeighbourMessageType Type, MacAddress SourceMac, IPAddress Source, IPAddress Destination, IPAddress Target)
{
    /// <summary>Of the nonces that are written: they fill one unit of options (RFC 3971, section 5.3.2).</summary>
    public const int NonceLength = 6;

    private const byte IcmpV6 = 58;

    /// <summary>What only a neighbour's packet can have: no router has passed it on (RFC 4861, section 7.1).</summary>
    private const byte HopLimit = 255;

    private const int IPv6HeaderLength = 40;
    private const int MessageLength = 24;
    private const int HeadersLength = Ethernet.HeaderLength + IPv6HeaderLength;

    private const byte SourceLinkLayerOption = 1;
    private const byte TargetLinkLayerOption = 2;
    private const byte NonceOption = 14;

    /// <summary>Of an advertisement.</summary>
    public AdvertisementFlags Flags { get; init; }

    /// <summary>The hardware address in its option: of the source in a solicitation, of the target in an advertisement.</summary>
    public MacAddress? LinkLayer { get; init; }

    /// <summary>Of a solicitation, by which its sender knows it again (RFC 7527): six bytes of ours.</summary>
    public Bytes Nonce { get; init; }

    /// <summary>All nodes of a link (RFC 4291, section 2.7.1).</summary>
    public static IPAddress AllNodes { get; } = IPAddress.Parse("ff02::1");

    /// <summary>
    /// Asks whether anybody has the address, and tells nobody anything (RFC 4862, section 5.4.2). Whoever has it answers
    /// all nodes.
    /// </summary>
    /// <param name="own">The hardware address of the sender.</param>
    /// <param name="address">The address in question.</param>
    /// <param name="nonce">Six bytes that nobody else has.</param>
    public static NeighbourMessage Probe(MacAddress own, IPAddress address, Bytes nonce) =>
        new(NeighbourMessageType.Solicitation, own, IPAddress.IPv6Any, SolicitedNode(address), address) { Nonce = nonce };

    /// <summary>Tells everybody where the address is (RFC 4861, section 7.2.6).</summary>
    /// <param name="own">The hardware address of the sender.</param>
    /// <param name="address">The address.</param>
    /// <param name="isRouter">Whether the sender forwards packets of others.</param>
    public static NeighbourMessage Announcement(MacAddress own, IPAddress address, bool isRouter = false) =>
        new(NeighbourMessageType.Advertisement, own, address, AllNodes, address)
        {
            Flags = AdvertisementFlags.Override | (isRouter ? AdvertisementFlags.Router : AdvertisementFlags.None),
            LinkLayer = own,
        };

    /// <summary>The group that an address is asked for in: ff02::1:ff00:0/104 and its last 24 bits (RFC 4291, section 2.7.1).</summary>
    public static IPAddress SolicitedNode(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        byte[] bytes = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, .. address.GetAddressBytes()[13..]];
        return new IPAddress(bytes);
    }

    /// <summary>The Ethernet frame of a message to a group (RFC 2464, section 7).</summary>
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
            options[0] = Type == NeighbourMessageType.Solicitation ? SourceLinkLayerOption : TargetLinkLayerOption;
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
    /// The message in an Ethernet frame; null where there is none, or one that must be discarded (RFC 4861, sections
    /// 7.1.1 and 7.1.2). Never throws, whatever the bytes are.
    /// </summary>
    public static NeighbourMessage? TryRead(ReadOnlySpan<byte> frame)
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

        // A short frame is padded: what counts is the length that the header says.
        ReadOnlySpan<byte> message = frame.Slice(HeadersLength, length);
        var type = (NeighbourMessageType)message[0];
        if (type is not (NeighbourMessageType.Solicitation or NeighbourMessageType.Advertisement) || message[1] != 0
            || Sum(header, message) != 0xffff)
        {
            return null;
        }

        var found = new NeighbourMessage(
            type, Ethernet.SourceOf(frame), new IPAddress(header[8..24]), new IPAddress(header[24..40]), new IPAddress(message[8..24]));
        if (type == NeighbourMessageType.Advertisement)
        {
            const AdvertisementFlags known = AdvertisementFlags.Override | AdvertisementFlags.Solicited | AdvertisementFlags.Router;
            found = found with { Flags = (AdvertisementFlags)message[4] & known };
        }

        return found.Target.IsIPv6Multicast ? null : found.WithOptions(message[MessageLength..]);
    }

    /// <summary>RFC 4861, section 4.6; null where an option has no length or a longer one than there is.</summary>
    private NeighbourMessage? WithOptions(ReadOnlySpan<byte> options)
    {
        NeighbourMessage found = this;
        byte linkLayer = Type == NeighbourMessageType.Solicitation ? SourceLinkLayerOption : TargetLinkLayerOption;
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

    /// <summary>The sum of a message and its pseudo header; 0xffff where the checksum in it is right (RFC 4443, section 2.3).</summary>
    private static ushort Sum(ReadOnlySpan<byte> header, ReadOnlySpan<byte> message)
    {
        // Source, destination, length and next header.
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
