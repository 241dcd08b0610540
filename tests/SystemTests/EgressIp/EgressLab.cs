using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Netlink;

namespace SystemTests.EgressIp;

/// <summary>The cluster network's own source NAT, as networks make it.</summary>
public enum Masquerade
{
    IptablesNft,
    IptablesLegacy,
    Nft,
}

/// <summary>A pod of the laboratory, with the number of its node, its addresses, and its network namespace.</summary>
internal sealed record LabPod(string Name, int Node, string IPv4, string IPv6, string Namespace);

/// <summary>
/// A cluster of namespaces, removed again at the end. All nodes check sources strictly (rp_filter), and lead pods to each other by routes:
/// <code>
/// pod a1, a2 - node 1 ─┐
/// pod b1     - node 2 ─┼─ lan (br0) ── out: the servers, and the way to 198.51.100.10 and fd00:51::10
/// pod c1     - node 3 ─┘
/// </code>
/// </summary>
internal sealed partial class EgressLab : IDisposable
{
    public const int Nodes = 3;

    public const string Server4 = "198.51.100.10";

    public const string Server6 = "fd00:51::10";

    public const int Port = 7000;

    /// <summary>The networks of the pods.</summary>
    public const string Pods4 = "10.244.0.0/16", Pods6 = "fd00:244::/32";

    /// <summary>Remembers which addresses packets to the servers come from.</summary>
    private const string Watch = """
        table inet watch {
            set sources4 { type ipv4_addr; flags dynamic; size 1000; }
            set sources6 { type ipv6_addr; flags dynamic; size 1000; }
            chain prerouting {
                type filter hook prerouting priority -300;
                ip daddr 198.51.100.10 add @sources4 { ip saddr }
                ip6 daddr fd00:51::10 add @sources6 { ip6 saddr }
            }
        }
        """;

    private const string MasqueradeByNft = $$"""
        table inet cni {
            chain postrouting {
                type nat hook postrouting priority srcnat;
                ip saddr {{Pods4}} ip daddr != {{Pods4}} masquerade fully-random
                ip6 saddr {{Pods6}} ip6 daddr != {{Pods6}} masquerade fully-random
            }
        }
        """;

    private static int _count;

    private readonly string _suffix = $"{Environment.ProcessId}-e{Interlocked.Increment(ref _count)}";

    private readonly int[] _nodes;

    private readonly List<string> _namespaces;

    private readonly List<EchoServer> _servers = [];

    private readonly LabPod[] _pods;

    /// <summary>
    /// Makes the network. Without a masquerade, pods leave with their own address. With <paramref name="strictArp"/>, nodes answer only for
    /// addresses of the asked link, as kube-proxy's strictARP wants it. A <paramref name="fourth"/> node has no pods.
    /// </summary>
    public EgressLab(
        Masquerade? masquerade = Masquerade.IptablesNft, bool strictArp = false, ServiceProxy proxy = ServiceProxy.None,
            bool fourth = false)
    {
        _nodes = [.. Enumerable.Range(1, fourth ? Nodes + 1 : Nodes)];
        _pods = [NewPod("a1", 1, 2), NewPod("a2", 1, 3), NewPod("b1", 2, 2), NewPod("c1", 3, 2)];
        _namespaces = [Lan, Out, .. _nodes.Select(Node), .. _pods.Select(pod => pod.Namespace)];
        try
        {
            Command.Must("ip", ["-batch", "-"], string.Concat(_namespaces.Select(name => $"netns add {name}\n")));
            _namespaces.ForEach(name => SetSysctls(name, strictArp));
            Lab.Batch(Lan, string.Join('\n',
                ["link set lo up", "link add br0 type bridge", "link set br0 up", .. _nodes.Select(Node).Append(Out)
                .SelectMany(PortOf)]));
            Lab.Batch(Out, string.Join('\n', [.. Addresses("192.0.2.1/24", "fd00:2::1/64"), $"address add {Server4}/32 dev lo",
                $"address add {Server6}/128 dev lo nodad"]));
            Lab.In(Out, "nft", Watch);
            foreach (int node in _nodes)
            {
                AddNode(node);
                ServiceRules.Add(Node(node), proxy, Endpoint);
            }

            if (masquerade is Masquerade kind)
            {
                AddMasquerade(kind);
            }

            Array.ForEach(_pods, AddPod);
            Lab.WaitUntilSettled([.. _nodes.Select(Node).Append(Out).Concat(_pods.Select(pod => pod.Namespace))
                .Select(name => (name, "eth0"))]);
            foreach (string address in (string[])[Server4, Server6])
            {
                Serve(Protocol.Tcp, Out, address);
                Serve(Protocol.Udp, Out, address);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Lan => NameOf("lan");

    public string Out => NameOf("out");

    public IReadOnlyList<LabPod> Pods => _pods;

    public LabPod this[string pod] => _pods.Single(one => one.Name == pod);

    /// <summary>The pod to which Services lead.</summary>
    public LabPod Endpoint => this["c1"];

    public string Node(int number) => NameOf($"n{number}");

    /// <summary>More pods of node 1. They share a link and a namespace: for nodes and servers, a pod is its address.</summary>
    public LabPod[] AddPods(string name, int count)
    {
        int batch = _namespaces.Count;
        LabPod[] pods = [.. Enumerable.Range(1, count).Select(number => new LabPod(
            $"{name}-{number}", 1, $"10.244.{(batch * 8) + (number / 250)}.{number % 250}", $"fd00:244:1:{batch}::{number:x}",
            NameOf(name)))];
        _namespaces.Add(NameOf(name));
        Command.Must("ip", ["netns", "add", NameOf(name)]);
        SetSysctls(NameOf(name), strictArp: false);
        AddPod(pods[0] with { Name = name });
        Lab.Batch(Node(1), string.Join('\n', pods[1..].Select(
            pod => $"route add {pod.IPv4}/32 dev c-{name}\nroute add {pod.IPv6}/128 dev c-{name}")));
        Lab.Batch(NameOf(name), string.Join('\n', pods[1..].Select(
            pod => $"address add {pod.IPv4}/32 dev eth0\naddress add {pod.IPv6}/128 dev eth0 nodad")));
        Lab.WaitUntilSettled((NameOf(name), "eth0"));
        return pods;
    }

    /// <summary>A selected pod of a node.</summary>
    public LabPod PodOn(int node) => _pods.First(pod => pod.Node == node && pod.Name != "a2");

    /// <summary>The address of the node of a pod.</summary>
    public static string NodeOf(LabPod pod, bool isIPv6) => AddressOf(pod.Node, isIPv6);

    public static string AddressOf(int node, bool isIPv6) => isIPv6 ? Address6Of(node) : AddressOf(node);

    public static string AddressOf(int node) => $"192.0.2.1{node}";

    public static string Address6Of(int node) => $"fd00:2::1{node}";

    /// <summary>What a server answers to a pod: the source that it sees; null: no answer in time.</summary>
    public static string? Ask(LabPod pod, Protocol protocol, string server, int port = Port, double seconds = 5) =>
        EchoServer.Ask(Lab.PathOf(pod.Namespace), protocol, server, port, source: null, TimeSpan.FromSeconds(seconds))?.Source;

    public void Serve(Protocol protocol, string space, string address, int port = Port) =>
        _servers.Add(EchoServer.Start(Lab.PathOf(space), protocol, address, port));

    /// <summary>The sources of all packets that have come to the servers.</summary>
    public IReadOnlyCollection<string> SourcesSeen() => [.. ((string[])["sources4", "sources6"]).SelectMany(set =>
        (JsonNode.Parse(Lab.In(Out, "nft", "-j", "list", "set", "inet", "watch", set))!["nftables"]!.AsArray()
            .Select(item => item!["set"]?["elem"]).FirstOrDefault(elements => elements is not null)?.AsArray() ?? [])
            .Select(element => (string)element!))];

    /// <summary>Forgets the sources seen so far.</summary>
    public void ForgetSources() => Lab.In(Out, "nft", "flush set inet watch sources4; flush set inet watch sources6");

    /// <summary>Takes a node off the network: it notices nothing, its carrier stays.</summary>
    public void Cut(int node) => Lab.Batch(Lan, $"link set v-n{node} nomaster");

    public void Heal(int node) => Lab.Batch(Lan, $"link set v-n{node} master br0");

    /// <summary>The packets that a counter of a node's table has counted.</summary>
    public long Counter(int node, string name) => (long)JsonNode.Parse(
        Lab.In(Node(node), "nft", "-j", "list", "counter", "inet", "egress_ip", name))!["nftables"]![1]!["counter"]!["packets"]!;

    /// <summary>The cluster network gives packets of pods to the outside the address of the node.</summary>
    public void AddMasquerade(Masquerade masquerade)
    {
        string kind = masquerade == Masquerade.IptablesLegacy ? "-legacy" : "-nft";
        foreach (string node in _nodes.Select(Node))
        {
            if (masquerade == Masquerade.Nft)
            {
                Lab.In(node, "nft", MasqueradeByNft);
                continue;
            }

            foreach ((string iptables, string pods) in ((string, string)[])[("iptables", Pods4), ("ip6tables", Pods6)])
            {
                Lab.In(
                    node, iptables + kind, "-t", "nat", "-A", "POSTROUTING", "-s", pods, "!", "-d", pods, "-j", "MASQUERADE",
                        "--random-fully");
            }
        }
    }

    /// <summary>All rules on the nodes but those of an agent, byte for byte, without what counts packets.</summary>
    public Dictionary<string, string> ForeignRules() => _nodes.Select(Node).ToDictionary(node => node, node => Counts().Replace(
        Lab.In(node, "sh", "-c", """
            for table in $(nft list tables | sed -n 's/^table \(.*\) \(.*\)/\1:\2/p'); do
                [ $table = inet:egress_ip ] || nft list table ${table%:*} ${table#*:}
            done 2>&1
            for program in iptables ip6tables; do
                $program-nft-save 2>&1
                $program-legacy-save
            done
            """), ""));

    public void Dispose()
    {
        _servers.ForEach(server => server.Dispose());
        // Best effort: if the network could not be made, not all of it is there.
        _ = Command.Run("ip", ["-force", "-batch", "-"], string.Concat(_namespaces.Select(name => $"netns delete {name}\n")));
    }

    private string NameOf(string role) => $"er-{role}-{_suffix}";

    private LabPod NewPod(string name, int node, int host) =>
        new(name, node, $"10.244.{node}.{host}", $"fd00:244:{node}::{host}", NameOf(name));

    private void SetSysctls(string name, bool strictArp)
    {
        // Addresses are usable at once, without duplicate address detection.
        List<(string, string)> values = [("ipv6/conf/all/accept_dad", "0"), ("ipv6/conf/default/accept_dad", "0")];
        if (_nodes.Select(Node).Contains(name))
        {
            values.AddRange([("ipv4/ip_forward", "1"), ("ipv6/conf/all/forwarding", "1")]);
            foreach (string links in (string[])["all", "default"])
            {
                values.Add(($"ipv4/conf/{links}/rp_filter", "1"));
                values.Add(($"ipv4/conf/{links}/arp_ignore", strictArp ? "1" : "0"));
                values.Add(($"ipv4/conf/{links}/arp_announce", strictArp ? "2" : "0"));
            }
        }

        using NetNamespace space = NetNamespace.Open(Lab.PathOf(name));
        space.Run(() => values.ForEach(one => File.WriteAllText($"/proc/sys/net/{one.Item1}", one.Item2)));
    }

    /// <summary>Commands that give a namespace a link to the lan.</summary>
    private static string[] PortOf(string name)
    {
        string port = $"v-{name.Split('-')[1]}";
        return [$"link add {port} type veth peer name eth0 netns {name}", $"link set {port} master br0 up"];
    }

    private static string[] Addresses(string address, string address6) =>
        ["link set lo up", "link set eth0 up", $"address add {address} dev eth0", $"address add {address6} dev eth0 nodad"];

    private void AddNode(int number)
    {
        int[] others = [.. _nodes.Where(other => other != number)];
        Lab.Batch(Node(number), string.Join('\n', [
            .. Addresses($"{AddressOf(number)}/24", $"{Address6Of(number)}/64"),
            "route add default via 192.0.2.1", "route add default via fd00:2::1",
            .. others.Select(other => $"route add 10.244.{other}.0/24 via {AddressOf(other)}"),
            .. others.Select(other => $"route add fd00:244:{other}::/64 via {Address6Of(other)}")]));
    }

    private void AddPod(LabPod pod)
    {
        (string gateway, string gateway6) = ($"10.244.{pod.Node}.1", $"fd00:244:{pod.Node}::1");
        Lab.Batch(Node(pod.Node), $"""
            link add c-{pod.Name} type veth peer name eth0 netns {pod.Namespace}
            link set c-{pod.Name} up
            address add {gateway}/32 dev c-{pod.Name}
            address add {gateway6}/128 dev c-{pod.Name} nodad
            route add {pod.IPv4}/32 dev c-{pod.Name}
            route add {pod.IPv6}/128 dev c-{pod.Name}
            """);
        Lab.Batch(pod.Namespace, string.Join('\n', [
            .. Addresses($"{pod.IPv4}/32", $"{pod.IPv6}/128"),
            $"route add {gateway} dev eth0", $"route add default via {gateway}",
            $"route add {gateway6} dev eth0", $"route add default via {gateway6}"]));
    }

    /// <summary>Counters of nft and iptables, and the time of iptables-save.</summary>
    [GeneratedRegex("packets [0-9]+ bytes [0-9]+|\\[[0-9]+:[0-9]+\\]|(?m)^# (Generated|Completed).*$")]
    private static partial Regex Counts();
}
