using Shared;
using Xunit.Abstractions;

namespace SystemTests.EgressIp;

/// <summary>What agents say of nodes on which packets may not pass.</summary>
public class NodeConditionTests(ITestOutputHelper output)
{
    /// <summary>Its kernel refuses all that is IPv6.</summary>
    [RootFact]
    public void A_node_without_IPv6_serves_its_pods()
    {
        using var lab = new EgressLab();
        Array.ForEach(["all", "default"], links => Lab.WriteSysctl(lab.Node(2), $"net/ipv6/conf/{links}/disable_ipv6", "1"));
        using var cluster = new EgressCluster(lab, [EgressCluster.Address4], output, ownsLab: false);
        cluster.SetAssignable(2, false);
        cluster.UntilSource(lab["b1"], EgressLab.Server4, EgressCluster.Address4);
        Eventually.IsTrue(cluster.Agent(2).IsReady, cluster.Logs, 10);
        cluster.SetAssignable(2, true);
        Array.ForEach((int[])[1, 3], node => cluster.SetAssignable(node, false));
        Eventually.IsTrue(() => cluster.HolderOf(EgressCluster.Address4) == 2, cluster.Logs, 15);
        cluster.UntilSource(lab["a1"], EgressLab.Server4, EgressCluster.Address4);
    }

    [RootFact]
    public void What_stands_in_the_way_is_told()
    {
        const string secondNetwork = "10.10.10.5/24";
        const string secondAddress = "10.10.10.100";
        using var lab = new EgressLab();
        foreach ((int node, string program) in ((int, string)[])[(1, "iptables-legacy"), (2, "ip6tables-legacy")])
        {
            Lab.In(lab.Node(node), program, "-A", "FORWARD", "-j", "ACCEPT");
            Lab.In(lab.Node(node), program, "-P", "FORWARD", "DROP");
        }

        Lab.In(lab.Node(2), "iptables-legacy", "-P", "FORWARD", "ACCEPT");
        Lab.In(lab.Node(3), "nft", "table ip firewall { chain forwarded { type filter hook forward priority 0; policy drop; accept; }; }");
        Lab.WriteSysctl(lab.Node(2), "net/ipv4/conf/all/src_valid_mark", "1");
        Lab.Batch(lab.Node(2), "link add cilium_host type veth peer name cilium_net");
        Lab.Batch(lab.Node(3), $"""
            link add eth1 type veth peer name peer1
            link set eth1 up
            link set peer1 up
            address add {secondNetwork} dev eth1
            """);
        using var cluster = new EgressCluster(lab, output: output, ownsLab: false);
        cluster.Apply("second", [secondAddress]);
        Told(1, "chain FORWARD of table ip filter (iptables-legacy)");
        Told(2, "chain FORWARD of table ip6 filter (iptables-legacy)", "link cilium_host", "src_valid_mark is 1");
        Told(3, "chain forwarded of table ip firewall");
        Assert.DoesNotContain("table ip filter", MessageOf(2), StringComparison.Ordinal);
        Assert.DoesNotContain("ip6", MessageOf(1), StringComparison.Ordinal);
        Assert.DoesNotContain("legacy", MessageOf(3), StringComparison.Ordinal);

        // The node is not searched all the time, but at the start of an agent.
        Eventually.IsTrue(
            () => Lab.In(lab.Node(3), "ip", "address", "show", "dev", "eth1").Contains(secondAddress, StringComparison.Ordinal),
            () => cluster.Logs(), 15);
        cluster.Agent(3).Kill();
        cluster.StartAgent(3);
        Told(3, "link eth1 has a strict rp_filter");

        void Told(int node, params string[] texts) => Eventually.IsTrue(
            () => texts.All(text => MessageOf(node).Contains(text, StringComparison.Ordinal)),
            () => $"n{node}: {MessageOf(node)}\n{cluster.Logs()}", 15);

        string MessageOf(int node) => cluster.Server.Get("egressnodes", $"n{node}")?["status"]?["conditions"]?.AsArray()
            .Where(condition => (string)condition!["type"]! == "Unobstructed" && (string)condition["status"]! == "False")
            .Select(condition => (string)condition!["message"]!).FirstOrDefault() ?? "";
    }
}
