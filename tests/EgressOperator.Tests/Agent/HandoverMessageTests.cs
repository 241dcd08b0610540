using System.Net;
using EgressOperator.Agent.Handover;
using Netlink.NetFilter;

namespace EgressOperator.Tests.Agent;

/// <summary>Connections on their way to another node.</summary>
public class HandoverMessageTests
{
    private static readonly byte[] _key = [.. Enumerable.Range(0, 32).Select(number => (byte)number)];

    private static readonly ConntrackEntry _entry = new(
        new ConntrackTuple(IPAddress.Parse("10.244.1.2"), IPAddress.Parse("198.51.100.10"), 6, 40000, 443),
        new ConntrackTuple(IPAddress.Parse("198.51.100.10"), IPAddress.Parse("192.0.2.100"), 6, 443, 40001),
        Mark: 0)
    {
        Status = ConntrackStatus.SeenReply | ConntrackStatus.Assured,
        Timeout = TimeSpan.FromSeconds(3600),
        TcpState = 3,
    };

    private static readonly HandoverMessage _message = new(IPAddress.Parse("192.0.2.100"), [MovedConnection.Of(_entry)], IsOfHolder: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_message_is_read_as_it_was_written(bool withKey)
    {
        byte[]? key = withKey ? _key : null;
        HandoverMessage? read = HandoverMessage.Read(_message.Write(key), key);
        Assert.NotNull(read);
        Assert.Equal((_message.EgressIP, true), (read.EgressIP, read.IsOfHolder));
        ConntrackEntry entry = Assert.Single(read.Connections).ToEntry();
        Assert.Equal((_entry.Original, _entry.Reply, _entry.Status, _entry.Timeout, _entry.TcpState),
            (entry.Original, entry.Reply, entry.Status, entry.Timeout, entry.TcpState));
    }

    [Fact]
    public void A_message_of_another_key_without_key_or_cut_short_is_not_read()
    {
        Assert.Null(HandoverMessage.Read(_message.Write([.. _key.Reverse()]), _key));
        Assert.Null(HandoverMessage.Read(_message.Write(null), _key));
        Assert.Null(HandoverMessage.Read(_message.Write(_key), null));
        Assert.Null(HandoverMessage.Read(_message.Write(_key).AsSpan(0, 31), _key));
        Assert.Null(HandoverMessage.Read(_message.Write(null).AsSpan()[..^1], null));
        Assert.Null(HandoverMessage.Read([], null));
        Assert.Null(HandoverMessage.Read("""{"egressIP": "x", "connections": [], "isOfHolder": true}"""u8, null));
    }

    /// <summary>Another release may have other members.</summary>
    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{"egressIP": "192.0.2.100"}""")]
    [InlineData("""{"egressIP": "192.0.2.100", "connections": null, "isOfHolder": true}""")]
    [InlineData("""{"egressIP": "192.0.2.100", "connections": [null], "isOfHolder": true}""")]
    [InlineData("""{"egressIP": "192.0.2.100", "connections": [{}], "isOfHolder": true}""")]
    [InlineData("""{"egressIP": "192.0.2.100", "connections": [{"original": {}, "reply": {}, "status": 0, "seconds": 1}], "isOfHolder": true}""")]
    public void A_message_without_its_members_is_not_read(string json) =>
        Assert.Null(HandoverMessage.Read(System.Text.Encoding.UTF8.GetBytes(json), null));

    [Fact]
    public void A_connection_of_UDP_has_no_state()
    {
        HandoverMessage udp = _message with { Connections = [_message.Connections[0] with { TcpState = null }] };
        Assert.Null(Assert.Single(HandoverMessage.Read(udp.Write(null), null)!.Connections).TcpState);
    }
}
