using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Netlink;
using Netlink.NetFilter;
using Netlink.Wire;
using Shared;

namespace SystemTests;

/// <summary>
/// Updates of a table in which a map leads each source to the chain of its object, which counts: what the kernel is told, and what
/// packets of the loopback link notice.
/// </summary>
public class TableUpdateTests
{
    private const string Name = "update";

    private static readonly Rule _classify = new("input", [
        new MetaExpression(MetaKey.NetworkProtocol, Register.R1),
        new CmpExpression(Register.R1, new Bytes([2])),
        new PayloadExpression(PayloadBase.NetworkHeader, 12, 4, Register.R1),
        new LookupExpression("pods", Register.R1, Register.Verdict)]);

    [RootFact]
    public void One_of_thousands_of_elements_is_changed_alone() => NetNamespace.RunInNew(() =>
    {
        using NetlinkSocket socket = NetlinkSocket.OpenNetFilter();
        Table table = TableOf(5_000, [.. Enumerable.Range(0, 5_000)]);
        socket.CreateTable(table);
        using ChangeMonitor<TableChange> monitor = TableChange.OpenMonitor();
        Table read = Read(socket);
        socket.UpdateTable(table, read);
        Assert.Empty(monitor.Wait(TimeSpan.Zero).Changes);

        MapElement element = table.Maps[0].Elements[2_500];
        Table wanted = table with
        {
            Maps = [table.Maps[0] with
            {
                Elements = table.Maps[0].Elements.SetItem(2_500, element with { Decision = new Decision(Verdict.Drop) }),
            }],
        };
        socket.UpdateTable(wanted, read);
        // One element deleted, and one added.
        Assert.Equal(2, monitor.Wait(TimeSpan.Zero).Changes.Count);
        AssertSame(wanted, Read(socket));
    });

    /// <summary>Chains, elements, rules and counters come and go together. What stays is not touched.</summary>
    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Objects_come_and_go_while_packets_of_others_go_on(bool withRanges) => NetNamespace.RunInNew(() =>
    {
        Command.Must("ip", ["link", "set", "lo", "up"]);
        using NetlinkSocket socket = NetlinkSocket.OpenNetFilter();
        Table table = TableOf(8, [0, 1], withRanges);
        socket.CreateTable(table);
        using var traffic = new Traffic(SourceOf(0));
        int updates = 0;
        for (; updates < 500 || traffic.Passed < 500; updates++)
        {
            Table wanted = TableOf(8, [0, 2 + (updates % 2), 4 + (updates % 3)], withRanges);
            socket.UpdateTable(wanted, table);
            table = wanted;
        }

        ulong sent = (ulong)traffic.End();
        Table read = Read(socket);
        AssertSame(table, read);
        Assert.Equal(sent, read.Counters.Single(counter => counter.Name == "count0").Counted.Packets);
        Assert.Equal(sent, read.Maps[0].Elements.Single(element => element.Key == SourceOf(0)).Counted.Packets);
        Figures.Note($"table updates{(withRanges ? " of ranges" : "")}: {updates} while {sent} packets passed, none lost, all counted");
    });

    /// <summary>A map that is too small is made anew, in three steps; an object that is gone is not in its way.</summary>
    [RootFact]
    public void A_map_is_made_anew_while_objects_come_and_go() => NetNamespace.RunInNew(() =>
    {
        Command.Must("ip", ["link", "set", "lo", "up"]);
        using NetlinkSocket socket = NetlinkSocket.OpenNetFilter();
        Table table = TableOf(2, [0, 1]);
        socket.CreateTable(table);
        using var traffic = new Traffic(SourceOf(0));
        for (int size = 3; size < 100; size++)
        {
            Table wanted = TableOf(size, [0, .. Enumerable.Range(size, size - 1)]);
            socket.UpdateTable(wanted, table);
            table = wanted;
        }

        ulong sent = (ulong)traffic.End();
        Table read = Read(socket);
        AssertSame(table, read);
        Assert.Equal(sent, read.Counters.Single(counter => counter.Name == "count0").Counted.Packets);
    });

    [RootFact]
    public void A_map_of_another_type_takes_the_place_of_the_old_one() => NetNamespace.RunInNew(() =>
    {
        using NetlinkSocket socket = NetlinkSocket.OpenNetFilter();
        Table table = TableOf(8, [0, 1]);
        socket.CreateTable(table);
        Table wanted = TableOf(8, [2, 3], withRanges: true);
        socket.UpdateTable(wanted, Read(socket));
        AssertSame(wanted, Read(socket));
        socket.UpdateTable(table, Read(socket));
        AssertSame(table, Read(socket));
    });

    [RootFact]
    public void Each_batch_of_an_update_is_a_generation() => NetNamespace.RunInNew(() =>
    {
        using NetlinkSocket socket = NetlinkSocket.OpenNetFilter();
        Table table = TableOf(8, [0, 1]);
        uint generation = socket.ReadGeneration();
        socket.CreateTable(table);
        Assert.Equal(++generation, socket.ReadGeneration());
        (Table Wanted, int Batches)[] updates = [(table, 0), (TableOf(8, [1, 0, 2]), 1), (TableOf(90, [0, .. Enumerable.Range(3, 80)]), 3)];
        foreach ((Table wanted, int batches) in updates)
        {
            Assert.Equal(batches, socket.UpdateTable(wanted, table));
            generation += (uint)batches;
            Assert.Equal(generation, socket.ReadGeneration());
            table = wanted;
        }

        Command.Must("nft", ["add table ip other"]);
        Assert.Equal(generation + 1, socket.ReadGeneration());
    });

    private static Table Read(NetlinkSocket socket) => socket.ReadTable(TableFamily.Inet, Name, withCounters: true);

    private static void AssertSame(Table wanted, Table read)
    {
        Assert.Equal(wanted.Chains.ToHashSet(), read.Chains.ToHashSet());
        Assert.Equal(wanted.Rules.ToHashSet(), read.Rules.ToHashSet());
        Assert.Equal(wanted.Maps.ToHashSet(), read.Maps.ToHashSet());
        Assert.Equal(
            wanted.Counters.Select(counter => counter.Name).ToHashSet(), read.Counters.Select(counter => counter.Name).ToHashSet());
    }

    /// <summary>A table with an element, a chain and a counter for each object. Ten objects share a chain if there are many.</summary>
    private static Table TableOf(int size, int[] objects, bool withRanges = false)
    {
        int shared = objects.Length > 1_000 ? 10 : 1;
        int[] chains = [.. objects.Select(number => number / shared).Distinct()];
        return new Table(
            TableFamily.Inet,
            Name,
            [
                new Chain("input", new BaseChain("filter", NetFilterHook.LocalIn, 0)),
                .. chains.Select(number => new Chain($"object{number}")),
            ],
            [
                _classify,
                .. chains.Select(number => new Rule($"object{number}", [
                    new CounterReferenceExpression($"count{number}"), new ImmediateExpression(Verdict.Accept)])),
                new Rule("input", [new ImmediateExpression(Verdict.Drop)]),
            ],
            [new Map("pods", [SetDataType.IPv4Address], [SetDataType.Verdict], withRanges, [
                .. objects.Select(number => new MapElement(SourceOf(number), new Decision(Verdict.Goto, $"object{number / shared}"))
                {
                    KeyEnd = withRanges ? SourceOf(number) : default,
                })])
            { Size = size }])
        {
            Counters = [.. chains.Select(number => new NamedCounter($"count{number}"))],
        };
    }

    private static Bytes SourceOf(int number)
    {
        Span<byte> address = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(address, 0x7f010001 + number);
        return new Bytes(address);
    }

    /// <summary>A thread that sends datagrams from a source, each after the one before has arrived.</summary>
    private sealed class Traffic : IDisposable
    {
        private readonly Socket _server = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 2_000 };
        private readonly Socket _client = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        private readonly Thread _thread;
        private volatile bool _isEnding;
        private volatile int _passed;
        private Exception? _failure;

        public Traffic(Bytes source)
        {
            _server.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _client.Bind(new IPEndPoint(new IPAddress(source.Span), 0));
            _client.Connect(_server.LocalEndPoint!);
            _thread = new Thread(Run);
            _thread.Start();
        }

        /// <summary>The number of datagrams that have arrived; fails if one has not.</summary>
        public int Passed => _failure is null ? _passed : throw new InvalidOperationException($"datagram {_passed + 1} is lost", _failure);

        public int End()
        {
            _isEnding = true;
            Assert.True(_thread.Join(TimeSpan.FromSeconds(5)));
            return Passed;
        }

        public void Dispose()
        {
            _isEnding = true;
            _thread.Join(TimeSpan.FromSeconds(5));
            _server.Dispose();
            _client.Dispose();
        }

        private void Run()
        {
            try
            {
                for (byte[] data = new byte[1]; !_isEnding; _passed++)
                {
                    _client.Send(data);
                    _server.Receive(data);
                }
            }
            catch (SocketException lost)
            {
                _failure = lost;
            }
        }
    }
}
