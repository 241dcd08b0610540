using System.Text.Json.Nodes;
using Shared;
using SystemTests.EgressIp.Traffic;
using Xunit.Abstractions;

namespace SystemTests.EgressIp;

/// <summary>What <c>trace</c> says, beside what packets do.</summary>
public class TraceTests(ITestOutputHelper output)
{
    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Servers_see_what_it_says(bool isIPv6)
    {
        using var lab = new EgressLab(proxy: ServiceProxy.Iptables);
        using var cluster = new EgressCluster(lab, output: output, ownsLab: false).Settled();
        using var outside = new TellingServer(lab.Out, isIPv6 ? EgressLab.Server6 : EgressLab.Server4);
        using var endpoint = new TellingServer(lab.Endpoint.Namespace, isIPv6 ? lab.Endpoint.IPv6 : lab.Endpoint.IPv4);
        using var node2 = new TellingServer(lab.Node(2), EgressLab.AddressOf(2, isIPv6));
        string egress = isIPv6 ? EgressCluster.Address6 : EgressCluster.Address4;
        AddService(cluster, "inside", ServiceRules.ClusterIP(isIPv6), endpoint.Address);
        AddService(cluster, "outside", ServiceRules.OutsideClusterIP(isIPv6), outside.Address);
        foreach (LabPod pod in lab.Pods)
        {
            string own = isIPv6 ? pod.IPv6 : pod.IPv4;
            bool isServed = pod.Name != "a2";
            string leaves = isServed ? $"Leaves {egress} n{cluster.HolderOf(egress)}" : "NotServed";
            string stays = isServed ? "Excluded" : "NotServed";
            string seenOutside = isServed ? egress : EgressLab.NodeOf(pod, isIPv6);
            Check(outside, outside.Address, TellingServer.Port, leaves, seenOutside);
            Check(outside, ServiceRules.OutsideClusterIP(isIPv6), ServiceRules.Port, leaves, seenOutside);
            if (pod != lab.Endpoint)
            {
                Check(endpoint, endpoint.Address, TellingServer.Port, stays, own);
                Check(endpoint, ServiceRules.ClusterIP(isIPv6), ServiceRules.Port, stays, own);
            }

            if (pod.Node != 2)
            {
                Check(node2, node2.Address, TellingServer.Port, stays, EgressLab.NodeOf(pod, isIPv6));
            }

            void Check(TellingServer server, string address, int port, string said, string seen) => Assert.Equal(
                (said, seen),
                (Short(Trace(cluster, pod, $"prod/{pod.Name}", isIPv6 ? $"[{address}]:{port}" : $"{address}:{port}")),
                    Question.AskBehind(pod.Namespace, Transport.Tcp, server, address, port)?.Source));
        }

        cluster.Apply("prod", [EgressCluster.Address4, EgressCluster.Address6], new()
        {
            ["egressip.egress-router-cni.io/except-cidrs"] = "198.51.100.0/28, fd00:51::/64",
        });
        LabPod one = lab["b1"];
        Eventually.IsTrue(() => Short(Trace(cluster, one, isIPv6 ? one.IPv6 : one.IPv4, outside.Address)) == "Excluded", cluster.Logs);
        Assert.Equal(EgressLab.NodeOf(one, isIPv6), Question.Ask(one.Namespace, Transport.Tcp, outside)?.Source);
    }

    [RootFact]
    public void It_follows_addresses_that_are_spread_held_and_moved()
    {
        string[] addresses = ["192.0.2.100", "192.0.2.101"];
        using var cluster = new EgressCluster(addresses: addresses, output: output);
        EgressLab lab = cluster.Lab;
        LabPod pod = lab["b1"];
        using var server = new TellingServer(lab.Out, EgressLab.Server4);
        string Said() => Short(Trace(cluster, pod, "prod/b1", EgressLab.Server4));
        string[] Seen() => [.. Enumerable.Range(0, 20)
            .Select(_ => Question.Ask(pod.Namespace, Transport.Tcp, server, 1)?.Source ?? "nobody").Distinct()
            .Order(StringComparer.Ordinal)];
        Eventually.IsTrue(() => cluster.Agent(2).IsReady(), cluster.Logs, 15);
        Eventually.IsTrue(() => Said().Split(' ').Length == 5, () => $"{Said()}\n{cluster.Logs()}", 20);
        Assert.Equal($"Leaves {addresses[0]} n{cluster.HolderOf(addresses[0])} {addresses[1]} n{cluster.HolderOf(addresses[1])}", Said());
        Assert.Equal(addresses, Seen());

        Array.ForEach([1, 2, 3], node => cluster.SetAssignable(node, false));
        Eventually.IsTrue(() => Said() == "Held", () => $"{Said()}\n{cluster.Logs()}", 20);
        long before = lab.Counter(2, "held");
        Assert.Null(Question.Ask(pod.Namespace, Transport.Tcp, server, 1));
        JsonNode held = Trace(cluster, pod, "prod/b1", EgressLab.Server4)["paths"]![0]!;
        Assert.True(lab.Counter(2, "held") > before, "nothing is counted");
        Assert.Equal(("held", lab.Counter(2, "held")), ((string?)held["counter"], (long?)held["packets"]));

        cluster.SetAssignable(3, true);
        Eventually.IsTrue(() => Said().EndsWith(" n3", StringComparison.Ordinal), () => $"{Said()}\n{cluster.Logs()}", 20);
        JsonNode moved = Trace(cluster, pod, "prod/b1", EgressLab.Server4)["paths"]![0]!;
        string source = Assert.Single(Seen());
        Assert.Equal((source, 3), ((string?)moved["ways"]![0]!["egressIP"], cluster.HolderOf(source)));
        Assert.Equal(addresses.Except([source]), moved["waiting"]!.AsArray().Select(one => (string?)one!["egressIP"]));
    }

    /// <summary>The kernel decides, whatever the API says.</summary>
    [RootFact]
    public void It_tells_where_the_kernel_differs_from_the_api()
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        using var server = new TellingServer(lab.Out, EgressLab.Server4);
        int holder = cluster.UntilStable(EgressCluster.Address4);
        LabPod pod = lab.Pods.First(one => one.Node != holder && one.Name != "a2");
        cluster.Agent(pod.Node).Signal("TERM");
        cluster.Agent(pod.Node).UntilItEnds();
        cluster.Label(pod, "other");
        JsonNode? path = null;
        Eventually.IsTrue(
            () => (string?)(path = Trace(cluster, pod, $"prod/{pod.Name}", EgressLab.Server4)["paths"]![0])!["byApi"]
                == "no EgressIP serves the pod",
            () => $"{path}");
        Assert.Equal($"Leaves {EgressCluster.Address4} n{holder}", Short(path!.Parent!.Parent!));
        Lab.In(lab.Node(pod.Node), "nft", "delete", "element", "inet", "egress_ip", "pods4", $"{{ {pod.IPv4} }}");
        Assert.Equal("NotServed", Short(Trace(cluster, pod, pod.IPv4, EgressLab.Server4)));
        Assert.Equal(EgressLab.NodeOf(pod, false), Question.Ask(pod.Namespace, Transport.Tcp, server)?.Source);
        cluster.Label(pod, "web");
        Eventually.IsTrue(
            () => cluster.Trace(pod.Node, "prod/" + pod.Name, EgressLab.Server4) is { ExitCode: 1 } result
                && result.Stdout.Contains(
                    $"by the API:     {EgressCluster.Address4} by node n{holder} (object_prod)", StringComparison.Ordinal)
                && result.Stdout.Contains("by the kernel:  no EgressIP serves the pod", StringComparison.Ordinal),
            () => $"{cluster.Trace(pod.Node, "prod/" + pod.Name, EgressLab.Server4)}");
        Assert.Equal(EgressLab.NodeOf(pod, false), Question.Ask(pod.Namespace, Transport.Tcp, server)?.Source);

        Lab.In(lab.Node(pod.Node), "nft", "delete", "table", "inet", "egress_ip");
        Assert.Equal(
            $"egress-operator: node n{pod.Node} has no nftables table inet egress_ip: its agent does not run, or has just started\n",
            cluster.Trace(pod.Node, "prod/" + pod.Name, EgressLab.Server4).Stderr);
    }

    [RootFact]
    public void A_way_that_ends_is_told()
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        int holder = cluster.UntilStable(EgressCluster.Address4);
        LabPod pod = lab.Pods.First(one => one.Node != holder && one.Name != "a2");
        cluster.Agent(pod.Node).Signal("TERM");
        cluster.Agent(pod.Node).UntilItEnds();
        Lab.In(lab.Node(pod.Node), "ip", "link", "set", "egress0", "down");
        JsonNode trace = Trace(cluster, pod, "prod/" + pod.Name, EgressLab.Server4);
        Assert.Equal("this node has no route there", (string?)trace["paths"]![0]!["ways"]![0]!["fault"]);
        Assert.Null(EgressLab.Ask(pod, Protocol.Tcp, EgressLab.Server4, seconds: 1));
    }

    [RootFact]
    public void What_it_cannot_answer_is_one_line_and_exit_code_2()
    {
        using var cluster = new EgressCluster(output: output);
        Eventually.IsTrue(() => cluster.Agent(1).IsReady(), cluster.Logs, 15);
        foreach ((string[] arguments, string message) in ((string[], string)[])[
            (["prod/none", EgressLab.Server4], "the cluster has no pod prod/none, or it has ended"),
            (["10.9.9.9", EgressLab.Server4], "no pod has the address 10.9.9.9"),
            (["prod/b1", EgressLab.Server4], "pod prod/b1 is on node n2, whose kernel decides: trace it there, with --node n2"),
            (["prod/a1"], "POD or DEST is missing: a pod, as NAMESPACE/NAME or its address, and the address of a destination"),
            (["prod/a1", "server:80"],
                "DEST server:80: it must be an address, or one with a port such as 198.51.100.10:443 or [2001:db8::10]:443")])
        {
            Assert.Equal(new CommandResult(2, "", $"egress-operator: {message}\n"), cluster.Trace(1, arguments));
        }

        CommandResult refused = cluster.TraceBy(
            ["setpriv", "--bounding-set=-net_admin,-sys_admin", "--inh-caps=-net_admin,-sys_admin"], 1, "prod/a1", EgressLab.Server4);
        Assert.Equal((2, ""), (refused.ExitCode, refused.Stdout));
        Assert.StartsWith("egress-operator: only root may read the kernel of the node: ", refused.Stderr, StringComparison.Ordinal);
    }

    private static JsonNode Trace(EgressCluster cluster, LabPod pod, string name, string destination)
    {
        CommandResult result = cluster.Trace(pod.Node, name, destination, "-o", "json");
        Assert.True(result is { ExitCode: 0 or 1, Stderr: "" }, $"{result}");
        return JsonNode.Parse(result.Stdout)!;
    }

    /// <summary>The fate, and each address with its node.</summary>
    private static string Short(JsonNode trace)
    {
        JsonNode path = Assert.Single(trace["paths"]!.AsArray())!;
        return string.Join(' ', [(string)path["fate"]!, .. path["ways"]!.AsArray()
            .Select(way => $"{way!["egressIP"]} {way["node"]}{(way["fault"] is JsonNode fault ? $" but {fault}" : "")}")]);
    }

    private static void AddService(EgressCluster cluster, string name, string address, string endpoint)
    {
        cluster.Server.ApplyYaml($$"""
            apiVersion: v1
            kind: Service
            metadata: { name: {{name}}, namespace: prod }
            spec: { clusterIP: "{{address}}", clusterIPs: ["{{address}}"], ports: [{ port: 80 }] }
            """);
        cluster.Server.ApplyYaml($$"""
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: { name: {{name}}-1, namespace: prod, labels: { kubernetes.io/service-name: {{name}} } }
            addressType: IPv4
            endpoints: [{ addresses: ["{{endpoint}}"], conditions: { ready: true } }]
            """);
    }
}
