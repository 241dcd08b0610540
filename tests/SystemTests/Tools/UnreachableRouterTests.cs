using System.Text.Json.Nodes;

namespace SystemTests.Tools;

/// <summary>What in the pod keeps clients from a router that is as configured: status and probe say so.</summary>
public class UnreachableRouterTests
{
    private static readonly string _config = Config.ChangedDualStack(json =>
    {
        json["ip"]!["addresses"] = new JsonArray("192.168.12.99/24", "2001:db8:12::99/64");
        json["ip"]!["destinations"] = new JsonArray("80 tcp 192.168.12.91", "80 tcp 2001:db8:12::91");
    });

    /// <summary>
    /// The rules that Istio's init container makes: all TCP goes to the sidecar. Of two translations the one loaded last comes first.
    /// </summary>
    [RootTheory]
    [InlineData("ip", Lab.PodAddress, "10.129.2.31")]
    [InlineData("ip6", Lab.PodAddress6, "fd00:10:129::31")]
    public void A_service_mesh_that_takes_all_connections_is_named(string family, string pod, string led)
    {
        using var lab = new Lab();
        SystemTests.Clients.SecondNetwork.Serve(lab);
        lab.Add(_config);
        Tool.OnPod(lab, _config, "status").AssertText($"net1 of {Lab.PathOf(lab.Pod)}: as configured\n  macvlan");
        Mesh(lab, family);
        string warning = $"the nftables chain {family} nat PREROUTING translates destinations too";
        Assert.Contains("  warning: " + warning, Tool.OnPod(lab, _config, "status").Stdout, StringComparison.Ordinal);
        Tool.OnPod(lab, _config, "probe").AssertText("every hop works, but " + warning);

        lab.ServeIn(lab.Pod, Protocol.Tcp, pod, 15006);
        Assert.Equal(15006, lab.Connect(Protocol.Tcp, 80, pod)?.Port);
        string fault =
            $"connections to {pod} port 80 are led to {led} port 15006, and not to their destination: by the nftables chain {family} nat PREROUTING";
        CommandResult status = Tool.OnPod(lab, _config, "status");
        Assert.True(
            status.ExitCode == 1 && status.Stdout.StartsWith($"net1 of {Lab.PathOf(lab.Pod)}: {fault}", StringComparison.Ordinal),
            status.ToString());
        Assert.Equal(1, Tool.On(lab, "", "status", "--netns", Lab.PathOf(lab.Pod)).ExitCode);
        CommandResult probe = Tool.OnPod(lab, _config, "probe");
        Assert.True(probe.ExitCode == 1 && probe.Stdout.StartsWith("pod: " + fault, StringComparison.Ordinal), probe.ToString());
        JsonNode json = JsonNode.Parse(Tool.OnPod(lab, _config, "status", "--output", "json").Stdout)!.AsArray().Single()!;
        Assert.StartsWith(fault, (string?)json["faults"]!.AsArray().Single(), StringComparison.Ordinal);
    }

    /// <summary>Loaded before ADD, the mesh comes after us: clients are redirected, and nothing is wrong.</summary>
    [RootFact]
    public void A_service_mesh_that_comes_after_us_is_only_warned_of()
    {
        using var lab = new Lab();
        SystemTests.Clients.SecondNetwork.Serve(lab);
        Mesh(lab, "ip");
        lab.Add(_config);
        Assert.Equal(new Arrival("192.168.12.99", "192.168.12.91", 80), lab.Connect(Protocol.Tcp, 80));
        CommandResult status = Tool.OnPod(lab, _config, "status");
        Assert.True(status.ExitCode == 0 && status.Stdout.Contains("warning: ", StringComparison.Ordinal), status.ToString());
    }

    /// <summary>As Multus' default network: the pod has eth0 of ours, and no cluster network.</summary>
    [RootFact]
    public void A_pod_without_a_cluster_network_is_told_of()
    {
        using var lab = new Lab(bare: true);
        CommandResult added = lab.Run("ADD", _config, "eth0");
        Assert.Equal(0, added.ExitCode);
        const string warning = "the pod has no interface besides eth0 that is up: no client can reach the router";
        Assert.Contains(warning, added.Stderr, StringComparison.Ordinal);
        SystemTests.Clients.SecondNetwork.Serve(lab);
        Assert.Equal(new Arrival("192.168.12.99", "192.168.12.91", 80), Lab.Ask(lab.Pod, Protocol.Tcp, "192.168.12.91", 80));
        lab.Check(_config, JsonNode.Parse(added.Stdout)!.AsObject(), "eth0").AssertSilentSuccess();
        Assert.Contains(
            "  warning: " + warning, Tool.OnPod(lab, _config, "status", "--interface", "eth0").Stdout, StringComparison.Ordinal);
        Tool.OnPod(lab, _config, "probe", "--interface", "eth0").AssertText("every hop works, but " + warning);
        lab.Delete(_config, "eth0");
    }

    /// <summary>A chain without rules, as <c>iptables -t nat -L</c> makes it, translates nothing.</summary>
    [RootFact]
    public void An_empty_chain_is_not_told_of()
    {
        using var lab = new Lab();
        lab.Add(_config);
        Lab.In(lab.Pod, "nft", "add table ip nat; add chain ip nat PREROUTING { type nat hook prerouting priority dstnat; }");
        Assert.DoesNotContain("warning", Tool.OnPod(lab, _config, "status").Stdout, StringComparison.Ordinal);
    }

    private static void Mesh(Lab lab, string family) => Lab.In(lab.Pod, "nft",
        $"add table {family} nat; add chain {family} nat PREROUTING {{ type nat hook prerouting priority dstnat; }}; add chain {family} nat ISTIO_INBOUND; "
        + $"add rule {family} nat ISTIO_INBOUND tcp dport 15008 return; add rule {family} nat ISTIO_INBOUND meta l4proto tcp redirect to :15006; "
        + $"add rule {family} nat PREROUTING meta l4proto tcp jump ISTIO_INBOUND");
}
