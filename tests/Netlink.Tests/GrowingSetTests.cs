using Netlink.NetFilter;
using Netlink.Wire;
using static Netlink.Tests.ScriptedTransport;

namespace Netlink.Tests;

/// <summary>A set that packets add elements to during its dump.</summary>
public class GrowingSetTests
{
    private static readonly MapElement _element = new(new Bytes([6, 0, 0, 0, 0, 80, 0, 0]), default, default);

    [Fact]
    public void An_element_that_is_listed_twice_is_there_once()
    {
        var set = new Map(
            "traffic", [SetDataType.TransportProtocol, SetDataType.Port], [], IsInterval: false,
            [_element, _element])
        { IsDynamic = true, Size = 10 };
        var table = new Table(TableFamily.Inet, "t", [], [], [set]);
        Func<uint, byte[]>[] sent = [.. MessagesOf(NetFilterRequests.CreateTableBatch(table).End().Writer.Written)];
        // The kernel describes a set in the format of the requests, so that the requests serve as answers.
        var transport = new ScriptedTransport(
            Messages(Error(Errno.ENOENT, -1)), Messages(Done()), Messages(Done()), Messages(sent[2], Done()), Messages(sent[3], Done()));
        Table read = new NetlinkSocket(transport).ReadTable(TableFamily.Inet, "t");
        Assert.Equal(_element.Key, Assert.Single(Assert.Single(read.Maps).Elements).Key);
    }

    private static List<Func<uint, byte[]>> MessagesOf(ReadOnlySpan<byte> bytes)
    {
        var messages = new List<Func<uint, byte[]>>();
        var reader = new MessageReader(bytes);
        while (reader.Next(out Message message))
        {
            messages.Add(Message(message.Type, message.Payload.ToArray(), flags: 2));
        }

        return messages;
    }
}
