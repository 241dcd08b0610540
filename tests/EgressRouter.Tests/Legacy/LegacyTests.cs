using EgressRouter.Legacy;
using EgressRouter.Tools;
using Shared;

namespace EgressRouter.Tests.Legacy;

/// <summary>Every form of the legacy images' grammar: its result, or the refused line and the reason.</summary>
public class LegacyTests
{
    [Theory]
    [InlineData("203.0.113.25", "203.0.113.25")]
    [InlineData("80 tcp 203.0.113.25", "80 tcp 203.0.113.25")]
    [InlineData("80   udp  203.0.113.25", "80   udp  203.0.113.25")]
    [InlineData("8080 tcp 203.0.113.26 80", "8080 tcp 203.0.113.26 80")]
    [InlineData("  80 tcp 203.0.113.25\t", "80 tcp 203.0.113.25")]
    [InlineData("# comment\n\n \t\n#80 tcp x\n80 tcp 203.0.113.25", "80 tcp 203.0.113.25")]
    [InlineData("80 tcp 203.0.113.25\n8080 tcp 203.0.113.26 80\n203.0.113.27", "80 tcp 203.0.113.25|8080 tcp 203.0.113.26 80|203.0.113.27")]
    [InlineData("80 tcp \\\n203.0.113.25", "80 tcp 203.0.113.25")]
    [InlineData("80 \\tcp 203.0.113.25", "80 tcp 203.0.113.25")]
    [InlineData("080 tcp 203.0.113.25 0081", "80 tcp 203.0.113.25 81")]
    public void What_is_carried_over(string destination, string expected)
    {
        LegacyResult result = Read(destination);
        Assert.Empty(result.Faults);
        LegacyRouter router = Assert.Single(result.Routers);
        Assert.Equal(expected, string.Join('|', router.Destinations.Select(line => line.Text)));
        Assert.Equal("192.168.12.99/32", Assert.Single(router.Addresses).Text);
        AssertValid(router);
    }

    [Theory]
    [InlineData("", 0, "EGRESS_DESTINATION unspecified")]
    [InlineData("203.0.113.25\n80 tcp 203.0.113.26", 4, "EGRESS_DESTINATION fallback IP must be the last line")]
    [InlineData("203.0.113.25\n203.0.113.26", 4, "EGRESS_DESTINATION fallback IP must be the last line")]
    [InlineData("80 tcp 203.0.113.25\n80 udp 203.0.113.25", 4,
        "EGRESS_DESTINATION localport 80 is already used, must be unique for each destination")]
    [InlineData("80\ttcp 203.0.113.25", 3, "EGRESS_DESTINATION value '80\ttcp 203.0.113.25' is invalid")]
    [InlineData("80 TCP 203.0.113.25", 3, "EGRESS_DESTINATION value '80 TCP 203.0.113.25' is invalid")]
    [InlineData("80 sctp 203.0.113.25", 3, "EGRESS_DESTINATION value '80 sctp 203.0.113.25' is invalid")]
    [InlineData("80 tcp 203.0.113.25/32", 3, "EGRESS_DESTINATION value '80 tcp 203.0.113.25/32' is invalid")]
    [InlineData("80 tcp 203.0.113.25 81 # x", 3, "EGRESS_DESTINATION value '80 tcp 203.0.113.25 81 # x' is invalid")]
    [InlineData("80 tcp example.com", 3, "EGRESS_DESTINATION value '80 tcp example.com' is invalid")]
    [InlineData("2001:db8::1", 3, "EGRESS_DESTINATION value '2001:db8::1' is invalid")]
    [InlineData("\n0 tcp 203.0.113.25", 4, "invalid port: 0, must be in the range 1 to 65535")]
    [InlineData("80 tcp 203.0.113.25 65536", 3, "invalid port: 65536, must be in the range 1 to 65535")]
    [InlineData("# a \\\n80 tcp 1.2.3.4\n80 tcp 203.0.113.999", 5,
        "\"80 tcp 203.0.113.999\": \"203.0.113.999\" is not an IPv4 address (four decimal octets, no leading zeros)")]
    [InlineData("80 tcp 203.0.113.25\n81 tcp 192.168.12.99", 4, "\"81 tcp 192.168.12.99\": 192.168.12.99 is the egress address itself")]
    public void What_is_refused(string destination, int line, string reason)
    {
        LegacyFault fault = Assert.Single(Read(destination).Faults);
        Assert.Equal((line, reason), (fault.Line, fault.Reason));
    }

    [Theory]
    [InlineData("EGRESS_GATEWAY=192.168.12.1\nEGRESS_DESTINATION=203.0.113.25", 0, "EGRESS_SOURCE unspecified or invalid")]
    [InlineData("EGRESS_SOURCE=192.168.12\nEGRESS_GATEWAY=192.168.12.1\nEGRESS_DESTINATION=203.0.113.25", 1,
        "EGRESS_SOURCE unspecified or invalid")]
    [InlineData("EGRESS_SOURCE=192.168.12.99/33\nEGRESS_GATEWAY=192.168.12.1\nEGRESS_DESTINATION=203.0.113.25", 1,
        "\"192.168.12.99/33\": prefix length \"33\" is not a number from 0 to 32")]
    [InlineData("EGRESS_SOURCE=192.168.12.99\nEGRESS_GATEWAY=192.168.12.1/24\nEGRESS_DESTINATION=203.0.113.25", 2,
        "EGRESS_GATEWAY unspecified or invalid")]
    [InlineData("EGRESS_ROUTER_MODE=http-proxy", 0, "No EGRESS_HTTP_PROXY_DESTINATION specified")]
    [InlineData("EGRESS_SOURCE=192.168.12.99\nEGRESS_GATEWAY=192.168.12.1\nEGRESS_ROUTER_MODE=dns-proxy\nEGRESS_DNS_PROXY_DESTINATION=\"# a\n80 a_b\"", 5, "Bad destination '80 a_b': '_' stands in no name or address")]
    [InlineData("EGRESS_SOURCE=192.168.12.99\nEGRESS_GATEWAY=192.168.12.1\nEGRESS_DESTINATION=203.0.113.25\nEGRESS_ROUTER_MODE=init\nEGRESS_HTTP_PROXY_DESTINATION=*", 5, "EGRESS_HTTP_PROXY_DESTINATION: EGRESS_ROUTER_MODE is init, not http-proxy")]
    [InlineData("EGRESS_ROUTER_MODE=x", 1, "unrecognized EGRESS_ROUTER_MODE 'x'")]
    public void The_other_variables(string environment, int line, string reason)
    {
        LegacyFault fault = LegacyReader.FromEnvironment(environment, "router").Faults[0];
        Assert.Equal((line, reason), (fault.Line, fault.Reason));
    }

    [Theory]
    [InlineData("pods")]
    [InlineData("objects")]
    [InlineData("proxies")]
    [InlineData("production")]
    [InlineData("refused")]
    public void Files_of_kubernetes_objects(string name)
    {
        LegacyResult result = LegacyReader.FromYaml(File.ReadAllText(Repository.PathOf("testdata", "legacy", name + ".yaml")), name);
        string text = result.Faults.IsEmpty
            ? string.Join("---\n", result.Routers.Select(router => LegacyManifest.Of(router, "default", "pause")))
            : string.Join('\n', result.Faults.Select(fault => $"{fault.Line}: {fault.Reason}"));
        Golden.Verify(text + string.Concat(result.Notes.Select(note => $"# {note.Line}: {note.Reason}\n")), "legacy", name);
        result.Routers.Where(_ => result.Faults.IsEmpty).ToList().ForEach(AssertValid);
    }

    [Fact]
    public void Pairs()
    {
        LegacyResult read = LegacyReader.FromYaml(File.ReadAllText(Repository.PathOf("testdata", "legacy", "pairs.yaml")), "pairs");
        LegacyResult pairs = read.WithReplicas(2);
        Assert.Empty(pairs.Faults);
        Golden.Verify(string.Join("---\n", pairs.Routers.Select(router => LegacyManifest.Of(router, null, "pause"))), "legacy", "pairs");
        pairs.Routers.ToList().ForEach(AssertValid);
    }

    /// <summary>Below the comment with which it begins. The command in that comment writes it anew.</summary>
    [Fact]
    public void The_packaged_pair_is_that_of_the_packaged_EgressRouter()
    {
        string example = File.ReadAllText(Repository.PathOf("packaging", "egressrouter", "example.yaml"));
        LegacyResult read = LegacyReader.FromYaml(example, "example");
        Assert.Equal(
            LegacyManifest.Of(Assert.Single(read.WithReplicas(2).Routers), null, null),
            string.Concat(File.ReadLines(Repository.PathOf("packaging", "pair", "pair.yaml")).SkipWhile(line => line.StartsWith('#'))
                .Select(line => line + "\n")));
    }

    [Theory]
    [InlineData("apps", "hold", "restartPolicy: Always", "the pod has a container hold, which is that of a pair")]
    [InlineData("apps", "app", "affinity: {}", "the pod has affinity, which a pair sets itself")]
    [InlineData("apps", "app", "volumes: [{ name: egress-pair }]", "the pod has a volume egress-pair, which is that of a pair")]
    [InlineData(null, "app", "restartPolicy: Always", "a pair needs a namespace, for the rights of its pods: --namespace")]
    public void What_a_pair_needs_itself_is_not_carried_over(string? space, string container, string member, string reason)
    {
        LegacyResult read = LegacyReader.FromYaml($$"""
            apiVersion: v1
            kind: Pod
            metadata: { name: db }
            spec:
              initContainers:
                - name: router
                  image: openshift3/ose-egress-router
                  env:
                    - { name: EGRESS_SOURCE, value: 192.168.12.99 }
                    - { name: EGRESS_GATEWAY, value: 192.168.12.1 }
                    - { name: EGRESS_DESTINATION, value: 80 tcp 203.0.113.25 }
                    - { name: EGRESS_ROUTER_MODE, value: init }
              containers: [{ name: {{container}}, image: x }]
              {{member}}
            """, "pod", space);
        Assert.Empty(read.Faults);
        Assert.Equal($"db: {reason}", Assert.Single(read.WithReplicas(2).Faults).Reason);
    }

    /// <summary>Else the probes of the kubelet would go to the destination, and the container hold be started again and again.</summary>
    [Theory]
    [InlineData("9442 tcp 203.0.113.25", 3, "9442/tcp (probes of the kubelet)")]
    [InlineData("80 tcp 203.0.113.25\n4793 udp 203.0.113.25 53", 4, "4793/udp (messages between the pods)")]
    [InlineData("203.0.113.25", 3, "9442/tcp (probes of the kubelet) and 4793/udp (messages between the pods)")]
    [InlineData("9442 udp 203.0.113.25\n4793 tcp 203.0.113.25 9442", 0, null)]
    public void What_a_pair_listens_on_cannot_be_redirected(string destination, int line, string? ports)
    {
        LegacyResult read = Read(destination);
        Assert.Empty(read.WithReplicas(1).Faults);
        LegacyResult pair = (read with { Routers = [read.Routers[0] with { Namespace = "apps" }] }).WithReplicas(2);
        Assert.Equal(
            ports is null ? "" : $"{line}: \"{destination.Split('\n')[^1]}\": it redirects {ports}, which a pair needs itself",
            string.Join('\n', pair.Faults.Select(fault => $"{fault.Line}: {fault.Reason}")));
    }

    [Theory]
    [InlineData("1", 1, "")]
    [InlineData("2", 2, "")]
    [InlineData("3", 1, "egress-router-cni.io/replicas \"3\" is neither 1 nor 2")]
    public void An_EgressRouter_asks_for_a_pair_by_an_annotation(string value, int replicas, string fault)
    {
        LegacyResult read = LegacyReader.FromYaml($$"""
            apiVersion: network.operator.openshift.io/v1
            kind: EgressRouter
            metadata: { name: er, namespace: apps, annotations: { egress-router-cni.io/replicas: "{{value}}" } }
            spec:
              addresses: [{ ip: 192.168.12.99/24 }]
              redirect: { redirectRules: [{ port: 80, protocol: TCP, destinationIP: 203.0.113.26 }] }
            """, "object");
        Assert.Equal(fault, string.Join(';', read.Faults.Select(one => one.Reason)));
        Assert.Equal(replicas, Assert.Single(read.WithReplicas(1).Routers).Replicas);
    }

    /// <summary>A name is copied into YAML unescaped, so that it must be a valid name.</summary>
    [Theory]
    [InlineData("a\nkind: Secret")]
    [InlineData("Db")]
    [InlineData("1a")]
    [InlineData("a.b")]
    [InlineData("a-")]
    public void Names_are_those_of_Services(string name) => Assert.Contains(
        "is no name for a Service",
        Assert.Single(
            LegacyReader.FromEnvironment("EGRESS_SOURCE=192.168.12.99\nEGRESS_GATEWAY=192.168.12.1\nEGRESS_DESTINATION=203.0.113.25", name)
                .Faults).Reason,
        StringComparison.Ordinal);

    private static LegacyResult Read(string destination) =>
        LegacyReader.FromEnvironment(
            $"EGRESS_SOURCE=192.168.12.99\nEGRESS_GATEWAY=192.168.12.1\nEGRESS_DESTINATION=\"{destination}\"\n", "router");

    /// <summary>Asserts that <c>validate</c> accepts the manifest.</summary>
    private static void AssertValid(LegacyRouter router)
    {
        string manifest = LegacyManifest.Of(router, null, "pause");
        ConfigSource source = Assert.Single(ConfigSource.ReadAll("-", new MemoryStream(System.Text.Encoding.UTF8.GetBytes(manifest))));
        Assert.Empty(Validation.Inspect(source));
    }
}
