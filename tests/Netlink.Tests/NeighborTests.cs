using System.Net;
using Netlink.Neighbors;
using Netlink.Wire;
using Shared;

namespace Netlink.Tests;

/// <summary>ARP and neighbor discovery frames, written and parsed; each file of testdata/neighbors names its source.</summary>
public class NeighborTests
{
    private static readonly MacAddress _own = new([2, 0, 0, 0, 0, 0x63]);

    private static readonly IPAddress _ipv4 = IPAddress.Parse("192.168.12.99");

    private static readonly IPAddress _ipv6 = IPAddress.Parse("2001:db8:12::99");

    private static readonly Bytes _nonce = new([0x4c, 0x92, 0xa8, 0x4f, 0x9f, 0xd0]);

    public static TheoryData<string, ArpPacket> ArpPackets => new()
    {
        { "arp-probe", ArpPacket.Probe(_own, _ipv4) },
        { "arp-announcement", ArpPacket.Announcement(_own, _ipv4) },
        { "arp-announcing-reply", ArpPacket.AnnouncingReply(_own, _ipv4) },
    };

    public static TheoryData<string, NeighborMessage> NeighborMessages => new()
    {
        { "nd-probe", NeighborMessage.Probe(_own, _ipv6, _nonce) },
        { "nd-announcement", NeighborMessage.Announcement(_own, _ipv6, isRouter: true) },
    };

    public static TheoryData<string> Files => ["arp-probe", "arp-announcement", "arp-announcing-reply", "nd-probe", "nd-announcement"];

    [Theory]
    [MemberData(nameof(ArpPackets))]
    public void An_arp_packet_has_these_bytes_and_is_read_from_them(string file, ArpPacket packet)
    {
        Assert.Equal(Convert.ToHexStringLower(Read(file)), Convert.ToHexStringLower(packet.ToBroadcastFrame()));
        Assert.Equal(packet, ArpPacket.TryRead(Read(file)));
        Assert.Null(NeighborMessage.TryRead(Read(file)));
    }

    [Theory]
    [MemberData(nameof(NeighborMessages))]
    public void A_neighbor_message_has_these_bytes_and_is_read_from_them(string file, NeighborMessage message)
    {
        Assert.Equal(Convert.ToHexStringLower(Read(file)), Convert.ToHexStringLower(message.ToMulticastFrame()));
        Assert.Equal(message, NeighborMessage.TryRead(Read(file)));
        Assert.Null(ArpPacket.TryRead(Read(file)));
    }

    /// <summary>The padding of short frames (IEEE 802.3: at least 60 bytes) is ignored.</summary>
    [Theory]
    [MemberData(nameof(Files))]
    public void Padding_does_not_matter(string file)
    {
        byte[] frame = Read(file);
        byte[] padded = [.. frame, .. Enumerable.Repeat((byte)0xa5, 50)];
        Assert.Equal(Print(frame), Print(padded));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void A_frame_that_is_cut_off_is_none(string file)
    {
        byte[] frame = Read(file);
        for (int length = 0; length < frame.Length; length++)
        {
            Assert.Equal("", Print(frame.AsSpan(0, length)));
        }
    }

    /// <summary>Every value of every byte, and noise: a frame is parsed or ignored, without an exception.</summary>
    [Theory]
    [MemberData(nameof(Files))]
    public void Damaged_frames_do_no_harm(string file)
    {
        byte[] frame = Read(file);
        for (int place = 0; place < frame.Length; place++)
        {
            for (int value = 0; value < 256; value++)
            {
                byte[] damaged = [.. frame];
                damaged[place] = (byte)value;
                _ = Print(damaged);
            }
        }

        var random = new Random(1);
        for (int round = 0; round < 20_000; round++)
        {
            var noise = new byte[random.Next(0, 200)];
            random.NextBytes(noise);
            frame.AsSpan(0, Math.Min(random.Next(0, 64), Math.Min(frame.Length, noise.Length))).CopyTo(noise);
            _ = Print(noise);
        }
    }

    /// <summary>RFC 4861, sections 7.1.1 and 7.1.2. The checksum is corrected, so that it is not the reason of the refusal.</summary>
    [Theory]
    [InlineData("from beyond a router", 21, 254)]
    [InlineData("a code", 55, 1)]
    [InlineData("of another type", 54, 134)]
    [InlineData("for a group", 62, 0xff)]
    [InlineData("an option without length", 79, 0)]
    [InlineData("an option longer than the message", 79, 2)]
    [InlineData("not ICMPv6", 20, 17)]
    [InlineData("not version 6", 14, 0x50)]
    public void What_must_be_discarded_is(string what, int place, byte value)
    {
        byte[] frame = Read("nd-announcement");
        frame[place] = value;
        PutChecksum(frame);
        Assert.True(NeighborMessage.TryRead(frame) is null, what);
    }

    [Fact]
    public void A_wrong_checksum_is_noticed()
    {
        byte[] frame = Read("nd-announcement");
        PutChecksum(frame);
        Assert.NotNull(NeighborMessage.TryRead(frame));
        frame[^1] ^= 1;
        Assert.Null(NeighborMessage.TryRead(frame));
    }

    [Theory]
    [InlineData("2001:db8:12::99", "ff02::1:ff00:99")]
    [InlineData("2001:db8::1234:5678", "ff02::1:ff34:5678")]
    public void An_address_is_asked_for_in_its_group(string address, string group) =>
        Assert.Equal(IPAddress.Parse(group), NeighborMessage.SolicitedNode(IPAddress.Parse(address)));

    [Theory]
    [InlineData("02:42:ac:11:00:02", "02:42:ac:11:00:02")]
    [InlineData("02:42:AC:11:00:02", "02:42:ac:11:00:02")]
    [InlineData("00:00:00:00:00:00", "00:00:00:00:00:00")]
    [InlineData(null, null)]
    [InlineData("", null)]
    [InlineData("02:42:ac:11:00", null)]
    [InlineData("02:42:ac:11:00:02:03", null)]
    [InlineData("02-42-ac-11-00-02", null)]
    [InlineData("02:42:ac:11:00:0g", null)]
    [InlineData("0242:ac:11:00:02:", null)]
    [InlineData("80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:00:00:01", null)]
    public void Hardware_addresses(string? text, string? expected) => Assert.Equal(expected, MacAddress.TryParse(text)?.ToString());

    private static byte[] Read(string file) => Convert.FromHexString(string.Concat(
        File.ReadLines(Repository.PathOf("testdata", "neighbors", $"{file}.txt")).Where(line => !line.StartsWith('#')))
        .Replace(" ", "", StringComparison.Ordinal));

    private static string Print(ReadOnlySpan<byte> frame) => $"{ArpPacket.TryRead(frame)}{NeighborMessage.TryRead(frame)}";

    /// <summary>RFC 1071, over the pseudo-header and the message; a textbook implementation, to compare with the product's.</summary>
    private static void PutChecksum(byte[] frame)
    {
        frame[56] = frame[57] = 0;
        byte[] all = [.. frame[22..54], 0, 0, 0, (byte)(frame.Length - 54), 0, 0, 0, 58, .. frame[54..]];
        int sum = 0;
        for (int i = 0; i < all.Length; i += 2)
        {
            sum += (all[i] << 8) | all[i + 1];
            sum = (sum & 0xffff) + (sum >> 16);
        }

        (frame[56], frame[57]) = ((byte)(~sum >> 8), (byte)~sum);
    }
}
