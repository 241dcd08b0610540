using System.Text;
using EgressOperator.Objects;
using EgressRouter.Tools;

namespace EgressOperator.Tests;

/// <summary>Input that is refused as a whole, with the place and the reason.</summary>
public class InvalidInputTests
{
    private const string EgressIP =
        "{apiVersion: k8s.ovn.org/v1, kind: EgressIP, metadata: {name: a}, spec: {egressIPs: [10.0.0.1], namespaceSelector: {}}}";

    private const string Node =
        "{apiVersion: v1, kind: Node, metadata: {name: n1, labels: {env: prod}, annotations: {KEY: 'VALUE'}}, status: {conditions: []}}";

    private const string EgressNode = "{apiVersion: egressip.egress-router-cni.io/v1alpha1, kind: EgressNode, metadata: {name: n1}, "
        + "status: {networks: [{link: eth0, cidr: 10.0.0.0/24, addresses: [10.0.0.2], gateways: [10.0.0.254]}], egressIPs: [10.0.0.9]}}";

    private const string Pod = "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: s}, "
        + "spec: {nodeName: n1, hostNetwork: false}, status: {phase: Running, podIPs: [{ip: 10.1.0.1}]}}";

    /// <summary>Each is valid before it is changed.</summary>
    [Theory]
    [InlineData(EgressIP)]
    [InlineData(Pod)]
    [InlineData(EgressNode)]
    public void The_objects_here_are_valid(string valid) => Assert.Null(FaultOf(valid + "\n---\n" + Node.Replace("'VALUE'", "'{}'")));

    [Theory]
    [InlineData("kind: EgressIP, ", "", "1:1: kind: is missing")]
    [InlineData("apiVersion: k8s.ovn.org/v1, ", "", "1:1: apiVersion: is missing")]
    [InlineData("ovn.org/v1", "ovn.org/v2", "1:14: EgressIP a: apiVersion: must be k8s.ovn.org/v1")]
    [InlineData("{name: a}", "{generateName: a}", "1:56: EgressIP: metadata.name: is missing")]
    [InlineData("{name: a}", "a", "1:56: EgressIP: metadata: must be an object")]
    [InlineData("name: a", "name: 12", "1:63: EgressIP: metadata.name: must be a string: put 12 in quotes")]
    [InlineData("name: a", "name: a, creationTimestamp: yesterday",
        "EgressIP a: metadata.creationTimestamp: \"yesterday\" is not a time such as 2026-01-31T12:00:00Z")]
    [InlineData("egressIPs: [10.0.0.1], ", "", "EgressIP a: spec.egressIPs: is missing")]
    [InlineData("[10.0.0.1]", "10.0.0.1", "EgressIP a: spec.egressIPs: must be a list")]
    [InlineData("[10.0.0.1]", "[10.0.0.1, 10]", "EgressIP a: spec.egressIPs[1]: must be a string: put 10 in quotes")]
    [InlineData("[10.0.0.1]", "[{ip: 10.0.0.1}]", "EgressIP a: spec.egressIPs[0]: must be a string")]
    [InlineData("[10.0.0.1]", "[null]", "EgressIP a: spec.egressIPs[0]: must be a string")]
    [InlineData(", namespaceSelector: {}", "", "EgressIP a: spec.namespaceSelector: is missing ({} selects all namespaces)")]
    [InlineData("namespaceSelector", "nameSpaceSelector",
        "EgressIP a: spec.nameSpaceSelector: is unknown; known here: egressIPs, namespaceSelector, podSelector")]
    [InlineData("Selector: {}", "Selector: {env: prod}",
        "EgressIP a: spec.namespaceSelector.env: is unknown; known here: matchLabels, matchExpressions")]
    [InlineData("Selector: {}", "Selector: {matchLabels: {env: yes}}",
        "EgressIP a: spec.namespaceSelector.matchLabels[env]: must be a string: put yes in quotes")]
    [InlineData("Selector: {}", "Selector: {matchExpressions: [{key: a}]}",
        "EgressIP a: spec.namespaceSelector.matchExpressions[0].operator: is missing")]
    [InlineData("Selector: {}", "Selector: {matchExpressions: [{key: a, operator: In, values: b}]}",
        "EgressIP a: spec.namespaceSelector.matchExpressions[0].values: must be a list")]
    [InlineData("Selector: {}}", "Selector: {}}, status: {items: [{node: n1}]}", "EgressIP a: status.items[0].egressIP: is missing")]
    [InlineData("name: a", "name: a, name: b", "1:66: it is neither JSON nor YAML: Duplicate key name")]
    [InlineData("name: a", "[name]: a", "1:57: a key is no text")]
    [InlineData("}, spec", "]}, spec", "it is neither JSON nor YAML: ")]
    public void An_EgressIP_is_refused(string part, string instead, string fault) => AssertRefused(EgressIP, part, instead, fault);

    [Theory]
    [InlineData("env: prod", "env: true", "1:65: Node n1: metadata.labels[env]: must be a string: put true in quotes")]
    [InlineData("conditions: []", "conditions: {}", "Node n1: status.conditions: must be a list")]
    [InlineData("conditions: []", "conditions: [Ready]", "Node n1: status.conditions[0]: must be an object")]
    [InlineData("apiVersion: v1", "apiVersion: v1beta1", "1:14: Node n1: apiVersion: must be v1")]
    public void A_Node_is_refused(string part, string instead, string fault) => AssertRefused(Node, part, instead, fault);

    [Theory]
    [InlineData("k8s.ovn.org/node-primary-ifaddr", "10.0.0.1/24", ": must be an object")]
    [InlineData("k8s.ovn.org/node-primary-ifaddr", "{\"ipv4\":\"10.0.0.1\"}", ".ipv4: 10.0.0.1 has no prefix length")]
    [InlineData("k8s.ovn.org/node-primary-ifaddr", "{\"ipv4\":\"10.0.0.1/33\"}",
        ".ipv4: prefix length \"33\" is not a number from 0 to 32")]
    [InlineData("k8s.ovn.org/node-primary-ifaddr", "{", ":2:1: it is neither JSON nor YAML: ")]
    [InlineData("k8s.ovn.org/host-cidrs", "[\"10.0.0.1/24\",\"10.0.0\"]",
        "[1]: \"10.0.0\" is not an IPv4 address (four decimal octets, no leading zeros)")]
    [InlineData("k8s.ovn.org/host-cidrs", "[]\n---\n[]", ": must be one JSON value")]
    [InlineData("k8s.ovn.org/host-addresses", "[\"node\"]", "[0]: \"node\" is not an IP address")]
    [InlineData("k8s.ovn.org/bridge-egress-ips", "[5]", "[0]: must be a string: put 5 in quotes")]
    [InlineData("k8s.ovn.org/l3-gateway-config", "{\"default\":{\"next-hops\":[\"x\"]}}",
        "[default].next-hops[0]: \"x\" is not an IP address")]
    [InlineData("cloud.network.openshift.io/egress-ipconfig", "[{\"capacity\":{\"ip\":-1}}]",
        "[0].capacity.ip: must be a number from 0 to 2147483647")]
    [InlineData("cloud.network.openshift.io/egress-ipconfig", "[{\"capacity\":{\"ipv4\":\"14\"}}]",
        "[0].capacity.ipv4: must be a number from 0 to 2147483647")]
    public void An_annotation_is_refused(string key, string value, string fault) =>
        AssertRefused(
            Node, "KEY: 'VALUE'", $"{key}: {System.Text.Json.JsonSerializer.Serialize(value)}",
            $"Node n1: metadata.annotations[{key}]{fault}");

    [Theory]
    [InlineData("link: eth0, ", "", "EgressNode n1: status.networks[0].link: is missing")]
    [InlineData("10.0.0.0/24", "10.0.0.1/24",
        "EgressNode n1: status.networks[0].cidr: 10.0.0.1/24 is an address; its network is 10.0.0.0/24")]
    [InlineData("[10.0.0.2]", "[10.0.1.2]", "EgressNode n1: status.networks[0].addresses[0]: 10.0.1.2 is not in 10.0.0.0/24")]
    [InlineData("10.0.0.254", "010.0.0.254", "EgressNode n1: status.networks[0].gateways[0]: \"010.0.0.254\" is not an IP address")]
    [InlineData("[10.0.0.9]", "[a]", "EgressNode n1: status.egressIPs[0]: \"a\" is not an IP address")]
    public void An_EgressNode_is_refused(string part, string instead, string fault) =>
        AssertRefused(EgressNode + "\n---\n" + Node.Replace("'VALUE'", "'{}'"), part, instead, fault);

    [Theory]
    [InlineData("phase: Running", "phase: Gone", "Pod s/p: status.phase: \"Gone\" is none of Pending, Running, Succeeded, Failed, Unknown")]
    [InlineData("hostNetwork: false", "hostNetwork: \"false\"", "Pod s/p: spec.hostNetwork: must be true or false")]
    [InlineData("ip: 10.1.0.1", "ip: 10.1.0.256", "Pod s/p: status.podIPs[0].ip: \"10.1.0.256\" is not an IP address")]
    [InlineData("ip: 10.1.0.1", "ip: ''", "Pod s/p: status.podIPs[0].ip: is missing")]
    [InlineData("name: p, namespace: s", "name: \"p\\e[31m\", namespace: s, labels: []",
        "Pod s/p\\u001b[31m: metadata.labels: must be an object")]
    public void A_Pod_is_refused(string part, string instead, string fault) => AssertRefused(Pod, part, instead, fault);

    [Theory]
    [InlineData("- a", "standard input:1:1: must be an object")]
    [InlineData("just text", "standard input:1:1: must be an object")]
    [InlineData("{kind: List, apiVersion: v1, items: [7]}", "standard input:1:38: must be an object")]
    [InlineData("a: &a {b: *a}", "standard input: with its anchors written out it has more than 4,194,304 nodes")]
    public void What_is_no_object_is_refused(string input, string fault) => Assert.Equal(fault, FaultOf(input));

    [Fact]
    public void One_invalid_object_of_many_refuses_all()
    {
        string input = $"{EgressIP}\n---\n{Pod.Replace("Running", "Gone", StringComparison.Ordinal)}\n---\n{Node}\n";
        Outcome outcome = Operator.Run("simulate -f -", input);
        Assert.Equal((2, ""), (outcome.ExitCode, outcome.Stdout));
        Assert.StartsWith("egress-operator: standard input:3:", outcome.Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public void Nested_aliases_and_long_files_are_refused()
    {
        string bomb = "a0: &a0 [x,x]\n" + string.Concat(Enumerable.Range(1, 40).Select(n => $"a{n}: &a{n} [*a{n - 1},*a{n - 1}]\n"));
        Assert.Equal("standard input: with its anchors written out it has more than 4,194,304 nodes", FaultOf(bomb));
        Assert.Equal("standard input: it is longer than 33554432 bytes", FaultOf(new string(' ', 33554433)));
    }

    /// <summary>JSON has no aliases. Those of YAML make much of little.</summary>
    [Fact]
    public void Aliases_in_an_annotation_are_refused()
    {
        string value = $"{{a: &a {{next-hops: [{string.Join(',', Enumerable.Repeat("10.0.0.1", 1000))}]}}"
            + $"{string.Concat(Enumerable.Range(0, 1000).Select(index => $", b{index}: *a"))}}}";
        string node = Node.Replace("KEY", "k8s.ovn.org/l3-gateway-config", StringComparison.Ordinal);
        string? fault = FaultOf(node.Replace("VALUE", value, StringComparison.Ordinal));
        Assert.EndsWith("must be one JSON value", fault, StringComparison.Ordinal);
    }

    /// <summary>The API server accepts them, and an object that is not read would lose its addresses.</summary>
    [Theory]
    [InlineData("Selector: {}", "Selector: {matchExpressions: [{key: '', operator: ''}]}")]
    [InlineData("Selector: {}}", "Selector: {}}, status: {items: [{node: '', egressIP: ''}]}")]
    public void Empty_texts_are_read(string part, string instead) =>
        Assert.Null(FaultOf(EgressIP.Replace(part, instead, StringComparison.Ordinal)));

    private static void AssertRefused(string valid, string part, string instead, string fault)
    {
        Assert.Contains(part, valid, StringComparison.Ordinal);
        string? found = FaultOf(valid.Replace(part, instead, StringComparison.Ordinal));
        Assert.StartsWith("standard input:1:", found, StringComparison.Ordinal);
        Assert.Contains(fault, found, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", found, StringComparison.Ordinal);
    }

    private static string? FaultOf(string input)
    {
        try
        {
            var reader = new ClusterReader(KubernetesObject.ReadAll("-", new MemoryStream(Encoding.UTF8.GetBytes(input))));
            _ = reader.Read([]);
            return null;
        }
        catch (UsageException fault)
        {
            return fault.Message;
        }
    }
}
