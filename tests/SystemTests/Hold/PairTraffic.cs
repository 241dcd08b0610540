using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Shared;
using SystemTests.EgressIp.Traffic;

namespace SystemTests.Hold;

/// <summary>
/// Clients of a pair: of the Service, whose translation follows the EndpointSlices as with kube-proxy, and a host of the egress network
/// that asks for the shared addresses. Both by both families.
/// </summary>
internal sealed class PairTraffic : IDisposable
{
    private const int ServicePort = 5432;

    private static readonly string[] _services = ["10.96.0.10", "fd00:96::10"];

    private readonly PairLab _lab;

    private readonly List<IDisposable> _parts = [];

    private string _rules = "";

    public PairTraffic(PairLab lab, string[] shared)
    {
        _lab = lab;
        string host = lab.Network.Host;
        Sources = new SourceWatch(host, shared);
        _parts.AddRange([Sources, Serve(host, PairNetwork.Host4), Serve(host, PairNetwork.Host6)]);
        Translate();
        _parts.Add(new Repeating(Translate));
        // A port that was in use while nobody answered, and is used again, is led to the old endpoint as long as conntrack remembers it.
        Lab.WriteSysctl(lab.Network.Client, "net/netfilter/nf_conntrack_tcp_timeout_syn_sent", "1");
        Service = [.. _services.Select(address => new SteadyClient(lab.Network.Client, address, ServicePort, SocketError.Success))];
        Hosts = [.. shared.Select(address => new SteadyClient(host, address, port: 9, SocketError.ConnectionRefused))];
        _parts.InsertRange(0, All);
        UntilAllWork();
    }

    public SteadyClient[] Service { get; }

    public SteadyClient[] Hosts { get; }

    public IEnumerable<SteadyClient> All => [.. Service, .. Hosts];

    public SourceWatch Sources { get; }

    /// <summary>Waits until a second's connections have worked, of those that begin from now on.</summary>
    public void UntilAllWork()
    {
        long now = Stopwatch.GetTimestamp();
        Eventually.IsTrue(
            () => All.All(client => client.StreakSince(now) >= 50),
            () => $"connections fail: {string.Join(", ", All.Select(client => client.StreakSince(now)))} have worked\n"
                + $"{_rules}\n{_lab.Logs()}",
            10);
    }

    public void Dispose() => _parts.ForEach(part => part.Dispose());

    private static Socket Serve(string host, string address)
    {
        var end = new IPEndPoint(IPAddress.Parse(address), PairNetwork.HostPort);
        Socket listener = NamespaceSocket.Open(host, end.AddressFamily, Transport.Tcp);
        listener.Bind(end);
        listener.Listen(4096);
        _ = Task.Run(() => AcceptAsync(listener));
        return listener;
    }

    private static async Task AcceptAsync(Socket listener)
    {
        try
        {
            while (true)
            {
                _ = EndAsync(await listener.AcceptAsync());
            }
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
        {
            // The test has ended.
        }
    }

    /// <summary>
    /// Ends a connection that its client may have ended while nobody led its packets here. Else a client that gets its port again does
    /// not come through.
    /// </summary>
    private static async Task EndAsync(Socket connection)
    {
        await Task.Delay(TimeSpan.FromSeconds(1));
        connection.LingerState = new LingerOption(true, 0);
        connection.Dispose();
    }

    private void Translate()
    {
        Thread.Sleep(TimeSpan.FromMilliseconds(5));
        string rules = string.Concat(((string[])["ip", "ip6"]).Select((family, index) => Rules(family, _services[index])));
        if (rules != _rules)
        {
            Lab.In(_lab.Network.Client, "nft", rules);
            _rules = rules;
        }
    }

    private string Rules(string family, string service)
    {
        JsonObject? slice = _lab.Server.Get("endpointslices.discovery.k8s.io", family == "ip" ? "er-ipv4" : "er-ipv6", "default");
        string? address = (string?)slice?["endpoints"]?[0]?["addresses"]?[0];
        string translation = address is null ? "reject"
            : $"dnat to {(family == "ip" ? address : $"[{address}]")}:{slice!["ports"]![0]!["port"]}";
        return $$"""
            table {{family}} service {
            }
            delete table {{family}} service
            table {{family}} service {
                chain output {
                    type nat hook output priority -100
                    {{family}} daddr {{service}} tcp dport {{ServicePort}} {{translation}}
                }
            }

            """;
    }
}
