using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using EgressOperator.Objects;
using EgressOperator.Routers;
using EgressRouter.Legacy;
using EgressRouter.Tools;

namespace EgressOperator.Tests.Routers;

/// <summary>What is made of an EgressRouter, and what is wrong with one.</summary>
public class RenderedRouterTests
{
    private const string Valid = """{ "addresses": [{ "ip": "192.168.12.99/24" }], "redirect": { "fallbackIP": "203.0.113.26" } }""";

    private const string ValidPair = """
        { "addresses": [{ "ip": "192.168.12.99/24" }],
          "redirect": { "redirectRules": [{ "port": 80, "protocol": "TCP", "destinationIP": "203.0.113.26" }] } }
        """;

    private static readonly RouterImages _images = new(Hold: "example.com/egress-operator");

    public static TheoryData<string, string[]> Faulty => new()
    {
        {
            """
            { "addresses": [{ "ip": "192.168.12.99", "gateway": "x" }],
              "redirect": { "redirectRules": [{ "port": 80, "protocol": "TCP", "destinationIP": "y" }] } }
            """,
            [
                "spec.addresses[0].ip: \"192.168.12.99\" is no address with its prefix length, such as 192.168.12.99/24",
                "spec.addresses[0].gateway: \"x\" is no IP address",
                "spec.redirect.redirectRules[0].destinationIP: \"y\" is no IP address",
            ]
        },
        { """{ "addresses": [{ "ip": "192.168.12.99/24" }] }""", ["spec.redirect is missing"] },
        {
            """{ "addresses": [], "redirect": { "redirectRules": [], "fallbackIP": "" } }""",
            ["spec.addresses is missing or empty", "spec.redirect: there is nothing to redirect to: neither a redirectRule nor fallbackIP"]
        },
        {
            """
            { "addresses": [{ "ip": "192.168.12.99/24", "gateway": "192.168.13.1" }, { "ip": "fd00:12::99/129" }],
              "redirect": { "fallbackIP": "203.0.113.26." } }
            """,
            [
                "spec.addresses[1].ip: \"fd00:12::99/129\" is no address with its prefix length, such as 192.168.12.99/24",
                "spec.redirect.fallbackIP: \"203.0.113.26.\" is no IP address",
            ]
        },
        {
            """
            { "addresses": [{ "ip": "192.168.12.99/24", "gateway": "192.168.13.1" }],
              "redirect": { "fallbackIP": "203.0.113.26" } }
            """,
            ["spec.addresses[0].gateway: \"192.168.13.1\": is outside the subnet of the egress address; for an on-link gateway, "
                + "write the address with /32 or /128"]
        },
    };

    [Theory]
    [MemberData(nameof(Faulty))]
    public void Each_fault_has_its_path(string spec, string[] faults)
    {
        var rendered = RenderedRouter.Of(Router(spec), _images);
        Assert.Equal(string.Join('\n', faults), string.Join('\n', rendered.Faults));
        Assert.Empty(rendered.Objects);
    }

    /// <summary>Owner, labels and hashes are all that is added.</summary>
    [Fact]
    public void The_objects_are_those_of_convert()
    {
        JsonElement source = Router(Valid);
        JsonObject input = JsonNode.Parse(source.GetRawText())!.AsObject();
        input["apiVersion"] = "network.operator.openshift.io/v1";
        input["kind"] = "EgressRouter";
        string written = LegacyManifest.Of(
            Assert.Single(LegacyReader.FromYaml(input.ToJsonString(), "er").Routers), space: null, image: null);
        JsonNode[] objects = [.. YamlText.Read(written, "er").Select(node => JsonNodes.From(node)!)];
        ImmutableArray<RenderedObject> rendered = RenderedRouter.Of(source, _images).Objects;
        Assert.Equal(3, rendered.Length);
        Assert.All(rendered, made =>
        {
            JsonNode expected = objects.Single(one => (string?)one["kind"] == made.Kind.Kind);
            JsonNode actual = JsonNode.Parse(made.Text)!;
            foreach (JsonNode? metadata in (JsonNode?[])[actual["metadata"], actual["spec"]!["template"]?["metadata"]])
            {
                foreach (string key in (string[])["name", "instance", "managed-by"])
                {
                    metadata?["labels"]!.AsObject().Remove($"app.kubernetes.io/{key}");
                }

                metadata?["annotations"]!.AsObject().Remove("egress-router-cni.io/hash");
                metadata?["annotations"]!.AsObject().Remove("egress-router-cni.io/config-hash");
                metadata?.AsObject().Remove("ownerReferences");
            }

            actual["metadata"]!.AsObject().Remove("annotations");
            if (actual["metadata"]!["labels"]!.AsObject().Count == 0)
            {
                actual["metadata"]!.AsObject().Remove("labels");
            }

            Assert.True(JsonNode.DeepEquals(expected, actual), $"{expected.ToJsonString()}\n{actual.ToJsonString()}");
        });
    }

    [Fact]
    public void A_name_that_no_Service_can_have_is_a_fault()
    {
        JsonObject router = RouterSamples.Router("1.er", "192.168.12.99/24");
        router["metadata"]!["uid"] = "u";
        string fault = Assert.Single(RenderedRouter.Of(JsonSerializer.SerializeToElement(router), _images).Faults);
        Assert.StartsWith("metadata.name: \"1.er\" is no name for a Service", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Fields_that_others_have_added_do_not_count()
    {
        RenderedObject wanted = RenderedRouter.Of(Router(Valid), _images).Objects[2];
        JsonNode actual = JsonNode.Parse(wanted.Text)!;
        Assert.True(IsIn());
        actual["status"] = new JsonObject();
        actual["metadata"]!["labels"]!["team"] = "billing";
        actual["spec"]!["template"]!["spec"]!["containers"]!.AsArray().Insert(0, new JsonObject { ["name"] = "sidecar" });
        Assert.True(IsIn());
        actual["spec"]!["replicas"] = 2;
        Assert.False(IsIn());
        actual["spec"]!["replicas"] = 1;
        actual["spec"]!["template"]!["spec"]!["containers"]![1]!["image"] = "other";
        Assert.False(IsIn());

        bool IsIn() => wanted.IsIn(JsonSerializer.SerializeToElement(actual));
    }

    [Fact]
    public void The_image_can_be_chosen()
    {
        RenderedObject deployment = RenderedRouter.Of(Router(Valid), new RouterImages("example.com/pause")).Objects[2];
        JsonNode container = JsonNode.Parse(deployment.Text)!["spec"]!["template"]!["spec"]!["containers"]![0]!;
        Assert.Equal("example.com/pause", (string?)container["image"]);
        Assert.False((bool)container["securityContext"]!["allowPrivilegeEscalation"]!);
    }

    /// <summary>The pods of a pair run the controller's image too, so it must be known.</summary>
    [Theory]
    [InlineData("2", true, "")]
    [InlineData("1", false, "")]
    [InlineData("3", true, "metadata.annotations.egress-router-cni.io/replicas: egress-router-cni.io/replicas \"3\" is neither 1 nor 2")]
    [InlineData("2", false, "a pair of pods needs the image of egress-operator: start the controller with --hold-image")]
    public void A_pair_is_asked_for_by_an_annotation(string replicas, bool knowsImage, string fault)
    {
        JsonNode router = JsonNode.Parse(Router(ValidPair).GetRawText())!;
        router["metadata"]!["annotations"] = new JsonObject { ["egress-router-cni.io/replicas"] = replicas };
        var rendered = RenderedRouter.Of(JsonSerializer.SerializeToElement(router), knowsImage ? _images : new RouterImages());
        Assert.Equal(fault, string.Join('\n', rendered.Faults));
        if (fault.Length > 0)
        {
            Assert.Empty(rendered.Objects);
            return;
        }

        string[] kinds = replicas == "2"
            ? ["NetworkAttachmentDefinition", "Service", "ServiceAccount", "Role", "RoleBinding", "Deployment"]
            : ["NetworkAttachmentDefinition", "Service", "Deployment"];
        Assert.Equal(kinds, rendered.Objects.Select(made => made.Kind.Kind));
        JsonNode deployment = JsonNode.Parse(rendered.Objects[^1].Text)!;
        string[] images = replicas == "2" ? ["registry.k8s.io/pause:3.10", "example.com/egress-operator"] : ["registry.k8s.io/pause:3.10"];
        Assert.Equal(
            images, deployment["spec"]!["template"]!["spec"]!["containers"]!.AsArray().Select(container => (string?)container!["image"]));
    }

    /// <summary>Such as a redirection that takes the port of the pods' own probes.</summary>
    [Theory]
    [InlineData("1", new string[0])]
    [InlineData("2", new[]
    {
        "spec.redirect.redirectRules[1]: \"9442 tcp 203.0.113.26\": it redirects 9442/tcp (probes of the kubelet), "
            + "which a pair needs itself",
        "spec.redirect.fallbackIP: \"203.0.113.26\": it redirects 9442/tcp (probes of the kubelet) "
            + "and 4793/udp (messages between the pods), which a pair needs itself",
    })]
    public void What_cannot_be_a_pair_is_a_fault(string replicas, string[] faults)
    {
        JsonNode router = JsonNode.Parse(Router(
            """
            { "addresses": [{ "ip": "192.168.12.99/24" }],
              "redirect": { "redirectRules": [{ "port": 80, "protocol": "TCP", "destinationIP": "203.0.113.26" },
                { "port": 9442, "protocol": "TCP", "destinationIP": "203.0.113.26" }], "fallbackIP": "203.0.113.26" } }
            """).GetRawText())!;
        router["metadata"]!["annotations"] = new JsonObject { ["egress-router-cni.io/replicas"] = replicas };
        Assert.Equal(faults, RenderedRouter.Of(JsonSerializer.SerializeToElement(router), _images).Faults);
    }

    private static JsonElement Router(string spec) => JsonSerializer.SerializeToElement(new JsonObject
    {
        ["metadata"] = new JsonObject { ["namespace"] = "default", ["name"] = "er", ["uid"] = "u" },
        ["spec"] = JsonNode.Parse(spec),
    });
}
