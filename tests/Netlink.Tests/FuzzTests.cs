using Netlink.NetFilter;
using Netlink.Routing;
using Netlink.Wire;
using Shared;
using static Netlink.Tests.ScriptedTransport;

namespace Netlink.Tests;

/// <summary>A kernel with nonsensical answers, and one whose answers are lost, duplicated, reordered, truncated or interrupted.</summary>
public class FuzzTests
{
    private delegate void Reader(Message message);

    private static readonly Reader[] _readers =
    [
        message => Link.Read(message),
        message => LinkAddress.Read(message),
        message => WriteAgain(Route.Read(message)),
        message => NextHop.Read(message, out _),
        message => WriteAgain(RoutingRule.Read(message)),
        message => ConntrackEntry.Read(message),
        message => Chain.Read(message),
        message => NetFilter.Rule.Read(message),
        message => Map.Read(message),
        message => Map.ReadElements(message, []),
        message => Table.ReadName(message),
        message => NamedCounter.Read(message),
        message => RoutingChange.Read(message),
        message => ConnectionChange.Read(message),
        message => TableChange.Read(message),
        message => NetlinkErrorReader.Read(message, "read"),
        message => NetlinkErrorReader.ReadDone(message, "read"),
    ];

    /// <summary>A route that was read from a pod is written back to the kernel: the message must be complete.</summary>
    private static void WriteAgain(Route route)
    {
        _ = route.NextHops();
        _ = route.Tunnel()?.ToAttributes();
        var batch = new RequestBatch();
        batch.AddRoute("route", route);
        RequireWhole(batch, RtnetlinkConstants.RouteHeaderLength);
    }

    private static void WriteAgain(RoutingRule rule)
    {
        var batch = new RequestBatch();
        batch.AddRule("rule", rule);
        RequireWhole(batch, RtnetlinkConstants.RuleHeaderLength);
    }

    private static void RequireWhole(RequestBatch batch, int header)
    {
        int count = 0;
        var messages = new MessageReader(batch.Writer.Written);
        while (messages.Next(out Message message))
        {
            count++;
            AttributeReader attributes = message.Attributes(header);
            while (attributes.Next(out _))
            {
            }
        }

        Assert.Equal(batch.Count, count);
    }

    /// <summary>Each reader parses each message, of its own type or not.</summary>
    [Fact]
    public void Messages() => Fuzzer.Run("netlink", Fuzzer.Hexadecimal("testdata", "netlink"), input =>
    {
        bool isTaken = false;
        foreach (Reader read in _readers)
        {
            try
            {
                var messages = new MessageReader(input);
                while (messages.Next(out Message message))
                {
                    read(message);
                }

                isTaken = true;
            }
            catch (NetlinkException malformed) when (malformed.Number == Errno.EPROTO)
            {
                // The message is not of this reader's type.
            }
        }

        return isTaken;
    });

    /// <summary>An update of a table that was read from damaged messages: the batch must be complete.</summary>
    [Fact]
    public void Updates() => Fuzzer.Run(
        "netlink-tables",
        [NetFilterRequests.CreateTableBatch(Tables.Example).End().Writer.Written.ToArray(),
            NetFilterRequests.CreateTableBatch(Tables.Example with { Rules = [] }).End().Writer.Written.ToArray(),
            NetFilterRequests.CreateTableBatch(VerdictTables.Example).End().Writer.Written.ToArray(),
            NetFilterRequests.CreateTableBatch(RangeTables.Example).End().Writer.Written.ToArray()],
        input =>
        {
            try
            {
                Table observed = ReadTable(input);
                foreach (Table wanted in (Table[])[Tables.Example, RangeTables.Example])
                {
                    foreach ((Table next, Table before) in NetFilterRequests.StepsOfUpdate(wanted, observed))
                    {
                        RequireWhole(NetFilterRequests.UpdateTableBatch(next, before).End(), NftablesConstants.NfHeaderLength);
                    }
                }

                return true;
            }
            catch (NetlinkException malformed) when (malformed.Number == Errno.EPROTO)
            {
                return false;
            }
        });

    private static Table ReadTable(byte[] input)
    {
        var (chains, rules, maps) = (new List<Chain>(), new List<NetFilter.Rule>(), new List<Map>());
        var messages = new MessageReader(input);
        while (messages.Next(out Message message))
        {
            switch (message.Type)
            {
                case NftablesConstants.NFT_MSG_NEWCHAIN: chains.Add(Chain.Read(message).Chain); break;
                case NftablesConstants.NFT_MSG_NEWRULE: rules.Add(NetFilter.Rule.Read(message)); break;
                case NftablesConstants.NFT_MSG_NEWSET when Map.Read(message) is (_, Map map): maps.Add(map); break;
                case NftablesConstants.NFT_MSG_NEWSETELEM when maps.Count > 0:
                    var elements = new List<MapElement>();
                    Map.ReadElements(message, elements);
                    maps[^1] = maps[^1] with { Elements = [.. maps[^1].Elements, .. maps[^1].ElementsOf(elements)] };
                    break;
                default: break;
            }
        }

        return Tables.Example with { Chains = [.. chains], Rules = [.. rules], Maps = [.. maps.DistinctBy(map => map.Name)] };
    }

    /// <summary>A batch succeeds if and only if each of its messages is acknowledged.</summary>
    [Fact]
    public void Acknowledgements() => Fuzzer.Run("netlink-socket", [[0, 1, 2], [2, 1, 0, 3], [8, 0, 1, 9, 2], [3, 4, 5]], input =>
    {
        var acknowledged = new HashSet<int>();
        var refused = new HashSet<int>();
        bool isBroken = false;
        Answer AnswerOf(byte code) => sequence =>
        {
            int index = code % 3;
            switch (code % 11)
            {
                case 0 or 1 or 2:
                    isBroken |= refused.Contains(index);
                    acknowledged.Add(index);
                    return (Error(0, index - 2)(sequence), 0);
                case 3:
                    _ = acknowledged.Contains(index) || refused.Add(index);
                    return (Error(Netlink.Errno.EBUSY, index - 2)(sequence), 0);
                case 4: return (Error(0, index - 9)(sequence), 0); // late
                case 5: return (Error(0, index + 5)(sequence), 0); // of nothing
                case 6: return (Error(0, index - 2)(sequence)[..^(1 + (code % 30))], 0); // cut off
                case 7: return ([(byte)code, .. Error(0, index - 2)(sequence)[1..]], 0); // another length
                case 8: return ([], Netlink.Errno.EINTR);
                case 9: return ([], Netlink.Errno.ENOBUFS);
                default: return (Message(16, new byte[code])(sequence), 0); // an object instead
            }
        };
        var batch = new RequestBatch();
        for (int i = 0; i < 3; i++)
        {
            batch.Begin($"operation {i}", 16, 0);
            batch.Writer.EndMessage();
        }

        try
        {
            new NetlinkSocket(new ScriptedTransport([.. input.Select(AnswerOf)])).Execute(batch);
        }
        catch (NetlinkException)
        {
            return false;
        }

        // If a message has both an error and an acknowledgement, the first one counts.
        Assert.False(isBroken);
        Assert.Equal([0, 1, 2], acknowledged.Order());
        return true;
    });

    /// <summary>A dump is returned only if it was complete and not interrupted.</summary>
    [Fact]
    public void Lists() => Fuzzer.Run("netlink-list", [[10, 20, 1], [10, 2, 1, 20, 1], [10, 3, 1, 20, 30, 1], [4, 10, 5, 1]], input =>
    {
        var given = new List<byte>();
        bool isWhole = true;
        int send = 0;
        ScriptedTransport? transport = null;
        void Begin()
        {
            if (transport!.Sends != send)
            {
                (send, isWhole) = (transport.Sends, true);
                given.Clear();
            }
        }

        Answer AnswerOf(byte code) => sequence =>
        {
            Begin();
            const ushort multi = 2;
            const ushort interrupted = 0x10;
            switch (code % 10)
            {
                case 1: return (Done()(sequence), 0);
                case 2:
                    isWhole = false;
                    return (Done(multi | interrupted)(sequence), 0);
                case 3:
                    isWhole = false;
                    return ([], Netlink.Errno.ENOBUFS);
                case 4: return ([], Netlink.Errno.EINTR);
                case 5: return (Message(16, [code, 0, 0, 0], multi, -1)(sequence), 0); // of an earlier list
                case 6:
                    isWhole = false;
                    return (Message(16, [code, 0, 0, 0], multi | interrupted)(sequence), 0);
                case 7: return (Message(16, [code, 0, 0, 0], multi)(sequence)[..^(1 + (code % 19))], 0); // cut off
                case 8: return (Error(Netlink.Errno.EPERM)(sequence), 0);
                default:
                    given.Add(code);
                    return (Message(16, [code, 0, 0, 0], multi)(sequence), 0);
            }
        };
        transport = new ScriptedTransport([.. input.Select(AnswerOf)]);
        var found = new List<byte>();
        NetlinkRequest question = NetlinkRequest.Dump(
            "list", found.Clear, ScriptedTransport.Kept(message => found.Add(message.Payload[0])));
        question.Request.BeginMessage(18, 0);
        question.Request.EndMessage();
        try
        {
            new NetlinkSocket(transport).Ask(question);
        }
        catch (NetlinkException)
        {
            return false;
        }

        Assert.True(isWhole);
        Assert.Equal(given, found);
        return true;
    });
}
