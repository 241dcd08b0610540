using System.Text.Json.Nodes;
using EgressOperator.Tests.Controller;

namespace EgressOperator.Tests.Routers;

/// <summary>An EgressRouter that asks for a pair of pods. The same for each API server.</summary>
public abstract class PairScenarios : RouterTests
{
    private static readonly string[] _rights = ["serviceaccounts", "roles", "rolebindings"];

    private static JsonObject Pair => Asking("2");

    [Fact]
    public async Task A_pair_has_two_pods_with_rights_and_a_key()
    {
        await Cluster.ApplyAsync(Pair);
        using ControllerProcess controller = Cluster.StartController("--hold-image", "example.com/egress-operator:1");
        await UntilAsync("er", "Progressing", "True", "RollingOut");
        JsonNode deployment = (await MadeAsync("deployments", "er"))["spec"]!;
        Assert.Equal("2 RollingUpdate 0", string.Join(' ',
            deployment["replicas"], deployment["strategy"]!["type"], deployment["strategy"]!["rollingUpdate"]!["maxSurge"]));
        Assert.Equal("er", (string?)deployment["template"]!["spec"]!["serviceAccountName"]);
        Assert.Null((await MadeAsync("services", "er"))["spec"]!["selector"]);
        foreach (string resource in (string[])[.. _rights, "secrets"])
        {
            JsonNode owner = Assert.Single((await MadeAsync(resource, "er"))["metadata"]!["ownerReferences"]!.AsArray())!;
            Assert.Equal("EgressRouter er", $"{owner["kind"]} {owner["name"]}");
        }

        Assert.Equal(32, Convert.FromBase64String(await KeyAsync()).Length);
        await RunPodAsync("er-a");
        await UntilAsync("er", "Available", "True", "Running", "only pod er-a is ready");
        await UntilAsync("er", "Progressing", "True", "RollingOut", "one pod of two is ready");
        await RunPodAsync("er-b");
        await UntilAsync("er", "Available", "True", "Running", "pods er-a and er-b are ready");
        await UntilAsync("er", "Progressing", "False");
        await UntilAsync("er", "Degraded", "False");
        Assert.Empty(await EventsAsync());
    }

    [Fact]
    public async Task The_key_stays_when_another_controller_leads()
    {
        await Cluster.ApplyAsync(Pair);
        using (ControllerProcess first = Cluster.StartController("--hold-image", "example.com/egress-operator:1"))
        {
            await UntilAsync("er", "Progressing", "True", "RollingOut");
        }

        string key = await KeyAsync();
        using ControllerProcess second = Cluster.StartController("--hold-image", "example.com/egress-operator:2");
        await Cluster.UntilAsync(
            async () => (await MadeAsync("deployments", "er")).ToJsonString().Contains("egress-operator:2", StringComparison.Ordinal),
            () => "the Deployment has the old image");
        Assert.Equal(key, await KeyAsync());
    }

    /// <summary>Kubernetes leaves the EndpointSlices of a Service that loses its selector: they lead to pods that are gone.</summary>
    [Fact]
    public async Task One_pod_becomes_two_and_two_become_one()
    {
        await Cluster.ApplyAsync(Asking("1"));
        using ControllerProcess controller = Cluster.StartController("--hold-image", "example.com/egress-operator:1");
        await UntilAsync("er", "Progressing", "True", "RollingOut");
        (string service, string deployment) before = await UidsAsync();
        foreach ((string replicas, string strategy) in ((string, string)[])[("2", "RollingUpdate"), ("1", "Recreate")])
        {
            await Cluster.ApplyAsync(LastingPod(await MadeAsync("deployments", "er")));
            await Cluster.ApplyAsync(Asking(replicas));
            await UntilAsync("er", "Progressing", "True", "WaitsForDeletion", "an old Deployment er is not gone yet");
            Assert.Equal(before.deployment, (string?)(await MadeAsync("deployments", "er"))["metadata"]!["uid"]);
            await CollectAsync();
            await UntilAsync("er", "Progressing", "True", "RollingOut");
            JsonNode made = (await MadeAsync("deployments", "er"))["spec"]!;
            Assert.Equal($"{replicas} {strategy}", $"{made["replicas"]} {made["strategy"]!["type"]}");
            Assert.Equal(replicas == "1", (await MadeAsync("services", "er"))["spec"]!["selector"] is not null);
            (string service, string deployment) now = await UidsAsync();
            Assert.NotEqual(before.service, now.service);
            Assert.NotEqual(before.deployment, now.deployment);
            before = now;
        }

        await UntilAsync("er", "Degraded", "False");

        async Task<(string Service, string Deployment)> UidsAsync() => (
            (string)(await MadeAsync("services", "er"))["metadata"]!["uid"]!,
            (string)(await MadeAsync("deployments", "er"))["metadata"]!["uid"]!);
    }

    [Fact]
    public async Task Without_the_image_of_the_operator_nothing_is_made()
    {
        await Cluster.ApplyAsync(Pair);
        using ControllerProcess controller = Cluster.StartController();
        await UntilAsync("er", "Degraded", "True", "InvalidSpec", "start the controller with --hold-image");
        Assert.Null(await FindAsync("deployments", "er"));
    }

    [Fact]
    public async Task A_router_that_redirects_all_ports_does_not_become_a_pair()
    {
        JsonObject single = RouterSamples.Router("er", new JsonObject { ["fallbackIP"] = "203.0.113.26" }, "192.168.12.99/24");
        await Cluster.ApplyAsync(single);
        using ControllerProcess controller = Cluster.StartController("--hold-image", "example.com/egress-operator:1");
        await UntilAsync("er", "Progressing", "True", "RollingOut");
        single["metadata"]!["annotations"] = new JsonObject { ["egress-router-cni.io/replicas"] = "2" };
        await Cluster.ApplyAsync(single);
        await UntilAsync("er", "Degraded", "True", "InvalidSpec", "which a pair needs itself");
        Assert.Equal(1, (int)(await MadeAsync("deployments", "er"))["spec"]!["replicas"]!);
        Assert.Null(await FindAsync("secrets", "er"));
    }

    [Fact]
    public async Task An_account_of_that_name_that_is_not_ours_is_not_touched()
    {
        JsonObject foreign = Samples.Of(
            "v1", "ServiceAccount", "er", new JsonObject { ["metadata"] = new JsonObject { ["namespace"] = RouterSamples.Space } });
        await Cluster.ApplyAsync(foreign);
        await Cluster.ApplyAsync(Pair);
        using ControllerProcess controller = Cluster.StartController("--hold-image", "example.com/egress-operator:1");
        await UntilAsync("er", "Degraded", "True", "NameTaken", "ServiceAccount er exists and is not of this EgressRouter");
        Assert.Null(await FindAsync("deployments", "er"));
        Assert.Null((await MadeAsync("serviceaccounts", "er"))["metadata"]!["ownerReferences"]);
        await Cluster.DeleteAsync("serviceaccounts", "er", RouterSamples.Space);
    }

    private static JsonObject Asking(string replicas)
    {
        JsonObject router = RouterSamples.Router("er", "192.168.12.99/24");
        router["metadata"]!["annotations"] = new JsonObject { ["egress-router-cni.io/replicas"] = replicas };
        return router;
    }

    /// <summary>A pod of the Deployment that does not end by itself.</summary>
    private static JsonObject LastingPod(JsonObject deployment)
    {
        JsonObject pod = RouterSamples.RunningPod(deployment, "192.168.12.99");
        pod["metadata"]!["finalizers"] = new JsonArray("example.com/lasting");
        pod["metadata"]!["ownerReferences"] = new JsonArray(new JsonObject
        {
            ["apiVersion"] = "apps/v1",
            ["kind"] = "Deployment",
            ["name"] = "er",
            ["uid"] = (string)deployment["metadata"]!["uid"]!,
            ["controller"] = true,
            ["blockOwnerDeletion"] = true,
        });
        return pod;
    }

    /// <summary>The pod ends. The garbage collector, which only the tests' own server has, then lets its Deployment go.</summary>
    private async Task CollectAsync()
    {
        if ((await MadeAsync("pods", "er-abcde"))["metadata"]!["deletionTimestamp"] is null)
        {
            await Cluster.DeleteAsync("pods", "er-abcde", RouterSamples.Space);
        }

        await WithoutFinalizersAsync("v1", "Pod", "er-abcde");
        if ((await FindAsync("deployments", "er"))?["metadata"]!["deletionTimestamp"] is not null)
        {
            await WithoutFinalizersAsync("apps/v1", "Deployment", "er");
        }

        Task WithoutFinalizersAsync(string apiVersion, string kind, string name)
        {
            JsonObject source = Samples.Of(apiVersion, kind, name, []);
            source["metadata"]!["namespace"] = RouterSamples.Space;
            source["metadata"]!["finalizers"] = null;
            return Cluster.ApplyAsync(source);
        }
    }

    private async Task<string> KeyAsync() => (string)(await MadeAsync("secrets", "er"))["data"]!["key"]!;

    /// <summary>A pod of the pair runs. Its network-status has only its own address.</summary>
    private async Task RunPodAsync(string pod)
    {
        JsonObject deployment = await MadeAsync("deployments", "er");
        JsonObject running = RouterSamples.RunningPod(deployment, "169.254.7.1");
        running["metadata"]!["name"] = pod;
        await Cluster.ApplyAsync(running);
        await Cluster.ApplyAsync(RouterSamples.Status(deployment, available: 1));
    }
}
