using System.Text.Json.Nodes;

namespace SystemTests.Hold;

/// <summary>
/// Two router pods, each on a node of its own, whose attachments the plugin makes. A third network is the gateway of the egress network
/// and has the bridges of both networks:
/// <code>
///         pod a ── net1 ── node a ─┬─ egress (192.0.2.1, fd00:2::1) ─┬─ node b ── net1 ── pod b
///           └─ eth0 ───────────────┼──────────── cluster ────────────┼─────────── eth0 ──┘
///                                host                             client
/// </code>
/// </summary>
internal sealed class PairNetwork : IDisposable
{
    public const string Host4 = "192.0.2.91";

    public const string Host6 = "fd00:2::91";

    /// <summary>The port of the pods, and that of the host to which they lead.</summary>
    public const int PodPort = 5433;

    public const int HostPort = 8000;

    private static readonly string[] _ports = ["e0", "e1"];

    private static int _count;

    private readonly string _suffix = $"{Environment.ProcessId}-h{Interlocked.Increment(ref _count)}";

    private readonly string _attachment;

    private readonly bool _isRouted;

    /// <summary>Makes it.</summary>
    /// <param name="shared">The shared addresses, with prefix lengths.</param>
    /// <param name="isRouted">Whether the pods have a default route in the cluster network, and no other.</param>
    public PairNetwork(string[] shared, bool isRouted = false)
    {
        (_attachment, _isRouted) = (AttachmentOf(shared), isRouted);
        try
        {
            Make();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>A host of the egress network.</summary>
    public string Host => $"er-host-{_suffix}";

    /// <summary>A client in the cluster network.</summary>
    public string Client => $"er-client-{_suffix}";

    /// <summary>The hardware address of the gateway.</summary>
    public string GatewayMac => MacOf(Lan, "egress");

    /// <summary>The gateway of both networks, with their bridges.</summary>
    public string Lan => $"er-lan-{_suffix}";

    public static string ClusterAddress(int pod, bool isIPv6 = false) => isIPv6 ? $"fd00:244::{pod + 1}" : $"10.244.9.{pod + 1}";

    /// <summary>The namespace of a pod.</summary>
    public string PodOf(int pod) => $"er-{(pod == 0 ? "a" : "b")}-{_suffix}";

    /// <summary>The hardware address of a pod in the egress network.</summary>
    public string MacOf(int pod) => MacOf(PodOf(pod), "net1");

    /// <summary>Takes the carrier of a node's link, or gives it back.</summary>
    public void SetCarrier(int pod, bool isUp) => Lab.Batch(Lan, $"link set e{pod} {(isUp ? "up" : "down")}");

    /// <summary>Cuts a node from the egress network without a sign, or heals it.</summary>
    public void SetSilent(int pod, bool isCut) => Lab.Batch(Lan, $"link set e{pod} {(isCut ? "nomaster" : "master egress")}");

    /// <summary>Takes the carrier of both nodes' links at once, or gives it back.</summary>
    public void SetCarriers(bool areUp) =>
        Lab.Batch(Lan, string.Join('\n', _ports.Select(port => $"link set {port} {(areUp ? "up" : "down")}")));

    /// <summary>Cuts both nodes from the egress network at once, without a sign, or heals it.</summary>
    public void SetSilents(bool areCut) =>
        Lab.Batch(Lan, string.Join('\n', _ports.Select(port => $"link set {port} {(areCut ? "nomaster" : "master egress")}")));

    /// <summary>Cuts a node and the host from the rest of the egress network, as between two switches, or heals it.</summary>
    public void SetSwitches(int pod, bool areCut)
    {
        string bridge = areCut ? "far" : "egress";
        Lab.Batch(Lan, $"link set e{pod} master {bridge}\nlink set host master {bridge}");
    }

    /// <summary>Cuts a node from both networks without a sign, or heals it.</summary>
    public void SetLost(int pod, bool isLost) => Lab.Batch(Lan, isLost
        ? $"link set e{pod} nomaster\nlink set c{pod} nomaster" : $"link set c{pod} master cluster\nlink set e{pod} master egress");

    /// <summary>Cuts the pods from each other, and from nothing else, on both networks, or heals that.</summary>
    public void SetPeers(bool areCut) => Lab.Batch(Lan, string.Join(
        '\n',
        ((string[])["c0", "c1", "e0", "e1"]).Select(port => $"link set {port} type bridge_slave isolated {(areCut ? "on" : "off")}")));

    public void AddToGateway(string address) => Lab.In(Lan, "ip", "address", "add", address, "dev", "egress");

    public void RemoveFromGateway(string address) => Lab.In(Lan, "ip", "address", "delete", address, "dev", "egress");

    /// <summary>Takes the links of a pod, as with the deletion of its namespace.</summary>
    public void RemovePod(int pod) => Lab.Batch(PodOf(pod), "link delete net1\nlink delete eth0");

    /// <summary>Gives a pod its links.</summary>
    public void AddPod(int pod)
    {
        Lab.Batch(Lan, $"""
            link add c{pod} type veth peer name eth0 address 02:00:00:00:09:0{pod + 1} netns {PodOf(pod)}
            link set c{pod} master cluster up
            """);
        Lab.Batch(PodOf(pod), $"""
            link set lo up
            address add {ClusterAddress(pod)}/{(_isRouted ? 32 : 24)} dev eth0
            address add {ClusterAddress(pod, isIPv6: true)}/{(_isRouted ? 128 : 64)} dev eth0 nodad
            link set eth0 up
            route add default via 10.244.9.254 dev eth0 onlink
            route add default via fd00:244::ff dev eth0 onlink
            """);
        // What a namespace that is gone would not have.
        Lab.RunFor(NodeOf(pod), PodOf(pod), "DEL", _attachment).AssertSilentSuccess();
        CommandResult added = Lab.RunFor(NodeOf(pod), PodOf(pod), "ADD", _attachment);
        Assert.True(added.ExitCode == 0, $"ADD: {added}");
    }

    public void Dispose()
    {
        foreach (string space in Spaces())
        {
            _ = Command.Run("ip", ["netns", "delete", space]);
        }
    }

    private static string AttachmentOf(string[] shared)
    {
        string[] hosts = [.. ((string[])[Host4, Host6]).Where(host => shared.Any(one => one.Contains(':') == host.Contains(':')))];
        return new JsonObject
        {
            ["cniVersion"] = "1.0.0",
            ["type"] = "egress-router",
            ["name"] = "pair",
            ["interfaceArgs"] = new JsonObject { ["master"] = "lan0" },
            // Hosts may ask: the kernel of the holder refuses them.
            ["inbound"] = "allow",
            ["ip"] = new JsonObject
            {
                ["highAvailability"] = true,
                ["addresses"] = new JsonArray([.. shared.Select(one => (JsonNode)one)]),
                ["destinations"] = new JsonArray([.. hosts.Select(host => (JsonNode)$"{PodPort} tcp {host} {HostPort}")]),
                ["gateways"] = new JsonArray([.. hosts.Select(host => (JsonNode)(host == Host4 ? "192.0.2.1" : "fd00:2::1"))]),
            },
        }.ToJsonString();
    }

    private static string MacOf(string space, string link) =>
        ((string?)JsonNode.Parse(Lab.In(space, "ip", "-j", "link", "show", link))![0]!["address"])!;

    private string NodeOf(int pod) => $"er-n{(pod == 0 ? "a" : "b")}-{_suffix}";

    private string[] Spaces() => [Lan, Host, Client, PodOf(0), PodOf(1), NodeOf(0), NodeOf(1)];

    private void Make()
    {
        foreach (string space in Spaces())
        {
            Command.Must("ip", ["netns", "add", space]);
            Lab.WriteSysctl(space, "net/ipv6/conf/all/accept_dad", "0");
            Lab.WriteSysctl(space, "net/ipv6/conf/default/accept_dad", "0");
        }

        // Else the gateway answers also on a port that is cut from its bridge.
        Lab.WriteSysctl(Lan, "net/ipv4/conf/all/arp_ignore", "1");
        Lab.Batch(Lan, $"""
            link add egress type bridge
            link add cluster type bridge
            link add far type bridge
            address add 192.0.2.1/24 dev egress
            address add fd00:2::1/64 dev egress nodad
            link set egress up
            link set cluster up
            link set far up
            link add host type veth peer name eth0 netns {Host}
            link add client type veth peer name eth0 netns {Client}
            link set host master egress up
            link set client master cluster up
            link add e0 type veth peer name lan0 netns {NodeOf(0)}
            link add e1 type veth peer name lan0 netns {NodeOf(1)}
            link set e0 master egress up
            link set e1 master egress up
            """);
        if (_isRouted)
        {
            Lab.WriteSysctl(Lan, "net/ipv4/ip_forward", "1");
            Lab.Batch(Lan, "link set lo up\naddress add 10.244.9.254/24 dev cluster");
        }

        Lab.Batch(Host, $"""
            address add {Host4}/24 dev eth0
            address add {Host6}/64 dev eth0 nodad
            link set eth0 up
            """);
        Lab.Batch(Client, """
            link set lo up
            address add 10.244.9.100/24 dev eth0
            address add fd00:244::100/64 dev eth0 nodad
            link set eth0 up
            route add 10.96.0.0/24 dev eth0
            route add fd00:96::/64 dev eth0
            """);
        foreach (int pod in (int[])[0, 1])
        {
            Lab.Batch(NodeOf(pod), "link set lan0 up");
            Lab.WaitUntilSettled((NodeOf(pod), "lan0"));
            AddPod(pod);
        }

        Lab.WaitUntilSettled((Host, "eth0"), (Client, "eth0"), (PodOf(0), "eth0"), (PodOf(1), "eth0"));
    }
}
