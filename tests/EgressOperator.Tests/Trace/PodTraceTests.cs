using System.Collections.Immutable;
using System.Net;
using System.Text;
using EgressDataPath.Kernel;
using EgressIp;
using EgressOperator.Agent;
using EgressOperator.Controller;
using EgressOperator.Trace;
using EgressRouter.Tools;
using Netlink.NetFilter;
using Netlink.Routing;
using Shared;
using Terminal;

namespace EgressOperator.Tests.Trace;

/// <summary>What <c>trace</c> says of node n1, for tables that the agent makes and for some that it does not.</summary>
public class PodTraceTests
{
    private const string Outside = "198.51.100.10";

    private static readonly ImmutableArray<Pod> _pods =
    [
        Pod("web", "n1", "app=web", "10.244.1.2", "fd00:244:1::2"), Pod("other", "n1", "app=other", "10.244.1.3"),
        Pod("db", "n2", "app=db", "10.244.2.2"), Pod("new", "n1", "app=web"),
        Pod("proxy", "n1", "app=web", "192.0.2.11") with { HostNetwork = true },
    ];

    private static readonly Link[] _links = [Link(1, "eth0", 1500), Link(2, "egress0", 1464), Link(3, "c-web", 1500)];

    [Theory]
    [InlineData("another-node", "prod/web", Outside, "n2=192.0.2.100")]
    [InlineData("this-node", "10.244.1.2", Outside, "n1=192.0.2.100")]
    [InlineData("two-addresses", "prod/web", Outside, "n1=192.0.2.100 n2=192.0.2.101")]
    [InlineData("held", "prod/web", Outside, "")]
    [InlineData("ipv6", "prod/web", "2001:db8::10", "n2=fd00:2::100")]
    [InlineData("not-selected", "prod/other", Outside, "n2=192.0.2.100")]
    [InlineData("host-network", "prod/proxy", Outside, "n2=192.0.2.100")]
    [InlineData("pod", "prod/web", "10.244.2.2", "n2=192.0.2.100")]
    [InlineData("pod-network", "prod/web", "10.244.2.77", "n2=192.0.2.100")]
    [InlineData("node", "prod/web", "192.0.2.12", "n2=192.0.2.100")]
    [InlineData("link-local", "prod/web", "169.254.169.254", "n2=192.0.2.100")]
    [InlineData("multicast", "prod/web", "224.0.0.5", "n2=192.0.2.100")]
    [InlineData("excepted", "prod/web", "203.0.113.7", "n2=192.0.2.100")]
    public void What_is_printed_is_as_before(string golden, string pod, string destination, string holdings) =>
        Verify(golden, Trace(pod, destination, Cluster(holdings)));

    [Fact]
    public void The_document_shows_what_is_printed()
    {
        string document = File.ReadAllText(Repository.PathOf("docs", "egress-ip.md"));
        string printed = File.ReadAllText(Repository.PathOf("testdata", "egressip", "trace", "two-addresses.verified.txt"));
        Assert.Contains(printed[..printed.IndexOf("{\n", StringComparison.Ordinal)] + "```\n", document, StringComparison.Ordinal);
    }

    /// <summary>The kernel has what was right before the API changed.</summary>
    [Theory]
    [InlineData("differs-in-node", "n2=192.0.2.100", "n3=192.0.2.100")]
    [InlineData("differs-in-holding", "n1=192.0.2.100", "")]
    public void A_difference_is_told(string golden, string before, string now) =>
        Verify(golden, Trace("prod/web", Outside, Cluster(now), Cluster(before).Table));

    [Fact]
    public void Faults_on_the_way_out_are_told()
    {
        TracedCluster cluster = Cluster("n1=192.0.2.100");
        // Without its element, the pod's packets would leave with its own address.
        Table table = cluster.Table with
        {
            Maps = [.. cluster.Table.Maps.Select(map => map.Name == "snat4" ? map with { Elements = [] } : map)],
        };
        Assert.Equal("dropped (counter stray)", Assert.Single(Trace("prod/web", Outside, cluster, table).Paths[0].Ways).Fault);
        Assert.Equal("no link of this node has the address", Way(cluster, route: null, held: []).Fault);
        TracedCluster elsewhere = Cluster("n2=192.0.2.100");
        Assert.Equal("this node has no route there", Way(elsewhere, route: (_, mark) => mark == 0 ? Route(1) : null).Fault);
        Assert.Equal("the route leads out by eth0 to 192.0.2.1", Way(elsewhere, route: (_, _) => Route(1)).Fault);

        WayTrace Way(TracedCluster one, Func<IPAddress, uint, Route?>? route, IPAddress[]? held = null) =>
            Assert.Single(Trace("prod/web", Outside, one, null, route, held).Paths[0].Ways);
    }

    /// <summary>Only the agent knows what its option --exclude names.</summary>
    [Fact]
    public void A_network_that_the_api_does_not_know_is_no_difference()
    {
        TracedCluster cluster = Cluster("n2=192.0.2.100");
        Table table = cluster.Table with
        {
            Maps = [.. cluster.Table.Maps.Select(map => map.Name != "inside4" ? map : map with
            {
                Elements = map.Elements.Add(new MapElement(new([10, 96, 0, 0]), new([10, 111, 255, 255]), default)),
            })],
        };
        PathTrace path = Assert.Single(Trace("prod/web", "10.96.0.10", cluster, table).Paths);
        Assert.Equal("in 10.96.0.0-10.111.255.255, by an option --exclude of the agent", path.Why);
        Assert.True(path.IsWell);
    }

    [Theory]
    [InlineData("prod/none", "the cluster has no pod prod/none, or it has ended")]
    [InlineData("none", "POD none: it must be NAMESPACE/NAME, or an address")]
    [InlineData("10.244.9.9", "no pod has the address 10.244.9.9")]
    [InlineData("192.0.2.11", "no pod has the address 192.0.2.11")]
    [InlineData("prod/db", "pod prod/db is on node n2, whose kernel decides: trace it there, with --node n2")]
    public void A_pod_that_is_not_on_the_node_is_refused(string pod, string message) =>
        Assert.Equal(message, Assert.Throws<UsageException>(() => Cluster("").FindPod(pod)).Message);

    [Fact]
    public void A_rule_that_no_agent_makes_is_refused()
    {
        TracedCluster cluster = Cluster("");
        Table table = cluster.Table with { Rules = [new Rule("classify", [new RtExpression(Register.R1)])] };
        Assert.Contains("chain classify has a rule that no agent makes",
            Assert.Throws<UsageException>(() => Trace("prod/web", Outside, cluster, table)).Message, StringComparison.Ordinal);
    }

    private static void Verify(string golden, PodTrace trace)
    {
        using var output = new MemoryStream();
        using (var screen = new Screen(output, hasColors: false))
        {
            trace.Write(screen);
            screen.Json(trace.Write);
            Golden.Verify(
                $"{Encoding.UTF8.GetString(output.ToArray())}{(trace.IsWell ? "well" : "not well")}", "egressip", "trace", golden);
        }
    }

    private static PodTrace Trace(
        string name, string destination, TracedCluster cluster, Table? kernel = null, Func<IPAddress, uint, Route?>? route = null,
        IPAddress[]? held = null)
    {
        Pod pod = cluster.FindPod(name);
        var node = new TracedNode(
            (kernel ?? cluster.Table) with { Counters = [new NamedCounter("held", new Counted(7, 700))] }, _links,
            held ?? [IPAddress.Parse("192.0.2.100")], route ?? RouteTo);
        var end = IPAddress.Parse(destination);
        string? owner = cluster.OwnerOf(pod)?.Source.Name;
        IPAddress source = pod.IPs.First(address => address.AddressFamily == end.AddressFamily);
        return new PodTrace($"{pod.Namespace}/{pod.Name}", source, "n1", owner, cluster.Selection(pod), end, null,
            [PathTrace.Of(node, cluster, owner, source, end, 0)]);
    }

    private static Route? RouteTo(IPAddress address, uint mark) => mark != 0
        ? Route(2) with { OtherAttributes = new IpTunnel(77, IPAddress.Parse(mark == 1 ? "192.0.2.12" : "192.0.2.13")).ToAttributes() }
        : address.ToString() switch
        {
            "10.244.1.2" or "10.244.1.3" or "fd00:244:1::2" => Route(3),
            "224.0.0.5" => Route(1) with { Type = RouteType.Multicast },
            _ => Route(1),
        };

    private static Route Route(int link) => new()
    {
        Family = System.Net.Sockets.AddressFamily.InterNetwork,
        OutputInterface = link,
        Gateway = IPAddress.Parse("192.0.2.1"),
    };

    private static TracedCluster Cluster(string holdings)
    {
        EgressIP[] sources =
        [
            Source("prod", 1, "app", "192.0.2.100", "192.0.2.101", "fd00:2::100"), Source("young-one", 2, "app", "192.0.2.110"),
        ];
        WatchedNode[] nodes = [.. Enumerable.Range(1, 3).Select(Node)];
        Dictionary<string, ImmutableArray<HeldBy>> held = holdings.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(one => one.Split('='))
            .ToDictionary(one => one[0], one => ImmutableArray.Create(new HeldBy(IPAddress.Parse(one[1]), null)));
        // The status names who holds an address.
        sources[0] = sources[0] with
        {
            Items = [.. held.SelectMany(one => one.Value.Select(address => new StatusItem($"{address.Address}", one.Key)))],
        };
        var networks = new NodeNetworks(
            [new LinkNetwork("eth0", IPNetwork.Parse("192.0.2.0/24"), [IPAddress.Parse("192.0.2.11")], [])],
            ["eth0"], [], _links.ToDictionary(link => link.Name));
        var cluster = new Cluster(
            [.. sources], [.. nodes.Select(node => node.Node)], ["n1", "n2", "n3"],
            [new Namespace("prod", new Dictionary<string, string> { ["env"] = "prod" })], _pods);
        return TracedCluster.Of(
            cluster,
            [.. sources.Select(source => new WatchedEgressIP("uid", source, new EgressIPStatus([], null), null,
                [IPNetwork.Parse("203.0.113.0/24")], FailsOpen: false))],
            nodes.ToDictionary(node => node.Node.Name), held, "n1", networks);
    }

    private static EgressIP Source(string name, int age, string label, params string[] addresses) => new(
        name, DateTimeOffset.UnixEpoch.AddDays(age), [.. addresses], LabelSelector.Everything,
        new LabelSelector(new Dictionary<string, string> { [label] = "web" }, []), []);

    private static WatchedNode Node(int number) => new(
        new Node($"n{number}", new Dictionary<string, string> { [EgressIp.Node.AssignableLabel] = "" }, Ready: true,
            [NodeNetwork.Of("eth0", $"192.0.2.1{number}/24")], null, []),
        IsOfOvnKubernetes: false, "uid", [IPAddress.Parse($"192.0.2.1{number}")], [IPNetwork.Parse($"10.244.{number}.0/24")]);

    private static Link Link(int index, string name, int mtu) =>
        new() { Index = index, Name = name, Settings = new() { Mtu = mtu, IsUp = true } };

    private static Pod Pod(string name, string node, string label, params string[] addresses) => new(
        "prod", name, new Dictionary<string, string> { [label.Split('=')[0]] = label.Split('=')[1] }, node,
        [.. addresses.Select(IPAddress.Parse)], HostNetwork: false, PodPhase.Running);
}
