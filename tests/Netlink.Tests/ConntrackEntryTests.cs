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
