using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using EgressOperator.Heartbeats;
using Prometheus;
using Serilog.Core;
using Shared;

namespace EgressOperator.Tests.Heartbeats;

/// <summary>Services in this process, over real sockets on the loopback link.</summary>
public sealed class HeartbeatServiceTests : IDisposable
{
    /// <summary>Seconds; a machine with more work than processors pauses the services again and again.</summary>
    private const int Patience = 30;

    private static readonly byte[] _key = [.. Enumerable.Range(0, 16).Select(i => (byte)i)];

    private readonly List<Running> _services = [];
    private readonly int _port = FreePort();

    public void Dispose() => _services.ForEach(one => one.Service.Dispose());

    [Fact]
    public void All_hear_each_other_and_know_their_holdings()
    {
        Running[] nodes = Start(_key, "egress-a", "egress-b", "pod-c");
        nodes[0].Service.SetHoldings(
            [new HeldAddress(IPAddress.Parse("192.0.2.1")), new HeldAddress(IPAddress.Parse("2001:db8::1"), "egress-b")]);
        foreach (Running node in nodes[1..])
        {
            Eventually.IsTrue(() => node.Service.Current.HoldingsOf("egress-a").Length == 2, "the holdings did not arrive", Patience);
            Assert.Equal(new Holder("egress-a", null), node.Service.Current.HolderOf(IPAddress.Parse("192.0.2.1")));
            Assert.Equal(new Holder("egress-a", "egress-b"), node.Service.Current.HolderOf(IPAddress.Parse("2001:db8::1")));
        }

        Eventually.IsTrue(() => AreWell(nodes), "they do not hear each other", Patience);
        Assert.Contains("egress_operator_heartbeat_messages_received_total", nodes[0].Metrics(), StringComparison.Ordinal);
    }

    /// <summary>The median goes to the figures. The limit, for the fastest, is twice what the times add up to.</summary>
    [Fact]
    public void Who_falls_silent_is_dead_within_a_second()
    {
        HeartbeatTiming timing = HeartbeatTiming.Default;
        TimeSpan expected = timing.MissingAfter + timing.Grace + timing.Tick;
        List<double> took = [];
        for (int run = 0; run < 3; run++)
        {
            Running[] nodes = Start(null, "egress-a", "egress-b", "pod-c");
            long begin = Stopwatch.GetTimestamp();
            Eventually.IsTrue(
                () => AreWell(nodes) && Stopwatch.GetElapsedTime(begin) > timing.Probation, "they do not hear each other", Patience);
            nodes[1].Service.Dispose();
            long start = Stopwatch.GetTimestamp();
            Eventually.IsTrue(() => nodes[0].Service.Current.Dead.Contains("egress-b"), "egress-b is not dead", Patience);
            took.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            Eventually.IsTrue(() => nodes[2].Service.Current.Missing.Contains("egress-b"), "pod-c does not miss egress-b", Patience);
            Dispose();
            _services.Clear();
        }

        took.Sort();
        Figures.Note($"heartbeats: dead {took[1]:0} ms after silence (median of 3)");
        Assert.True(took[0] < 2 * expected.TotalMilliseconds, $"it took {string.Join(", ", took)} ms");
    }

    [Fact]
    public void Who_is_alone_is_isolated_and_tells_each_change_once()
    {
        Running[] nodes = Start(null, "egress-a", "egress-b", "pod-c");
        Eventually.IsTrue(() => nodes[0].Service.Current.MayTake, "no majority hears egress-a", Patience);
        nodes[1].Service.Dispose();
        nodes[2].Service.Dispose();
        Eventually.IsTrue(() => nodes[0].Service.Current.IsIsolated, "egress-a is not isolated", Patience);
        Assert.False(nodes[0].Service.Current.MayTake);
        Assert.Empty(nodes[0].Service.Current.Dead);
        HeartbeatView[] told = nodes[0].Told();
        Assert.True(told.Length >= 3);
        var states = told.Select(view => (view.Missing, view.Dead, view.IsIsolated, view.MayTake)).ToList();
        Assert.DoesNotContain(states.Zip(states.Skip(1)), pair => pair.First == pair.Second);
    }

    [Fact]
    public void A_wrong_key_is_silence_and_counted()
    {
        Running[] nodes = Start(_key, "egress-a", "egress-b", "pod-c");
        Start([.. _key.Reverse()], nodes[0].Peers, "egress-d");
        Eventually.IsTrue(() => nodes[0].Service.Current.Missing.SetEquals(["egress-d"]), "a wrong key was heard", Patience);
        Assert.True(nodes[0].Dropped("wrong_mac") > 0);
        Assert.Equal(0, nodes[0].Dropped("malformed"));
    }

    [Fact]
    public void Strangers_and_garbage_are_counted_and_a_flood_does_not_stop_the_beats()
    {
        Running[] nodes = Start(null, "egress-a", "egress-b", "pod-c");
        Eventually.IsTrue(() => nodes[0].Service.Current.MayTake, "no majority hears egress-a", Patience);
        var target = new IPEndPoint(nodes[0].Address, _port);
        using var stranger = new UdpClient(new IPEndPoint(IPAddress.Parse("127.0.21.99"), 0));
        using var neighbor = new UdpClient(new IPEndPoint(nodes[1].Address, 0));
        void Drops(string reason, byte[] datagram) => Eventually.IsTrue(
            () => neighbor.Send(datagram, target) > 0 && nodes[0].Dropped(reason) > 0, $"nothing is {reason}", Patience);
        Drops("oversized", new byte[MessageFormat.MaxLength + 1]);
        Drops("unknown_sender", """{"kind":"beat","node":"egress-z","incarnation":1,"sequence":1,"missing":[]}"""u8.ToArray());
        Drops("old_incarnation", """{"kind":"beat","node":"egress-b","incarnation":1,"sequence":1,"missing":[]}"""u8.ToArray());
        neighbor.Send(new byte[9000], target);
        neighbor.Send([], target);

        int sent = 0;
        bool ends = false;
        var flood = new Thread(() =>
        {
            for (var datagram = new byte[300]; !Volatile.Read(ref ends); sent += 2)
            {
                stranger.Send(datagram, target);
                neighbor.Send(datagram, target);

                // About 40,000 a second: more than the nodes of any cluster send, less than what a processor can send.
                Thread.SpinWait(sent % 8 == 0 ? 2_000 : 0);
            }
        });
        flood.Start();
        long begin = Stopwatch.GetTimestamp();
        bool areWell = Eventually.Becomes(
            () => Stopwatch.GetElapsedTime(begin) > 2 * HeartbeatTiming.Default.MissingAfter && AreWell(nodes), Patience);
        Volatile.Write(ref ends, true);
        Assert.True(flood.Join(TimeSpan.FromSeconds(Patience)));
        Assert.True(areWell, "they do not hear each other");
        Assert.InRange(nodes[0].Dropped("wrong_source"), 1, sent);
        Assert.InRange(nodes[0].Dropped("malformed"), 1, sent);
    }

    [Fact]
    public void The_thread_pool_may_be_busy()
    {
        Running[] nodes = Start(null, "egress-a", "egress-b", "pod-c");
        Eventually.IsTrue(() => nodes[0].Service.Current.MayTake, "no majority hears egress-a", Patience);
        using var release = new ManualResetEventSlim();
        using var ended = new CountdownEvent(200);
        for (int work = 0; work < ended.InitialCount; work++)
        {
            ThreadPool.QueueUserWorkItem(_ =>
            {
                release.Wait(TimeSpan.FromSeconds(2 * Patience));
                ended.Signal();
            });
        }

        long begin = Stopwatch.GetTimestamp();
        bool areWell = Eventually.Becomes(
            () => Stopwatch.GetElapsedTime(begin) > 2 * HeartbeatTiming.Default.MissingAfter && AreWell(nodes), Patience);
        release.Set();
        Assert.True(ended.Wait(TimeSpan.FromSeconds(2 * Patience)));
        Assert.True(areWell, "they do not hear each other");
    }

    private static bool AreWell(Running[] nodes) => nodes.All(
        node => node.Service.Current.Missing.IsEmpty && (node.Service.Current.MayTake || node == nodes[^1]));

    private static int FreePort()
    {
        using var socket = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.Client.LocalEndPoint!).Port;
    }

    private Running[] Start(byte[]? key, params string[] names)
    {
        PeerNode[] peers = [.. names.Select((name, index) => Node(name, index + 1))];
        return [.. peers.Select(peer => Start(key, peers, peer))];
    }

    private void Start(byte[]? key, PeerNode[] peers, string name)
    {
        PeerNode added = Node(name, peers.Length + 1);
        PeerNode[] all = [.. peers, added];
        _services.ForEach(one => one.Service.SetPeers(all));
        Start(key, all, added);
    }

    private Running Start(byte[]? key, PeerNode[] peers, PeerNode self)
    {
        var running = new Running(self.Addresses[0], peers, new HeartbeatOptions(self.Name) { Port = _port, Key = key });
        _services.Add(running);
        return running;
    }

    private static PeerNode Node(string name, int number) => new(
        name, [IPAddress.Parse($"127.0.21.{number}")], name.StartsWith("egress", StringComparison.Ordinal), IsVoter: true);

    /// <summary>A service, with what it has told.</summary>
    private sealed class Running
    {
        private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
        private readonly List<HeartbeatView> _told = [];

        public Running(IPAddress address, PeerNode[] peers, HeartbeatOptions options)
        {
            Address = address;
            Peers = peers;
            Service = new HeartbeatService(options, new HeartbeatMetrics(_registry), Logger.None);
            Service.Changed += view =>
            {
                lock (_told)
                {
                    _told.Add(view);
                }
            };
            Service.SetPeers(peers);
            Service.Start();
        }

        public IPAddress Address { get; }

        public PeerNode[] Peers { get; }

        public HeartbeatService Service { get; }

        public HeartbeatView[] Told()
        {
            lock (_told)
            {
                return [.. _told];
            }
        }

        public string Metrics()
        {
            using var text = new MemoryStream();
            _registry.CollectAndExportAsTextAsync(text).GetAwaiter().GetResult();
            return System.Text.Encoding.UTF8.GetString(text.ToArray());
        }

        public int Dropped(string reason)
        {
            string line = Metrics().Split('\n').Single(one => one.Contains($"{{reason=\"{reason}\"}}", StringComparison.Ordinal));
            return int.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        }
    }
}
