using System.Net;
using Netlink.Wire;

namespace Netlink.Tests;

public class AttributeTests
{
    [Fact]
    public void What_is_written_is_read()
    {
        var writer = new MessageWriter(16);
        writer.BeginMessage(7, 0x400);
        writer.UInt32(99);
        writer.AttributeByte(1, 0xab);
        writer.AttributeUInt16(2, 0xabcd);
        writer.AttributeUInt32(3, 0xabcdef01);
        writer.AttributeUInt32BigEndian(4, 0xabcdef01);
        writer.AttributeUInt64BigEndian(5, 0xabcdef0123456789);
        writer.AttributeString(6, "net1");
        writer.AttributeAddress(7, IPAddress.Parse("2001:db8::1"));
        int nested = writer.BeginNested(8 | 0x8000);
        writer.AttributeByte(1, 1);
        writer.EndNested(nested);
        writer.EndMessage();

        var messages = new MessageReader(writer.Written);
        Assert.True(messages.Next(out Message message));
        Assert.Equal((7, 0x401), (message.Type, message.Flags));
        AttributeReader attributes = message.Attributes(4);
        Assert.Equal(0xab, Next(ref attributes, 1).Byte());
        Assert.Equal(0xabcd, Next(ref attributes, 2).UInt16());
        Assert.Equal(0xabcdef01, Next(ref attributes, 3).UInt32());
        Assert.Equal(0xabcdef01, Next(ref attributes, 4).UInt32BigEndian());
        Assert.Equal(0xabcdef0123456789, Next(ref attributes, 5).UInt64BigEndian());
        Assert.Equal("net1", Next(ref attributes, 6).Text());
        Assert.Equal(IPAddress.Parse("2001:db8::1"), Next(ref attributes, 7).Address());
        AttributeReader inner = Next(ref attributes, 8).Nested();
        Assert.Equal(1, Next(ref inner, 1).Byte());
        Assert.False(attributes.Next(out _));
        Assert.False(messages.Next(out _));
    }

    [Theory]
    [InlineData(new byte[] { 3, 0, 1, 0 })] // shorter than its header
    [InlineData(new byte[] { 0, 0, 0, 0 })]
    [InlineData(new byte[] { 9, 0, 1, 0, 1, 2, 3, 4 })] // longer than what is there
    [InlineData(new byte[] { 4, 0, 1 })]
    public void A_lying_length_is_an_error(byte[] attributes) => Assert.Equal(Errno.EPROTO, Assert.Throws<NetlinkException>(() =>
    {
        var reader = new AttributeReader(attributes);
        while (reader.Next(out _))
        {
        }
    }).Number);

    [Fact]
    public void A_value_of_another_length_is_an_error()
    {
        Assert.Throws<NetlinkException>(() => First([5, 0, 1, 0, 9, 0, 0, 0]).UInt32());
        Assert.Throws<NetlinkException>(() => First([8, 0, 1, 0, 9, 0, 0, 0]).Byte());
        Assert.Throws<NetlinkException>(() => First([9, 0, 1, 0, 1, 2, 3, 4, 5, 0, 0, 0]).Address());
    }

    [Fact]
    public void An_attribute_that_cannot_say_its_length_is_refused()
    {
        var writer = new MessageWriter();
        Assert.Equal(Errno.EMSGSIZE, Assert.Throws<NetlinkException>(() => writer.Attribute(1, new byte[65_532])).Number);
        int nested = writer.BeginNested(1);
        writer.Attribute(1, new byte[60_000]);
        writer.Attribute(1, new byte[6_000]);
        Assert.Equal(Errno.EMSGSIZE, Assert.Throws<NetlinkException>(() => writer.EndNested(nested)).Number);
    }

    /// <summary>Every prefix and every single-byte change of real answers is parsed, or refused as malformed.</summary>
    [Theory]
    [InlineData("link-get")]
    [InlineData("route-list-main")]
    [InlineData("rule-list")]
    [InlineData("table-list")]
    public void Damaged_answers_are_read_or_refused(string file)
    {
        byte[] good = CapturedBytes.Read(file);
        var random = new Random(1);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bad = good[..random.Next(good.Length + 1)];
            for (int change = random.Next(4); change > 0 && bad.Length > 0; change--)
            {
                bad[random.Next(bad.Length)] = (byte)random.Next(256);
            }

            try
            {
                ReadEverything(bad);
            }
            catch (NetlinkException malformed) when (malformed.Number == Errno.EPROTO)
            {
            }
        }
    }

    private static void ReadEverything(byte[] datagram)
    {
        var elements = new List<NetFilter.MapElement>();
        var reader = new MessageReader(datagram);
        while (reader.Next(out Message message))
        {
            _ = message.Type switch
            {
                16 => Routing.Link.Read(message).ToString(),
                24 => Routing.Route.Read(message).ToString(),
                32 => Routing.RoutingRule.Read(message).ToString(),
                0xa03 => NetFilter.Chain.Read(message).ToString(),
                0xa06 => NetFilter.Rule.Read(message).ToString(),
                0xa09 => NetFilter.Map.Read(message)?.ToString(),
                _ => null,
            };
            if (message.Type == 0xa0c)
            {
                NetFilter.Map.ReadElements(message, elements);
            }
        }
    }

    private static Wire.Attribute First(byte[] bytes)
    {
        var reader = new AttributeReader(bytes);
        Assert.True(reader.Next(out Wire.Attribute attribute));
        return attribute;
    }

    private static Wire.Attribute Next(ref AttributeReader reader, ushort type)
    {
        Assert.True(reader.Next(out Wire.Attribute attribute));
        Assert.Equal(type, attribute.Type);
        return attribute;
    }
}
