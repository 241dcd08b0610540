using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using EgressRouter.Tools.Audit;
using Netlink;
using Netlink.NetFilter;
using Shared;
using SystemTests.EgressIp.Traffic;

namespace SystemTests.Tools;

/// <summary><c>egress-routerctl audit</c> in the pod of a router: what its lines say of real connections.</summary>
public sealed class AuditTests : IDisposable
{
    private const int ClientPort = 45231;

    /// <summary>What the client sends and receives, counted by its own kernel.</summary>
    private const string Counters = """
        table inet count {
            counter sent { }
            counter received { }
            chain output {
                type filter hook output priority 0;
                th sport 45231 counter name sent
            }
            chain input {
                type filter hook input priority 0;
                th dport 45231 counter name received
            }
        }
        """;

    private readonly Lab _lab = new();

    private readonly string _folder = Directory.CreateTempSubdirectory("er-audit-").FullName;

    private BackgroundProcess? _audit;

    private string Log => Path.Combine(_folder, "audit.json");

    public void Dispose()
    {
        _audit?.Dispose();
        _lab.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [RootTheory]
    [InlineData(Transport.Tcp, Lab.PodAddress, "192.168.12.91", 80, "192.168.12.99", "10.129.2.1")]
    [InlineData(Transport.Tcp, Lab.PodAddress6, "2001:db8:12::91", 80, "2001:db8:12::99", "fd00:10:129::1")]
    [InlineData(Transport.Udp, Lab.PodAddress, "192.168.12.92", 53, "192.168.12.99", "10.129.2.1")]
    [InlineData(Transport.Udp, Lab.PodAddress6, "2001:db8:12::92", 53, "2001:db8:12::99", "fd00:10:129::1")]
    public void A_line_says_exactly_who_has_sent_what(
        Transport transport, string pod, string server, int port, string egress, string client)
    {
        _lab.Add(Config.DualStack);
        Lab.In(_lab.Client, "nft", Counters);
        DateTimeOffset before = DateTimeOffset.UtcNow.AddMilliseconds(-1);
        Start("--lines", "both");
        Talk(transport, pod, server, port);
        EndAll();
        JsonNode end = UntilLine("end");
        JsonNode start = UntilLine("start");
        string protocol = transport == Transport.Tcp ? "tcp" : "udp";
        foreach (JsonNode line in (JsonNode[])[start, end])
        {
            Assert.Equal(
                $"db router-0 {protocol} {client} {ClientPort} {pod} {port} {server} {port} {egress} {ClientPort}",
                Values(line, "namespace", "pod", "protocol", "client", "clientPort", "destination", "destinationPort", "server", "serverPort",
                    "egressIP", "egressPort"));
        }

        Assert.Equal(
            $"{Counted("sent")} {Counted("received")}",
            Values(end, "sentPackets", "sentBytes", "receivedPackets", "receivedBytes"));
        DateTimeOffset[] times = [before, TimeOf(end, "start"), TimeOf(start, "time"), TimeOf(end, "time"), DateTimeOffset.UtcNow];
        Assert.Equal(times[0], times.Min());
        Assert.Equal(times[^1], times.Max());
        Assert.InRange(TimeOf(start, "time") - TimeOf(end, "start"), TimeSpan.Zero, TimeSpan.FromSeconds(1));
        if (transport == Transport.Udp)
        {
            // Three datagrams of a hundred bytes, each with the headers of UDP and IP.
            Assert.Equal(("3", $"{3 * (128 + (pod.Contains(':', StringComparison.Ordinal) ? 20 : 0))}"),
                (Values(end, "sentPackets"), Values(end, "sentBytes")));
        }
    }

    /// <summary>A server of the pod, and what the pod itself asks by the cluster network, are no affair of an egress address.</summary>
    [RootFact]
    public void Only_connections_with_an_egress_address_have_lines()
    {
        _lab.Add(Config.With("80 tcp 192.168.12.91"));
        _lab.ServeIn(_lab.Pod, Protocol.Udp, Lab.PodAddress, 7000);
        _lab.ServeIn(_lab.Client, Protocol.Udp, "10.129.2.1", 7001);
        _lab.Serve(Protocol.Udp, "192.168.12.91", 7002);
        _lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        Start();
        Assert.NotNull(_lab.Connect(Protocol.Udp, 7000));
        Assert.NotNull(Lab.Ask(_lab.Pod, Protocol.Udp, "10.129.2.1", 7001));
        Assert.Equal("192.168.12.99", Lab.Ask(_lab.Pod, Protocol.Udp, "192.168.12.91", 7002)?.Source);
        Assert.NotNull(_lab.Connect(Protocol.Tcp, 80));
        EndAll();
        Eventually.IsTrue(() => Lines("end").Length >= 2, () => File.ReadAllText(Log), 10);
        _audit!.End();
        Assert.Equal(
            ["10.129.2.1 192.168.12.91 80 192.168.12.99", "192.168.12.99 192.168.12.91 7002 192.168.12.99"],
            Lines("end").Select(line => Values(line, "client", "server", "serverPort", "egressIP")).Order());
    }

    /// <summary>An address that repair adds has lines too, and the ends of connections of one that it removes.</summary>
    [RootFact]
    public void Addresses_that_change_have_lines()
    {
        _lab.Add(Config.With("80 tcp 192.168.12.91"));
        _lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        Start();
        Assert.NotNull(_lab.Connect(Protocol.Tcp, 80));
        string other = Config.With("80 tcp 192.168.12.91").Replace("192.168.12.99/24", "192.168.12.98/24", StringComparison.Ordinal);
        CommandResult repair = Tool.OnPod(_lab, other, "repair");
        Assert.True(repair.ExitCode == 0, repair.ToString());
        Eventually.IsTrue(() => Lines("end").Length == 1, () => File.ReadAllText(Log), 10);
        Assert.NotNull(_lab.Connect(Protocol.Tcp, 80));
        EndAll();
        Eventually.IsTrue(() => Lines("end").Length == 2, () => File.ReadAllText(Log), 10);
        Assert.Equal(["192.168.12.99", "192.168.12.98"], Lines("end").Select(line => Values(line, "egressIP")));
    }

    /// <summary>
    /// A receive buffer of a few events: what the kernel does not deliver is counted, one by one. Of the usual one, all that it holds has
    /// lines when the log ends.
    /// </summary>
    [RootTheory]
    [InlineData(16 * 1024, 500, 5, 250)]
    [InlineData(ConnectionChange.LogReceiveBuffer, 6000, 6000, 6000)]
    public void Each_event_has_a_line_or_is_counted_as_lost(int receiveBuffer, int connections, int fewest, int most)
    {
        _lab.Add(Config.DualStack);
        using NetNamespace pod = NetNamespace.Open(Lab.PathOf(_lab.Pod));
        using ChangeMonitor<ConnectionChange> monitor = pod.Run(
            () => ConnectionChange.OpenLog((_, _) => true, withStarts: false, receiveBuffer));
        for (int port = 0; port < connections; port++)
        {
            using Socket socket = NamespaceSocket.Open(_lab.Client, AddressFamily.InterNetwork, Transport.Udp);
            socket.Bind(new IPEndPoint(IPAddress.Any, 20_000 + port));
            socket.SendTo([1], new IPEndPoint(IPAddress.Parse(Lab.PodAddress), 53));
        }

        EndAll();
        var text = new StringBuilder();
        var log = new AuditLog(lines => text.Append(Encoding.UTF8.GetString(lines)), 10_000, null, TimeProvider.System);
        new AuditTrail(monitor, log, change => AuditRecord.Of(change, DateTimeOffset.UtcNow, null, null)).Run(_ => true, _ => { });
        JsonNode[] written = [.. text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
        int ends = written.Count(line => (string)line["event"]! == "end");
        int lost = written.Where(line => (string)line["event"]! == "lost").Sum(line => (int)line["count"]!);
        Assert.InRange(ends, fewest, most);
        Assert.Equal(connections, ends + lost);
        Assert.All(written.Where(line => (string)line["event"]! == "lost"), line => Assert.Equal("kernel", (string)line["reason"]!));
    }

    private void Start(params string[] options)
    {
        _audit = new BackgroundProcess(
            _lab.Pod, "/usr/bin/env", ["POD_NAMESPACE=db", "POD_NAME=router-0", Lab.Ctl, "audit", "--file", Log, .. options]);
        _audit.WaitUntil(() => File.Exists(Log) && Lines("on").Length == 1);
    }

    /// <summary>Three times a hundred bytes from the client, and fifty as the answer.</summary>
    private void Talk(Transport transport, string pod, string server, int port)
    {
        var (there, via) = (new IPEndPoint(IPAddress.Parse(server), port), new IPEndPoint(IPAddress.Parse(pod), port));
        using Socket listener = NamespaceSocket.Open(_lab.Lan, there.AddressFamily, transport);
        using Socket client = NamespaceSocket.Open(_lab.Client, there.AddressFamily, transport);
        (listener.ReceiveTimeout, client.ReceiveTimeout) = (5000, 5000);
        listener.Bind(there);
        client.Bind(new IPEndPoint(there.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, ClientPort));
        if (transport == Transport.Tcp)
        {
            listener.Listen();
        }

        client.Connect(via);
        using Socket other = transport == Transport.Tcp ? listener.Accept() : listener;
        for (int times = 0; times < 3; times++)
        {
            client.Send(new byte[100]);
            EndPoint from = new IPEndPoint(there.Address, 0);
            Assert.Equal(100, other.ReceiveFrom(new byte[512], ref from));
            _ = transport == Transport.Tcp ? other.Send(new byte[50]) : other.SendTo(new byte[50], from);
            Assert.Equal(50, client.Receive(new byte[512]));
        }
    }

    /// <summary>Ends the connections for the pod's kernel, when all their packets have passed.</summary>
    private void EndAll()
    {
        // enum tcp_conntrack: 7 is TIME_WAIT, 8 CLOSE.
        using NetNamespace pod = NetNamespace.Open(Lab.PathOf(_lab.Pod));
        using NetlinkSocket socket = pod.Run(() => NetlinkSocket.OpenNetFilter());
        Eventually.IsTrue(
            () => socket.ListConnections(connection => connection.TcpState is < 7).Count == 0, "connections stay open", 10);
        socket.DeleteConnections(_ => true);
    }

    private JsonNode UntilLine(string happened)
    {
        Eventually.IsTrue(() => Lines(happened).Length > 0, () => $"no {happened}: {File.ReadAllText(Log)}", 10);
        return Assert.Single(Lines(happened));
    }

    private JsonNode[] Lines(string happened) => [.. File.ReadAllText(Log).Split('\n').SkipLast(1).Select(line => JsonNode.Parse(line)!)
        .Where(line => (string)line["event"]! == happened)];

    private static string Values(JsonNode line, params string[] names) => string.Join(' ', names.Select(name => line[name]?.ToString()));

    private static DateTimeOffset TimeOf(JsonNode line, string name) =>
        DateTimeOffset.Parse((string)line[name]!, CultureInfo.InvariantCulture);

    private string Counted(string counter)
    {
        JsonNode found = JsonNode.Parse(Lab.In(_lab.Client, "nft", "-j", "list", "counter", "inet", "count", counter))!
            ["nftables"]![1]!["counter"]!;
        return $"{found["packets"]} {found["bytes"]}";
    }
}
