using System.Text.Json.Nodes;
using EgressOperator.Tests.Controller;
using EgressRouter.Legacy;

namespace EgressOperator.Tests.Routers;

/// <summary>What the controller makes of EgressRouters. The same for each API server.</summary>
public abstract class RouterScenarios : RouterTests
{
    private static readonly string[] _made = [Attachments, "deployments", "services"];

    [Fact]
    public async Task All_objects_are_those_of_convert() // B1, B6
    {
        JsonObject router = RouterSamples.Router("er", "192.168.12.99/24");
        router["spec"]!["addresses"]![0]!["gateway"] = "192.168.12.1";
        router["spec"]!["networkInterface"]!["macvlan"] = new JsonObject { ["mode"] = "Private", ["master"] = "eth1" };
        await Cluster.ApplyAsync(router);
        using ControllerProcess controller = Cluster.StartController();
        await UntilAsync("er", "Progressing", "True", "RollingOut");
        LegacyRouter read = Assert.Single(LegacyReader.FromYaml(router.ToJsonString(), "er").Routers);
        string written = LegacyManifest.Of(read, space: null, image: null);
        foreach (string resource in _made)
        {
            JsonNode owner = Assert.Single((await MadeAsync(resource, "er"))["metadata"]!["ownerReferences"]!.AsArray())!;
            Assert.Equal("EgressRouter er", $"{owner["kind"]} {owner["name"]}");
            Assert.True((bool)owner["controller"]! && (bool)owner["blockOwnerDeletion"]!);
        }

        // Byte for byte: the text of the configuration is indented by four blanks in the manifest.
        string config = (string)(await MadeAsync(Attachments, "er"))["spec"]!["config"]!;
        string indented = config.Replace("\n", "\n    ", StringComparison.Ordinal);
        Assert.Contains($"  config: |-\n    {indented}\n", written, StringComparison.Ordinal);
        Assert.Contains("\"mode\": \"private\"", config, StringComparison.Ordinal);
        Assert.Contains("\"master\": \"eth1\"", config, StringComparison.Ordinal);
        Assert.Contains("\"80 tcp 203.0.113.26 8080\"", config, StringComparison.Ordinal);
        JsonNode deployment = (await MadeAsync("deployments", "er"))["spec"]!;
        Assert.Equal("1 Recreate", $"{deployment["replicas"]} {deployment["strategy"]!["type"]}");
        JsonNode port = Assert.Single((await MadeAsync("services", "er"))["spec"]!["ports"]!.AsArray())!;
        Assert.Equal("tcp-80 TCP 80", $"{port["name"]} {port["protocol"]} {port["port"]}");
    }

    [Fact]
    public async Task It_is_available_when_the_pod_has_its_addresses() // B2, B3
    {
        await Cluster.ApplyAsync(RouterSamples.Router("er", "192.168.12.99/24"));
        await Cluster.ApplyAsync(RouterSamples.Router("other", "192.168.12.98/24"));
        using ControllerProcess controller = Cluster.StartController();
        foreach ((string name, string address) in ((string, string)[])[("er", "192.168.12.99"), ("other", "192.168.12.98")])
        {
            await UntilAsync(name, "Available", "False", "NotReady");
            await RunAsync(name, "192.168.12.1");
            await UntilAsync(name, "Available", "False", "AddressMissing", address);
            await RunAsync(name, address);
            await UntilAsync(name, "Available", "True", "Running", address);
            await UntilAsync(name, "Progressing", "False", "AsExpected");
            await UntilAsync(name, "Degraded", "False", "AsExpected");
        }

        Assert.Empty(await EventsAsync());
        (_, string metrics) = await controller.HttpAsync("/metrics");
        Assert.Contains("\negress_operator_available_egressrouters 2\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\negress_operator_degraded_egressrouters 0\n", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_last_destination_needs_a_Service_without_an_address() // B4
    {
        await Cluster.ApplyAsync(RouterSamples.Router("er", "192.168.12.99/24"));
        using ControllerProcess controller = Cluster.StartController();
        await UntilAsync("er", "Progressing", "True");
        Assert.NotEqual("None", (string?)(await MadeAsync("services", "er"))["spec"]!["clusterIP"]);
        await Cluster.ApplyAsync(RouterSamples.Router("er", new JsonObject { ["fallbackIP"] = "203.0.113.27" }, "192.168.12.99/24"));
        await Cluster.UntilAsync(
            async () => (string?)(await FindAsync("services", "er"))?["spec"]!["clusterIP"] == "None", () => "the Service is as before");
        Assert.Contains(
            "\"fallbackIP\": \"203.0.113.27\"", (string)(await MadeAsync(Attachments, "er"))["spec"]!["config"]!, StringComparison.Ordinal);
        await RunAsync("er", "192.168.12.99");
        await UntilAsync("er", "Available", "True", "Running", "every port is redirected");
    }

    [Fact]
    public async Task Both_families_need_no_gateway() // B5
    {
        await Cluster.ApplyAsync(RouterSamples.Router("er", "192.168.12.99/24", "fd00:12::99/64"));
        using ControllerProcess controller = Cluster.StartController();
        await UntilAsync("er", "Progressing", "True");
        var config = JsonNode.Parse((string)(await MadeAsync(Attachments, "er"))["spec"]!["config"]!)!;
        Assert.Equal("""["192.168.12.99/24","fd00:12::99/64"]""", config["ip"]!["addresses"]!.ToJsonString());
        Assert.Null(config["ip"]!["gateways"]);
        await RunAsync("er", "192.168.12.99");
        await UntilAsync("er", "Available", "False", "AddressMissing", "fd00:12::99");
        await RunAsync("er", "192.168.12.99", "fd00:12::99");
        await UntilAsync("er", "Available", "True");
    }

    [Theory]
    [InlineData("192.168.12.99", 1, "spec.addresses[0].ip: \"192.168.12.99\" is no address with its prefix length")] // B7
    [InlineData("192.168.12.99/24", 0, "spec.redirect: there is nothing to redirect to")] // B18
    [InlineData("127.0.0.1/8", 1, "spec.addresses[0].ip: \"127.0.0.1/8\": ")]
    public async Task A_faulty_spec_makes_nothing_and_is_told_once(string address, int rules, string message)
    {
        JsonArray list = [.. Enumerable.Repeat(80, rules).Select(RouterSamples.Rule)];
        await Cluster.ApplyAsync(RouterSamples.Router("er", new JsonObject { ["redirectRules"] = list }, address));
        using ControllerProcess controller = Cluster.StartController();
        await UntilAsync("er", "Degraded", "True", "InvalidSpec", message);
        await UntilAsync("er", "Available", "False", "InvalidSpec");
        await UntilAsync("er", "Progressing", "False", "InvalidSpec");
        await UntilEventsAsync("er: InvalidSpec");
        foreach (string resource in _made)
        {
            Assert.Null(await FindAsync(resource, "er"));
        }

        await Cluster.ApplyAsync(RouterSamples.Router("er", "192.168.12.99/24"));
        await UntilAsync("er", "Degraded", "False");
        Assert.Equal(["er: InvalidSpec"], await EventsAsync());
    }

    [Fact]
    public async Task A_spec_that_becomes_faulty_leaves_the_router_as_it_is()
    {
        await Cluster.ApplyAsync(RouterSamples.Router("er", "192.168.12.99/24"));
        using ControllerProcess controller = Cluster.StartController();
        await UntilAsync("er", "Progressing", "True");
        await RunAsync("er", "192.168.12.99");
        await UntilAsync("er", "Available", "True");
        string before = (string)(await MadeAsync(Attachments, "er"))["spec"]!["config"]!;
        await Cluster.ApplyAsync(RouterSamples.Router("er", "192.168.12.98"));
        await UntilAsync("er", "Degraded", "True", "InvalidSpec");
        await UntilAsync("er", "Available", "True", "Running");
        Assert.Equal(before, (string)(await MadeAsync(Attachments, "er"))["spec"]!["config"]!);
    }

    [Fact]
    public async Task A_new_configuration_makes_a_new_pod() // B8
    {
        await Cluster.ApplyAsync(RouterSamples.Router("er", "192.168.12.99/24"));
        using ControllerProcess controller = Cluster.StartController();
        await UntilAsync("er", "Progressing", "True");
        await RunAsync("er", "192.168.12.99");
        await UntilAsync("er", "Progressing", "False");
        string? before = await HashAsync();
        await Cluster.ApplyAsync(RouterSamples.Router(
            "er", new JsonObject { ["redirectRules"] = new JsonArray(RouterSamples.Rule(81)) }, "192.168.12.99/24"));
        await UntilAsync("er", "Progressing", "True", "RollingOut");
        Assert.NotNull(before);
        Assert.NotEqual(before, await HashAsync());
        JsonNode port = Assert.Single((await MadeAsync("services", "er"))["spec"]!["ports"]!.AsArray())!;
        Assert.Equal(81, (int)port["port"]!);
        await RunAsync("er", "192.168.12.99");
        await UntilAsync("er", "Progressing", "False");

        async Task<string?> HashAsync() => (string?)(await MadeAsync("deployments", "er"))
            ["spec"]!["template"]!["metadata"]!["annotations"]!["egress-router-cni.io/config-hash"];
    }

    [Fact]
    public async Task What_others_change_is_put_back_and_what_they_add_stays() // B10
    {
        await Cluster.ApplyAsync(RouterSamples.Router("er", "192.168.12.99/24"));
        using ControllerProcess controller = Cluster.StartController();
        await UntilAsync("er", "Progressing", "True");
        string config = (string)(await MadeAsync(Attachments, "er"))["spec"]!["config"]!;
        string service = (string)(await MadeAsync("services", "er"))["metadata"]!["uid"]!;
        await Cluster.ApplyAsync(Part("k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition", "spec", "config", "{}"));
        await Cluster.ApplyAsync(Part("apps/v1", "Deployment", "spec", "replicas", 3));
        await Cluster.ApplyAsync(Part("apps/v1", "Deployment", "metadata", "annotations", new JsonObject { ["team"] = "billing" }));
        await Cluster.DeleteAsync("services", "er", RouterSamples.Space);
        await Cluster.UntilAsync(
            async () => (string)(await MadeAsync(Attachments, "er"))["spec"]!["config"]! == config
                && (int)(await MadeAsync("deployments", "er"))["spec"]!["replicas"]! == 1
                && (string?)(await FindAsync("services", "er"))?["metadata"]!["uid"] is string uid && uid != service,
            () => "something is not put back");
        Assert.Equal("billing", (string?)(await MadeAsync("deployments", "er"))["metadata"]!["annotations"]!["team"]);
        await UntilEventsAsync("er: Restored", "er: Restored", "er: Restored");
    }

    [Fact]
    public async Task An_object_of_that_name_that_is_not_ours_is_not_touched() // B11
    {
        JsonObject foreign = Samples.Of("v1", "Service", "er", new JsonObject
        {
            ["metadata"] = new JsonObject { ["namespace"] = RouterSamples.Space },
            ["spec"] = new JsonObject { ["ports"] = new JsonArray(new JsonObject { ["port"] = 443 }) },
        });
        await Cluster.ApplyAsync(foreign);
        string before = (await MadeAsync("services", "er")).ToJsonString();
        await Cluster.ApplyAsync(RouterSamples.Router("er", "192.168.12.99/24"));
        using ControllerProcess controller = Cluster.StartController();
        await UntilAsync("er", "Degraded", "True", "NameTaken", "Service er exists and is not of this EgressRouter");
        Assert.Equal(before, (await MadeAsync("services", "er")).ToJsonString());
        Assert.Null(await FindAsync(Attachments, "er"));
        Assert.Null(await FindAsync("deployments", "er"));
        await UntilEventsAsync("er: NameTaken");
    }

    [Fact]
    public async Task The_plugins_own_words_are_in_the_status() // B15
    {
        await Cluster.ApplyAsync(RouterSamples.Router("er", "192.168.12.99/24"));
        using ControllerProcess controller = Cluster.StartController();
        await UntilAsync("er", "Progressing", "True");
        JsonObject deployment = await MadeAsync("deployments", "er");
        await Cluster.ApplyAsync(RouterSamples.Status(deployment, available: 0));
        await Cluster.ApplyAsync(RouterSamples.NewPod(deployment));
        await UntilAsync("er", "Degraded", "False");
        const string words = "plugin type=\"egress-router\" failed (add): parent eth1: no such link";
        await Cluster.ApplyAsync(RouterSamples.SandboxEvent(await Cluster.GetAsync("pods", "er-abcde"), words));
        await UntilAsync("er", "Degraded", "True", "PodFails", $"pod er-abcde: {words}");
        await UntilEventsAsync("er: PodFails");
        await RunAsync("er", "192.168.12.99");
        await UntilAsync("er", "Degraded", "False", "AsExpected");
    }

    [Fact]
    public async Task An_address_has_one_user()
    {
        await Cluster.ApplyAsync(RouterSamples.Router("first", "192.168.12.99/24"));
        using ControllerProcess controller = Cluster.StartController();
        await UntilAsync("first", "Progressing", "True");
        await Cluster.ApplyAsync(RouterSamples.Router("second", "192.168.12.98/24", "192.168.12.99/32"));
        await UntilAsync("second", "Degraded", "True", "AddressInUse", "192.168.12.99 belongs to EgressRouter default/first");
        Assert.Null(await FindAsync("deployments", "second"));
        await Cluster.ApplyAsync(RouterSamples.Router("first", "192.168.12.97/24"));
        await UntilAsync("second", "Degraded", "False");
        // Older, but it comes too late.
        await Cluster.ApplyAsync(RouterSamples.Router("first", "192.168.12.98/24"));
        await UntilAsync("first", "Degraded", "True", "AddressInUse", "192.168.12.98 belongs to EgressRouter default/second");
    }

    [Fact]
    public async Task OpenShifts_definition_has_no_observedGeneration()
    {
        await using IAsyncDisposable whole = await Cluster.WithoutFieldAsync(
            "egressrouters.network.operator.openshift.io", "status.conditions.observedGeneration");
        await Cluster.ApplyAsync(RouterSamples.Router("er", "192.168.12.99/24"));
        using ControllerProcess controller = Cluster.StartController();
        await UntilAsync("er", "Progressing", "True", "RollingOut");
        await RunAsync("er", "192.168.12.99");
        await UntilAsync("er", "Available", "True", "Running");
        Assert.All(
            (await Cluster.GetAsync("egressrouters", "er"))["status"]!["conditions"]!.AsArray(),
            one => Assert.Null(one!["observedGeneration"]));
    }

    [Fact]
    public async Task It_refuses_a_cluster_whose_network_operator_does_the_same() // B20
    {
        await Cluster.ApplyAsync(JsonNode.Parse("""
            {
              "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
              "metadata": { "name": "clusteroperators.config.openshift.io" },
              "spec": {
                "group": "config.openshift.io", "scope": "Cluster", "names": { "kind": "ClusterOperator", "plural": "clusteroperators" },
                "versions": [{
                  "name": "v1", "served": true, "storage": true,
                  "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } }
                }]
              }
            }
            """)!.AsObject());
        try
        {
            JsonObject network = Samples.Of("config.openshift.io/v1", "ClusterOperator", "network", []);
            await Cluster.UntilAsync(() => Cluster.TryApplyAsync(network), () => "the kind is not served");
            using ControllerProcess controller = Cluster.StartController();
            Assert.Equal(2, controller.UntilItEnds());
            Assert.EndsWith(
                "egress-operator: OpenShift's network operator serves EgressRouters in this cluster (there is a ClusterOperator network): "
                + "start with --egress-router=false", controller.Log.TrimEnd(), StringComparison.Ordinal);
            using ControllerProcess other = Cluster.StartController("--egress-router=false");
            other.UntilItLeads();
        }
        finally
        {
            await Cluster.DeleteAsync("customresourcedefinitions", "clusteroperators.config.openshift.io");
        }
    }

    private static JsonObject Part(string apiVersion, string kind, string part, string key, JsonNode value)
    {
        JsonObject source = Samples.Of(apiVersion, kind, "er", []);
        source["metadata"]!["namespace"] = RouterSamples.Space;
        (source[part] ??= new JsonObject())[key] = value;
        return source;
    }
}
