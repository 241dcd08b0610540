using System.Net;
using System.Text;
using EgressOperator.Heartbeats;
using Shared;

namespace EgressOperator.Tests.Heartbeats;

/// <summary>Messages as bytes.</summary>
public class MessageFormatTests
{
    private static readonly byte[] _key = Encoding.UTF8.GetBytes("0123456789abcdef");

    private static readonly string _longName = new('n', MessageFormat.MaxName);

    [Fact]
    public void A_beat_and_holdings_have_this_text()
    {
        var format = new MessageFormat(null);
        Assert.Equal(
            """
            {"kind":"beat","node":"egress-a","incarnation":1790000000000,"sequence":200,"missing":["egress-b"],"heard":{"incarnation":7,"sequence":8,"holdings":9}}
            """,
            Encoding.UTF8.GetString(format.Write(new Beat("egress-a", 1790000000000, 200, ["egress-b"], new Heard(7, 8, 9)))));
        Assert.Equal(
            """
            {"kind":"holdings","node":"egress-a","incarnation":1,"version":2,"part":0,"parts":1,"addresses":[{"address":"192.0.2.1"},{"address":"2001:db8::1","from":"egress-b"}]}
            """,
            Encoding.UTF8.GetString(format.Write(new HoldingsPart("egress-a", 1, 2, 0, 1, [
                new HeldAddress(IPAddress.Parse("192.0.2.1")), new HeldAddress(IPAddress.Parse("2001:db8::1"), "egress-b")]))));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_written_is_read(bool hasKey)
    {
        var format = new MessageFormat(hasKey ? _key : null);
        byte[] sent = format.Write(new Beat("a", 1, 2, ["b", "c"], null));
        Assert.Null(format.Read(sent, out HeartbeatMessage? read));
        Assert.Equal(sent, format.Write(read!));
    }

    [Fact]
    public void Without_the_right_key_nothing_is_read()
    {
        var beat = new Beat("a", 1, 2, [], null);
        byte[] sent = new MessageFormat(_key).Write(beat);
        for (int bit = 0; bit < sent.Length * 8; bit++)
        {
            byte[] changed = [.. sent];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Equal(DropReason.WrongMac, new MessageFormat(_key).Read(changed, out _));
        }

        Assert.Equal(DropReason.WrongMac, new MessageFormat([.. _key, 1]).Read(sent, out _));
        Assert.Equal(DropReason.WrongMac, new MessageFormat(_key).Read(new MessageFormat(null).Write(beat), out _));
        Assert.Equal(DropReason.WrongMac, new MessageFormat(_key).Read(sent.AsSpan(0, 32), out _));
        Assert.Equal(DropReason.WrongMac, new MessageFormat(_key).Read([], out _));
        Assert.Equal(DropReason.Malformed, new MessageFormat(null).Read(sent, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"kind":"other","node":"a","incarnation":1}""")]
    [InlineData("""{"node":"a","incarnation":1,"sequence":1,"missing":[]}""")]
    [InlineData("""{"kind":"beat","incarnation":1,"sequence":1,"missing":[]}""")]
    [InlineData("""{"kind":"beat","node":"","incarnation":1,"sequence":1,"missing":[]}""")]
    [InlineData("""{"kind":"beat","node":null,"incarnation":1,"sequence":1,"missing":[]}""")]
    [InlineData("""{"kind":"beat","node":"a","node":"b","incarnation":1,"sequence":1,"missing":[]}""")]
    [InlineData("""{"kind":"beat","node":"a","incarnation":0,"sequence":1,"missing":[]}""")]
    [InlineData("""{"kind":"beat","node":"a","incarnation":1,"sequence":-1,"missing":[]}""")]
    [InlineData("""{"kind":"beat","node":"a","incarnation":1,"sequence":99999999999999999999,"missing":[]}""")]
    [InlineData("""{"kind":"beat","node":"a","incarnation":4503599627370497,"sequence":1,"missing":[]}""")]
    [InlineData("""{"kind":"beat","node":"a","incarnation":1,"sequence":4503599627370497,"missing":[]}""")]
    [InlineData("""{"kind":"beat","node":"a","incarnation":1,"sequence":1,"missing":[],"heard":{"incarnation":4503599627370496,"sequence":1,"holdings":1}}""")]
    [InlineData("""{"kind":"beat","node":"a","incarnation":1,"sequence":1}""")]
    [InlineData("""{"kind":"beat","node":"a","incarnation":1,"sequence":1,"missing":[null]}""")]
    [InlineData("""{"kind":"beat","node":"a","incarnation":1,"sequence":1,"missing":[],"heard":{"incarnation":0,"sequence":1,"holdings":1}}""")]
    [InlineData("""{"kind":"beat","node":"a","incarnation":1,"sequence":1,"missing":[]} {}""")]
    [InlineData("""{"kind":"holdings","node":"a","incarnation":1,"version":1,"part":1,"parts":1,"addresses":[]}""")]
    [InlineData("""{"kind":"holdings","node":"a","incarnation":1,"version":1,"part":-1,"parts":1,"addresses":[]}""")]
    [InlineData("""{"kind":"holdings","node":"a","incarnation":1,"version":1,"part":0,"parts":2000000000,"addresses":[]}""")]
    [InlineData("""{"kind":"holdings","node":"a","incarnation":1,"version":0,"part":0,"parts":1,"addresses":[]}""")]
    [InlineData("""{"kind":"holdings","node":"a","incarnation":1,"version":1,"part":0,"parts":1,"addresses":[null]}""")]
    [InlineData("""{"kind":"holdings","node":"a","incarnation":1,"version":1,"part":0,"parts":1,"addresses":[{}]}""")]
    [InlineData("""{"kind":"holdings","node":"a","incarnation":1,"version":1,"part":0,"parts":1,"addresses":[{"address":"192.0.2.010"}]}""")]
    [InlineData("""{"kind":"holdings","node":"a","incarnation":1,"version":1,"part":0,"parts":1,"addresses":[{"address":"::ffff:192.0.2.1"}]}""")]
    [InlineData("""{"kind":"holdings","node":"a","incarnation":1,"version":1,"part":0,"parts":1,"addresses":[{"address":1}]}""")]
    public void What_is_no_message_is_malformed(string text)
    {
        Assert.Equal(DropReason.Malformed, new MessageFormat(null).Read(Encoding.UTF8.GetBytes(text), out HeartbeatMessage? message));
        Assert.Null(message);
    }

    [Fact]
    public void Unknown_members_are_ignored() => Assert.Null(new MessageFormat(null).Read(
        """{"kind":"beat","node":"a","incarnation":1,"sequence":1,"missing":[],"new":{"x":[1]}}"""u8, out _));

    [Fact]
    public void Heartbeats_from_garbage()
    {
        var format = new MessageFormat(null);
        Fuzzer.Run(
            "heartbeats",
            [
                format.Write(new Beat("a", 1, 2, ["b"], new Heard(1, 2, 3))),
                format.Write(new HoldingsPart("a", 1, 2, 0, 1, [new HeldAddress(IPAddress.Loopback, "b")])),
            ],
            input => format.Read(input, out HeartbeatMessage? message) is null == message is not null && message is not null);
    }

    /// <summary>As much as fits, in numbers and names of the greatest length.</summary>
    [Fact]
    public void No_datagram_is_too_long()
    {
        var format = new MessageFormat(_key);
        string[] missing = MessageFormat.NamesThatFit(_longName, Enumerable.Repeat(_longName, 10));
        Assert.Equal(3, missing.Length);
        Assert.InRange(
            format.Write(new Beat(
                _longName, long.MaxValue, long.MaxValue, missing, new Heard(long.MaxValue, long.MaxValue, long.MaxValue))).Length,
            1, MessageFormat.MaxLength);

        HeldAddress[] addresses = [.. Enumerable.Range(0, 500).Select(i => new HeldAddress(
            IPAddress.Parse($"2001:db8:1111:2222:3333:4444:5555:{i + 0x1000:x}"), i % 3 == 0 ? _longName : null))];
        HeldAddress[][] parts = MessageFormat.Parts(_longName, addresses);
        Assert.Equal(addresses, parts.SelectMany(part => part));
        Assert.All(parts, part => Assert.InRange(
            format.Write(new HoldingsPart(_longName, long.MaxValue, long.MaxValue, 1000, 1000, part)).Length, 1, MessageFormat.MaxLength));
        HeldAddress[] many = [.. Enumerable.Range(0, 100).Select(i => new HeldAddress(new IPAddress([10, 0, 0, (byte)i])))];
        Assert.Equal(4, MessageFormat.Parts("a", many).Length);
        Assert.Equal([[]], MessageFormat.Parts("a", []));
        Assert.Throws<ArgumentException>(() => MessageFormat.Parts("a", Enumerable.Repeat(many[0], 100_000)));
    }

    [Fact]
    public void A_key_is_the_bytes_of_a_file_of_the_right_length()
    {
        string file = Path.GetTempFileName();
        try
        {
            foreach ((int length, bool isRight) in ((int, bool)[])[(0, false), (15, false), (16, true), (4096, true), (4097, false)])
            {
                byte[] key = [.. Enumerable.Repeat((byte)10, length)];
                File.WriteAllBytes(file, key);
                Exception? fault = Record.Exception(() => Assert.Equal(key, HeartbeatOptions.ReadKey(file)));
                Assert.Equal(isRight ? null : "UsageException", fault?.GetType().Name);
            }
        }
        finally
        {
            File.Delete(file);
        }

        Assert.Equal("UsageException", Record.Exception(() => HeartbeatOptions.ReadKey(file))?.GetType().Name);
    }
}
