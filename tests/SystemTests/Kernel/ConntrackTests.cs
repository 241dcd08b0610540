using System.Net;
using System.Net.Sockets;
using Netlink;
using Netlink.NetFilter;
using Shared;

namespace SystemTests;

/// <summary>Connections that are created, selected and heard of through the library, on this kernel.</summary>
public class ConntrackTests
{
    private const uint Mark = 0x10_0000;
    private const uint Mask = 0xfff0_0000;

    /// <summary>
    /// Chains that translate nothing, and a rule about connections: so the kernel tracks them, and translates those that were created.
    /// </summary>
    private static readonly Table _table = new(
        TableFamily.Inet,
        "nat",
        [
            new Chain("output", new BaseChain("nat", NetFilterHook.LocalOut, -100)),
            new Chain("postrouting", new BaseChain("nat", NetFilterHook.PostRouting, 100)),
            new Chain("prerouting", new BaseChain("nat", NetFilterHook.PreRouting, -100)),
            new Chain("input", new BaseChain("nat", NetFilterHook.LocalIn, 100)),
        ],
        [new Rule("output", [new ConntrackExpression(ConntrackKey.State, Register.R1)])],
        []);

    [RootTheory]
    [InlineData("10.244.1.2", "192.0.2.7", "192.0.2.100", 6)]
    [InlineData("10.244.1.2", "192.0.2.7", "192.0.2.100", 17)]
    [InlineData("fd00:244::2", "fd00:51::7", "fd00:2::100", 6)]
    [InlineData("fd00:244::2", "fd00:51::7", "fd00:2::100", 17)]
    public void A_translated_connection_is_created_as_it_is_listed(string source, string destination, string egress, byte protocol) =>
        InNamespace(socket =>
        {
            ConntrackEntry wanted = EntryOf(source, destination, egress, protocol);
            Create(socket, wanted);
            ConntrackEntry found = Assert.Single(socket.ListConnections(_ => true));
            Assert.Equal(
                (wanted.Original, wanted.Reply, wanted.Mark, wanted.TcpState), (found.Original, found.Reply, found.Mark, found.TcpState));
            Assert.Equal(
                ConntrackStatus.SeenReply | ConntrackStatus.Assured | ConntrackStatus.Confirmed | ConntrackStatus.SourceTranslated,
                found.Status & (ConntrackStatus)0x3f);
            Assert.InRange(found.Timeout.TotalSeconds, 290, 300);

            // A second machine creates what the first one lists.
            socket.DeleteConnections(_ => true);
            Create(socket, found);
            ConntrackEntry copy = Assert.Single(socket.ListConnections(_ => true));
            Assert.Equal((found.Original, found.Reply, found.Status), (copy.Original, copy.Reply, copy.Status));
            Assert.Equal(Errno.EEXIST, Assert.Throws<NetlinkException>(() => Create(socket, found)).Number);
        });

    /// <summary>Only the outside speaks: its datagram comes to the client behind the address that it knows.</summary>
    [RootFact]
    public void A_created_connection_translates_answers() => InNamespace(socket =>
    {
        using Socket client = Bound("127.0.0.3", 5000);
        using Socket server = Bound("127.0.0.1", 53);
        Create(socket, EntryOf("127.0.0.3", "127.0.0.1", "127.0.0.9", 17) with
        {
            Original = new ConntrackTuple(IPAddress.Parse("127.0.0.3"), IPAddress.Parse("127.0.0.1"), 17, 5000, 53),
            Reply = new ConntrackTuple(IPAddress.Parse("127.0.0.1"), IPAddress.Parse("127.0.0.9"), 17, 53, 5001),
        });
        server.SendTo([7], new IPEndPoint(IPAddress.Parse("127.0.0.9"), 5001));
        byte[] received = new byte[1];
        EndPoint source = new IPEndPoint(IPAddress.Any, 0);
        Assert.Equal(1, client.ReceiveFrom(received, ref source));
        Assert.Equal((7, "127.0.0.1:53"), (received[0], source.ToString()));
    });

    [RootFact]
    public void The_kernel_selects_connections_by_address_and_mark() => InNamespace(socket =>
    {
        ConntrackEntry[] entries =
        [
            EntryOf("10.244.1.2", "192.0.2.7", "192.0.2.100", 17),
            EntryOf("10.244.1.2", "192.0.2.8", "192.0.2.100", 17) with { Mark = 0x20_0000 },
            EntryOf("10.244.1.3", "192.0.2.7", "192.0.2.101", 17),
            EntryOf("fd00:244::2", "fd00:51::7", "fd00:2::100", 17),
        ];
        Array.ForEach(entries, entry => Create(socket, entry));
        int Count(ConnectionFilter filter) => socket.ListConnections(_ => true, filter: filter).Count;
        Assert.Equal(2, Count(new ConnectionFilter { Source = IPAddress.Parse("10.244.1.2") }));
        Assert.Equal(1, Count(new ConnectionFilter { Source = IPAddress.Parse("fd00:244::2") }));
        Assert.Equal(0, Count(new ConnectionFilter { Source = IPAddress.Parse("192.0.2.7") }));
        Assert.Equal(0, Count(new ConnectionFilter { Source = IPAddress.Parse("fd00:51::7") }));
        Assert.Equal(1, Count(new ConnectionFilter { TranslatedSource = IPAddress.Parse("192.0.2.101") }));
        Assert.Equal(1, Count(new ConnectionFilter { TranslatedSource = IPAddress.Parse("fd00:2::100") }));
        Assert.Equal(3, Count(new ConnectionFilter { Mark = Mark, Mask = Mask }));
        var unwanted = new ConnectionFilter { Source = IPAddress.Parse("10.244.1.2"), Mark = Mark, Mask = Mask };
        Assert.Equal(entries[0].Original, Assert.Single(socket.ListConnections(_ => true, filter: unwanted)).Original);

        socket.DeleteConnections(_ => true, unwanted);
        Assert.Equal(
            entries[1..].Select(entry => $"{entry.Original}").Order(),
            socket.ListConnections(_ => true).Select(entry => $"{entry.Original}").Order());
    });

    [RootFact]
    public void Beginning_and_end_are_heard_of() => InNamespace(socket =>
    {
        File.WriteAllText("/proc/sys/net/netfilter/nf_conntrack_acct", "1");
        using ChangeMonitor<ConnectionChange> monitor = ConnectionChange.OpenMonitor();
        using Socket client = Bound("127.0.0.3", 5000);
        using Socket server = Bound("127.0.0.1", 53);
        client.SendTo([1, 2], server.LocalEndPoint!);
        server.Receive(new byte[2]);
        server.SendTo([3], client.LocalEndPoint!);
        client.Receive(new byte[1]);
        socket.DeleteConnections(_ => true);

        var heard = new List<ConnectionChange>();
        Eventually.IsTrue(
            () =>
            {
                HeardChanges<ConnectionChange> more = monitor.Wait(TimeSpan.FromMilliseconds(100));
                Assert.False(more.WereLost);
                heard.AddRange(more.Changes.Where(change => change.Connection.Original.SourcePort == 5000));
                return heard.Any(change => change.Event == ConnectionEvent.Ended);
            },
            () => string.Join('\n', heard));
        Assert.Equal(ConnectionEvent.New, heard[0].Event);
        Assert.Equal(
            new ConntrackTuple(IPAddress.Parse("127.0.0.3"), IPAddress.Parse("127.0.0.1"), 17, 5000, 53), heard[0].Connection.Original);
        Assert.Equal(
            (new Counted(1, 30), new Counted(1, 29)), (heard[^1].Connection.OriginalCounted, heard[^1].Connection.ReplyCounted));
    });

    private static void InNamespace(Action<NetlinkSocket> test) => NetNamespace.RunInNew(() =>
    {
        Command.Must("ip", ["link", "set", "lo", "up"]);
        using NetlinkSocket socket = NetlinkSocket.OpenNetFilter();
        socket.CreateTable(_table);
        test(socket);
    });

    private static ConntrackEntry EntryOf(string source, string destination, string egress, byte protocol) => new(
        new ConntrackTuple(IPAddress.Parse(source), IPAddress.Parse(destination), protocol, 40001, 443),
        new ConntrackTuple(IPAddress.Parse(destination), IPAddress.Parse(egress), protocol, 443, 40001),
        Mark)
    {
        Status = ConntrackStatus.SeenReply | ConntrackStatus.Assured,
        Timeout = TimeSpan.FromSeconds(300),
        TcpState = protocol == 6 ? (byte)3 : null,
    };

    private static void Create(NetlinkSocket socket, ConntrackEntry connection)
    {
        var batch = new RequestBatch();
        batch.CreateConnection(connection, connection);
        socket.Execute(batch);
    }

    private static Socket Bound(string address, int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 2000 };
        socket.Bind(new IPEndPoint(IPAddress.Parse(address), port));
        return socket;
    }
}
