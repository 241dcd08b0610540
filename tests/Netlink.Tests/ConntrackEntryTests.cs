using System.Net;
using System.Text;
using Netlink.NetFilter;
using Netlink.Wire;
using Shared;

namespace Netlink.Tests;

/// <summary>The kernel's conntrack entries, and the requests that delete them.</summary>
public class ConntrackEntryTests
{
    [Fact]
    public void Connections_are_read()
    {
        var text = new StringBuilder();
        foreach (ConntrackEntry connection in ReadAll())
        {
            text.Append(connection).Append('\n');
        }

        Golden.Verify(text.ToString(), "netlink", "connection-list");
    }

    [Theory]
    [InlineData("127.0.0.1", 1)]
    [InlineData("127.0.0.2", 1)]
    [InlineData("::1", 1)]
    [InlineData("127.0.0.3", 0)]
    public void A_connection_has_the_addresses_of_both_directions(string address, int count) =>
        Assert.Equal(count, ReadAll().Count(connection => connection.Ends().Contains(IPAddress.Parse(address))));

    /// <summary>The request identifies the entry by the kernel's own original tuple, ID and family.</summary>
    [Fact]
    public void A_connection_is_deleted_by_its_own_attributes()
    {
        var transport = new ScriptedTransport(ScriptedTransport.Messages(ScriptedTransport.Error(0)));
        using var socket = new NetlinkSocket(transport);
        socket.DeleteConnections([ReadAll()[0]]);
        var reader = new MessageReader(transport.Sent);
        Assert.True(reader.Next(out Message message));
        Assert.Equal(0x0102, message.Type);
        Assert.Equal(
            "02000000" + "34000180" + "14000180080001007f000001080002007f0000011c000280050001001100000006000200"
                + "9c41000006000300003500000800" + "0c00abff288b",
            Convert.ToHexStringLower(message.Payload));
        Assert.False(reader.Next(out _));
    }

    [Fact]
    public void Marked_connections_are_deleted_by_mark_and_mask()
    {
        var transport = new ScriptedTransport(ScriptedTransport.Messages(ScriptedTransport.Error(0)));
        using var socket = new NetlinkSocket(transport);
        socket.DeleteMarkedConnections(0x0b2d0000, 0xffff0000);
        var reader = new MessageReader(transport.Sent);
        Assert.True(reader.Next(out Message message));
        Assert.Equal("00000000" + "080008000b2d0000" + "08001500ffff0000", Convert.ToHexStringLower(message.Payload));
    }

    /// <summary>
    /// The reply direction is not translated, because the kernel does that, and the status has the bits that a request may set.
    /// The kernel's acceptance of both is tested by the system tests.
    /// </summary>
    [Fact]
    public void A_connection_is_created_with_its_translation()
    {
        var batch = new RequestBatch();
        var original = new ConntrackTuple(IPAddress.Parse("10.244.1.2"), IPAddress.Parse("192.0.2.7"), 6, 40001, 443);
        batch.CreateConnection("", new ConntrackEntry(
            original, new ConntrackTuple(IPAddress.Parse("192.0.2.7"), IPAddress.Parse("192.0.2.100"), 6, 443, 40002), 0x100000)
        {
            Status = (ConntrackStatus)0x29e,
            Timeout = TimeSpan.FromSeconds(300),
            TcpState = 3,
        });
        const string ends = "0af40102" + "08000200c0000207" + "1c000280" + "0500010006000000" + "060002009c410000" + "0600030001bb0000";
        const string reply = "c0000207" + "080002000af40102" + "1c000280" + "0500010006000000" + "0600020001bb0000" + "060003009c410000";
        Assert.Equal(
            "type 0100 flags 0601 02000000"
                + "34000180" + "14000180" + "08000100" + ends
                + "34000280" + "14000180" + "08000100" + reply
                + "080003000000000e" + "080007000000012c" + "0800080000100000"
                + "28000680" + "08000100c0000264" + "08000200c0000264" + "14000380" + "060001009c420000" + "060002009c420000"
                + "20000480" + "1c000180" + "0500010003000000" + "0600040008080000" + "0600050008080000" + "\n",
            CapturedBytes.Text(batch.Writer.Written));
    }

    [Fact]
    public void A_connection_without_translation_and_state_has_neither()
    {
        var batch = new RequestBatch();
        var original = new ConntrackTuple(IPAddress.Parse("fd00::1"), IPAddress.Parse("fd00::2"), 17, 1, 2);
        batch.CreateConnection("", new ConntrackEntry(original, new(original.Destination, original.Source, 17, 2, 1), 0));
        var reader = new MessageReader(batch.Writer.Written);
        Assert.True(reader.Next(out Message message));
        var types = new List<int>();
        AttributeReader attributes = message.Attributes(4);
        while (attributes.Next(out Wire.Attribute attribute))
        {
            types.Add(attribute.Type);
        }

        Assert.Equal([1, 2, 3, 7, 8], types);
    }

    [Theory]
    [InlineData("10.244.1.2", null, 0,
        "02000000" + "10000180" + "0c000180" + "080001000af40102" + "14001980" + "0800010001000000" + "0800020000000000")]
    [InlineData(null, "192.0.2.100", 0,
        "02000000" + "10000280" + "0c000180" + "08000200c0000264" + "14001980" + "0800010000000000" + "0800020002000000")]
    [InlineData("fd00:244::2", null, 0, "0a000000")]
    [InlineData(null, null, 0xfff00000, "00000000" + "0800080000100000" + "08001500fff00000")]
    public void Connections_are_selected_by_the_kernel(string? source, string? translated, uint mask, string expected)
    {
        var transport = new ScriptedTransport(ScriptedTransport.Messages(ScriptedTransport.Done()));
        using var socket = new NetlinkSocket(transport);
        Assert.Empty(socket.ListConnections(_ => true, filter: new ConnectionFilter
        {
            Source = source is null ? null : IPAddress.Parse(source),
            TranslatedSource = translated is null ? null : IPAddress.Parse(translated),
            Mark = 0x100000,
            Mask = mask,
        }));
        var reader = new MessageReader(transport.Sent);
        Assert.True(reader.Next(out Message message));
        Assert.Equal(expected, Convert.ToHexStringLower(message.Payload));
    }

    /// <summary>The kernel may give more than was asked for.</summary>
    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1", 0, 1)]
    [InlineData("127.0.0.2", null, 0, 0)]
    [InlineData("::1", "::1", 0, 1)]
    [InlineData("::1", "::2", 0, 0)]
    [InlineData(null, null, 0xffff0000, 2)]
    [InlineData(null, null, 0xf, 0)]
    public void Connections_are_selected_again(string? source, string? translated, uint mask, int count)
    {
        var filter = new ConnectionFilter
        {
            Source = source is null ? null : IPAddress.Parse(source),
            TranslatedSource = translated is null ? null : IPAddress.Parse(translated),
            Mark = 0x0b2d0001,
            Mask = mask,
        };
        Assert.Equal(count, ReadAll().Count(filter.Matches));
    }

    /// <summary>An answer with any damaged byte is parsed, or refused as malformed.</summary>
    [Fact]
    public void Damaged_answers_do_no_harm()
    {
        byte[] bytes = CapturedBytes.Read("connection-list");
        for (int place = 0; place < bytes.Length; place++)
        {
            foreach (byte value in (ReadOnlySpan<byte>)[0, 1, 4, 0x7f, 0x80, 0xff])
            {
                byte[] damaged = [.. bytes];
                damaged[place] = value;
                try
                {
                    _ = ReadAll(damaged);
                }
                catch (NetlinkException refused)
                {
                    Assert.Equal(Errno.EPROTO, refused.Number);
                }
            }
        }
    }

    private static List<ConntrackEntry> ReadAll() => ReadAll(CapturedBytes.Read("connection-list"));

    private static List<ConntrackEntry> ReadAll(byte[] bytes)
    {
        var connections = new List<ConntrackEntry>();
        var reader = new MessageReader(bytes);
        while (reader.Next(out Message message))
        {
            connections.Add(ConntrackEntry.Read(message));
        }

        return connections;
    }
}
