using System.Text.Json.Nodes;

namespace EgressOperator.Tests.Controller;

/// <summary>What the controller makes of changes in a cluster. The same for each API server.</summary>
public abstract class ControllerScenarios : IAsyncLifetime
{
    private TestCluster? _cluster;

    protected TestCluster Cluster => _cluster ?? throw new InvalidOperationException("not started");

    public async Task InitializeAsync()
    {
        _cluster = await StartAsync();
        await ApplyAsync(Samples.Node("n1", 12, "10.10.10.5/24"), Samples.Node("n2", 51, "10.10.10.6/24"), Samples.Node("n3", 53));
    }

    public async Task DisposeAsync() => await Cluster.DisposeAsync();

    [Fact]
    public async Task Addresses_get_nodes_and_the_status_says_so()
    {
        await ApplyAsync(Samples.EgressIP("e", "192.168.126.10", "192.168.126.102"));
        using ControllerProcess controller = Start();
        await Cluster.UntilAsync("e", ["192.168.126.10@n1", "192.168.126.102@n2"], "AllAssigned");
        Assert.Empty(await Cluster.EventsAsync());
        Assert.Equal(0, controller.Terminate());
    }

    [Fact]
    public async Task An_address_waits_for_a_node_and_the_others_stay() // A3, A4, A5
    {
        await ApplyAsync(Samples.Label("n1", null), Samples.Label("n2", null), Samples.Label("n3", null));
        using ControllerProcess controller = Start();
        await ApplyAsync(Samples.EgressIP("e", "192.168.126.10", "192.168.126.102"));
        await Cluster.UntilAsync("e", [], "NoneAssigned");
        await ApplyAsync(Samples.Label("n2", "false"));
        await Cluster.UntilAsync("e", ["192.168.126.10@n2"], "SomeUnassigned");
        await ApplyAsync(Samples.Label("n1", ""));
        await Cluster.UntilAsync("e", ["192.168.126.10@n2", "192.168.126.102@n1"], "AllAssigned");
        await EventsAreAsync("e: NoMatchingNodeFound", "e: UnassignedRequest");
    }

    [Fact]
    public async Task The_older_of_two_EgressIPs_has_the_address_until_it_is_gone() // A12, A13
    {
        await ApplyAsync(Samples.EgressIP("f", "192.168.126.10"));
        using ControllerProcess controller = Start();
        await Cluster.UntilAsync("f", ["192.168.126.10@n1"]);
        await ApplyAsync(Samples.EgressIP("e", "192.168.126.10"));
        await Cluster.UntilAsync("e", [], "NoneAssigned");
        await Cluster.DeleteAsync("egressips", "f");
        await Cluster.UntilAsync("e", ["192.168.126.10@n1"], "AllAssigned");
        await EventsAreAsync("e: UnsupportedRequest");
    }

    [Fact]
    public async Task An_address_moves_when_its_node_loses_the_label_the_readiness_the_network_or_itself() // A19, A27, A28, A37
    {
        await ApplyAsync(Samples.EgressIP("e", "10.10.10.100"));
        using ControllerProcess controller = Start();
        await Cluster.UntilAsync("e", ["10.10.10.100@n1"]);
        await ApplyAsync(Samples.Label("n1", null));
        await Cluster.UntilAsync("e", ["10.10.10.100@n2"]);
        await ApplyAsync(Samples.Label("n1", ""), Samples.NodePart("n2", new JsonObject { ["status"] = Samples.Ready("Unknown") }));
        await Cluster.UntilAsync("e", ["10.10.10.100@n1"]);
        await ApplyAsync(
            Samples.NodePart("n2", new JsonObject { ["status"] = Samples.Ready("True") }),
            Samples.Metadata("v1", "Node", "n1", "annotations", "k8s.ovn.org/host-cidrs", """["192.168.126.12/24"]"""));
        await Cluster.UntilAsync("e", ["10.10.10.100@n2"]);
        await ApplyAsync(Samples.Metadata("v1", "Node", "n3", "annotations", "k8s.ovn.org/host-cidrs", """["10.10.10.7/24"]"""));
        await Cluster.DeleteAsync("nodes", "n2");
        await Cluster.UntilAsync("e", ["10.10.10.100@n3"]);
        await EventsAreAsync("e: Reassigned", "e: Reassigned", "e: Reassigned", "e: Reassigned");
        (_, string metrics) = await controller.HttpAsync("/metrics");
        Assert.Contains("\novnkube_clustermanager_egress_ips_rebalance_total 4\n", metrics, StringComparison.Ordinal);
        Assert.Contains(
            "\novnkube_clustermanager_egress_ips_node_unreachable_total{egress_node=\"n2\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\novnkube_clustermanager_num_egress_ips 1\n", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Addresses_are_levelled_only_when_that_is_asked_for() // A24, A25
    {
        await Cluster.DeleteAsync("nodes", "n3");
        await ApplyAsync([.. Enumerable.Range(1, 4).Select(index => Samples.EgressIP($"e{index}", $"192.168.126.10{index}"))]);
        using ControllerProcess controller = Start();
        await AllUntilAsync(all => all is ["n1", "n2", "n1", "n2"]);
        await ApplyAsync(Samples.Node("n3", 53));
        await ApplyAsync(Samples.EgressIP("f", "192.168.126.110"));
        await Cluster.UntilAsync("f", ["192.168.126.110@n3"]);
        await AllUntilAsync(all => all is ["n1", "n2", "n1", "n2", "n3"]);
        await Cluster.DeleteAsync("egressips", "f");
        await ApplyAsync(Samples.Metadata(
            "k8s.ovn.org/v1", "EgressIP", "e1", "annotations", "egressip.egress-router-cni.io/rebalance", "1"));
        await AllUntilAsync(all => all.GroupBy(node => node).Select(group => group.Count()).Order().ToArray() is [1, 1, 2]);
        string[] events = [];
        await Cluster.UntilAsync(
            async () => (events = await Cluster.EventsAsync()) is [string one] && one.EndsWith(": Reassigned", StringComparison.Ordinal),
            () => string.Join(", ", events));

        // Done once: soon what is valid stays again.
        await Task.Delay(TimeSpan.FromSeconds(1));
        await ApplyAsync(Samples.Node("n4", 54));
        await ApplyAsync(Samples.EgressIP("g", "198.51.100.7"));
        await Cluster.UntilAsync("g", [], "NoneAssigned");
        await Task.Delay(TimeSpan.FromSeconds(1));
        await EventsAreAsync([.. events, "g: NoMatchingNodeFound"]);
    }

    [Fact]
    public async Task A_new_leader_reads_every_status_before_it_assigns() // A31
    {
        await ApplyAsync(Samples.EgressIP("z", "192.168.126.10"));
        using (ControllerProcess first = Start())
        {
            await Cluster.UntilAsync("z", ["192.168.126.10@n1"]);
            Assert.Equal(0, first.Terminate());
        }

        await ApplyAsync(Samples.EgressIP("a", "192.168.126.10"));
        using ControllerProcess second = Start();
        await Cluster.UntilAsync("a", [], "NoneAssigned");
        await Cluster.UntilAsync("z", ["192.168.126.10@n1"]);
        await EventsAreAsync("a: UnsupportedRequest");
    }

    [Fact]
    public async Task A_new_leader_tells_nothing_again()
    {
        await ApplyAsync(
            Samples.EgressIP("e", "192.168.126.10"), Samples.EgressIP("f", "192.168.126.11", "198.51.100.7"),
            Samples.Namespace("prod", "prod"), Samples.Pod("prod", "p", "n3", "10.244.3.5"));
        using (ControllerProcess first = Start())
        {
            await Cluster.UntilAsync("f", ["192.168.126.11@n2"], "SomeUnassigned");
            await EventsAreAsync("f: UnassignedRequest", "f: UndefinedRequest");
            first.Terminate();
        }

        using ControllerProcess second = Start().UntilItLeads();
        await ApplyAsync(Samples.EgressIP("g", "192.168.126.14"));
        await Cluster.UntilAsync("g", ["192.168.126.14@n3"]);
        await EventsAreAsync("f: UnassignedRequest", "f: UndefinedRequest", "g: UndefinedRequest");
    }

    [Fact]
    public async Task A_changed_spec_gives_the_old_address_back() // A35
    {
        await ApplyAsync(Samples.EgressIP("e", "192.168.126.10"));
        using ControllerProcess controller = Start();
        await Cluster.UntilAsync("e", ["192.168.126.10@n1"]);
        await ApplyAsync(Samples.EgressIP("e", "192.168.126.20"));
        await Cluster.UntilAsync("e", ["192.168.126.20@n1"]);
        await ApplyAsync(Samples.EgressIP("f", "192.168.126.10"));
        await Cluster.UntilAsync("f", ["192.168.126.10@n2"]);
    }

    [Fact]
    public async Task Two_EgressIPs_exchange_their_addresses()
    {
        await ApplyAsync(Samples.EgressIP("e", "192.168.126.10"), Samples.EgressIP("f", "192.168.126.20"));
        using ControllerProcess controller = Start();
        await Cluster.UntilAsync("e", ["192.168.126.10@n1"]);
        await Cluster.UntilAsync("f", ["192.168.126.20@n2"]);
        controller.Terminate();
        await ApplyAsync(Samples.EgressIP("e", "192.168.126.20"), Samples.EgressIP("f", "192.168.126.10"));
        using ControllerProcess second = Start();
        await Cluster.UntilAsync("e", ["192.168.126.20@n1"], "AllAssigned");
        await Cluster.UntilAsync("f", ["192.168.126.10@n2"], "AllAssigned");
    }

    [Fact]
    public async Task What_the_user_has_written_stays() // A40
    {
        JsonObject source = Samples.EgressIP("e", "192.168.126.10");
        source["metadata"]!["annotations"] = new JsonObject
        {
            ["kubectl.kubernetes.io/last-applied-configuration"] = "{}",
            ["team"] = "billing",
        };
        source["metadata"]!["labels"] = new JsonObject { ["a"] = "b" };
        await ApplyAsync(source);
        JsonObject before = await Cluster.GetAsync("egressips", "e");
        using ControllerProcess controller = Start();
        await Cluster.UntilAsync("e", ["192.168.126.10@n1"]);
        JsonObject after = await Cluster.GetAsync("egressips", "e");
        foreach (string part in (string[])["annotations", "labels"])
        {
            Assert.Equal(before["metadata"]![part]!.ToJsonString(), after["metadata"]![part]!.ToJsonString());
        }

        Assert.Equal(before["spec"]!.ToJsonString(), after["spec"]!.ToJsonString());
    }

    [Fact]
    public async Task A_status_that_another_changes_is_restored() // A56
    {
        await ApplyAsync(Samples.EgressIP("e", "192.168.126.10"));
        using ControllerProcess controller = Start();
        await Cluster.UntilAsync("e", ["192.168.126.10@n1"]);
        await ApplyAsync(Samples.Of("k8s.ovn.org/v1", "EgressIP", "e", new JsonObject
        {
            ["status"] = new JsonObject
            {
                ["items"] = new JsonArray(new JsonObject { ["node"] = "n2", ["egressIP"] = "192.168.126.10" }),
            },
        }));
        await EventsAreAsync("e: StatusRestored");
        await Cluster.UntilAsync("e", ["192.168.126.10@n1"]);
    }

    [Fact]
    public async Task A_pod_of_two_EgressIPs_is_told_of_once_for_each_change() // A51
    {
        await ApplyAsync(Samples.EgressIP("e", "192.168.126.10"));
        await ApplyAsync(Samples.Namespace("prod", "prod"), Samples.Pod("prod", "p", "n3", "10.244.3.5"));
        using ControllerProcess controller = Start();
        await Cluster.UntilAsync("e", ["192.168.126.10@n1"]);
        await ApplyAsync(Samples.EgressIP("f", "192.168.126.11"));
        await EventsAreAsync("f: UndefinedRequest");
        await Cluster.DeleteAsync("pods", "p", "prod");
        await ApplyAsync(Samples.EgressIP("g", "192.168.126.14"));
        await Cluster.UntilAsync("g", ["192.168.126.14@n3"]);
        await EventsAreAsync("f: UndefinedRequest");
    }

    [Fact]
    public async Task The_definition_of_OVN_Kubernetes_has_no_conditions()
    {
        await using IAsyncDisposable whole = await Cluster.WithoutFieldAsync("egressips.k8s.ovn.org", "status.conditions");
        await ApplyAsync(Samples.EgressIP("e", "192.168.126.10"));
        using ControllerProcess controller = Start();
        await Cluster.UntilAsync("e", ["192.168.126.10@n1"]);
        JsonObject written = await Cluster.GetAsync("egressips", "e");
        Assert.Null(written["status"]!["conditions"]);
        await Cluster.DeleteAsync("nodes", "n1");
        await Cluster.UntilAsync("e", ["192.168.126.10@n2"]);
    }

    [Fact]
    public async Task It_refuses_a_cluster_of_OVN_Kubernetes() // A54
    {
        await ApplyAsync(
            Samples.EgressIP("e", "192.168.126.10"),
            Samples.Metadata("v1", "Node", "n2", "annotations", "k8s.ovn.org/node-chassis-id", "7a1c"));
        using ControllerProcess controller = Start();
        Assert.Equal(2, controller.UntilItEnds());
        Assert.EndsWith(
            "egress-operator: OVN-Kubernetes manages EgressIP in this cluster (node n2 has the annotation k8s.ovn.org/node-chassis-id): "
            + "start with --egress-ip=false", controller.Log.TrimEnd(), StringComparison.Ordinal);
        Assert.Null((await Cluster.GetAsync("egressips", "e"))["status"]);
    }

    [Fact]
    public async Task An_agent_counts_more_than_annotations()
    {
        await ApplyAsync(Samples.EgressIP("e", "203.0.113.9"));
        using ControllerProcess controller = Start();
        await Cluster.UntilAsync("e", [], "NoneAssigned");
        await ApplyAsync(Agent("n2", new JsonObject
        {
            ["networks"] = new JsonArray(new JsonObject
            {
                ["link"] = "eth1",
                ["cidr"] = "203.0.113.0/24",
                ["addresses"] = new JsonArray("203.0.113.2"),
            }),
        }));
        await Cluster.UntilAsync("e", ["203.0.113.9@n2"]);
        await ApplyAsync(Agent("n2", new JsonObject
        {
            ["conflicts"] = new JsonArray(new JsonObject { ["egressIP"] = "203.0.113.9", ["mac"] = "02:00:5e:10:00:01" }),
        }));
        await Cluster.UntilAsync("e", [], "NoneAssigned");
        await EventsAreAsync("e: NoMatchingNodeFound", "e: EgressIPConflict", "e: NoMatchingNodeFound");
        Assert.Contains(
            "02:00:5e:10:00:01",
            (string)(await Cluster.AllAsync("events")).Single(one => (string?)one["reason"] == "EgressIPConflict")["message"]!,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_two_one_leads_and_the_other_takes_over()
    {
        await ApplyAsync(Samples.EgressIP("e", "192.168.126.10"));
        using ControllerProcess first = Start().UntilItLeads();
        using ControllerProcess second = Start();
        Assert.Equal(200, (await first.HttpAsync("/healthz")).Status);
        await Cluster.UntilAsync(async () => (await second.HttpAsync("/readyz")).Status == 200, () => second.Log);
        Assert.Contains("\negress_operator_leader 1\n", (await first.HttpAsync("/metrics")).Text, StringComparison.Ordinal);
        Assert.Contains("\negress_operator_leader 0\n", (await second.HttpAsync("/metrics")).Text, StringComparison.Ordinal);
        Assert.Equal(0, first.Terminate());
        second.UntilItLeads();
        await ApplyAsync(Samples.Label("n1", null));
        await Cluster.UntilAsync("e", ["192.168.126.10@n2"]);
    }

    [Fact]
    public async Task An_address_stays_with_the_node_that_has_taken_it_over()
    {
        await ApplyAsync(Samples.EgressIP("e", "192.168.126.10"));
        using ControllerProcess controller = Start();
        await Cluster.UntilAsync("e", ["192.168.126.10@n1"]);
        await ApplyAsync(Agent("n2", new JsonObject
        {
            ["egressIPs"] = new JsonArray("192.168.126.10"),
            ["taken"] = new JsonArray(new JsonObject { ["egressIP"] = "192.168.126.10", ["from"] = "n1" }),
        }));
        await Cluster.UntilAsync("e", ["192.168.126.10@n2"], "AllAssigned");
        await ApplyAsync(Agent("n2", new JsonObject { ["egressIPs"] = new JsonArray("192.168.126.10"), ["taken"] = null }));
        await Cluster.UntilAsync("e", ["192.168.126.10@n2"], "AllAssigned");
        await EventsAreAsync("e: Reassigned");
    }

    /// <summary>Starts the cluster: the definitions of packaging/operator, and no nodes.</summary>
    protected abstract Task<TestCluster> StartAsync();

    private protected ControllerProcess Start() => Cluster.StartController();

    private protected async Task ApplyAsync(params JsonObject[] objects)
    {
        foreach (JsonObject one in objects)
        {
            await Cluster.ApplyAsync(one);
        }
    }

    private static JsonObject Agent(string node, JsonObject status) =>
        Samples.Of("egressip.egress-router-cni.io/v1alpha1", "EgressNode", node, new JsonObject { ["status"] = status });

    private async Task EventsAreAsync(params string[] events)
    {
        string[] seen = [];
        await Cluster.UntilAsync(
            async () => (seen = await Cluster.EventsAsync()).Order().SequenceEqual(events.Order()), () => string.Join(", ", seen));
    }

    private Task AllUntilAsync(Func<string[], bool> areWanted)
    {
        string[] nodes = [];
        return Cluster.UntilAsync(
            async () => areWanted(nodes = [.. (await Cluster.AllAsync("egressips"))
                .OrderBy(one => (string)one["metadata"]!["name"]!, StringComparer.Ordinal)
                .SelectMany(TestCluster.ItemsOf).Select(item => item.Split('@')[1])]),
            () => string.Join(' ', nodes));
    }
}
