using SystemTests.EgressIp.Traffic;
using Xunit.Abstractions;

namespace SystemTests.EgressIp;

/// <summary>Traffic within the cluster, which egress addresses do not change.</summary>
public class InsideTests(ITestOutputHelper output)
{
    [RootTheory]
    [InlineData(ServiceProxy.Iptables, false)]
    [InlineData(ServiceProxy.Iptables, true)]
    [InlineData(ServiceProxy.Nft, false)]
    [InlineData(ServiceProxy.Nft, true)]
    public void It_is_as_without_an_agent(ServiceProxy proxy, bool isIPv6)
    {
        using var lab = new EgressLab(proxy: proxy);
        using var outside = new TellingServer(lab.Out, isIPv6 ? EgressLab.Server6 : EgressLab.Server4);
        using var endpoint = new TellingServer(lab.Endpoint.Namespace, isIPv6 ? lab.Endpoint.IPv6 : lab.Endpoint.IPv4);
        using var onNode1 = new TellingServer(lab.Node(1), EgressLab.AddressOf(1, isIPv6));
        using var onNode2 = new TellingServer(lab.Node(2), EgressLab.AddressOf(2, isIPv6));
        // The outside reaches pods, as with a Service that keeps the source of its clients.
        Lab.Batch(lab.Out, $"route add {(isIPv6 ? "fd00:244:3::/64" : "10.244.3.0/24")} via {EgressLab.AddressOf(3, isIPv6)}");
        (string Name, string Space)[] clients =
            [.. lab.Pods.Select(pod => (pod.Name, pod.Namespace)), ("node 2", lab.Node(2)), ("outside", lab.Out)];
        (TellingServer Server, string Address, int Port)[] destinations =
        [
            (endpoint, endpoint.Address, TellingServer.Port),
            (onNode1, onNode1.Address, TellingServer.Port),
            (onNode2, onNode2.Address, TellingServer.Port),
            (endpoint, ServiceRules.ClusterIP(isIPv6), ServiceRules.Port),
            (endpoint, ServiceRules.LoadBalancer(isIPv6), ServiceRules.Port),
            (endpoint, EgressLab.AddressOf(1, isIPv6), ServiceRules.NodePort),
            (endpoint, EgressLab.AddressOf(2, isIPv6), ServiceRules.NodePort),
        ];
        string[] All() => [.. clients.SelectMany(client => destinations.Select(to =>
            $"{client.Name} to {to.Address} port {to.Port}: "
                + (Question.AskBehind(client.Space, Transport.Tcp, to.Server, to.Address, to.Port, seconds: 2)?.Source ?? "no answer")))];

        string[] before = All();
        // Some ways do not work without an agent either: a pod to itself by a Service, for example.
        Assert.InRange(before.Count(answer => answer.EndsWith("no answer", StringComparison.Ordinal)), 0, 6);
        string OutsideService(LabPod pod) => Question.AskBehind(
            pod.Namespace, Transport.Tcp, outside, ServiceRules.OutsideClusterIP(isIPv6), ServiceRules.Port)?.Source ?? "no answer";
        Assert.Equal(EgressLab.NodeOf(lab["b1"], isIPv6), OutsideService(lab["b1"]));

        using var cluster = new EgressCluster(lab, output: output, ownsLab: false).Settled();
        Assert.Equal(before, All());
        // A Service whose endpoint is outside.
        string egress = isIPv6 ? EgressCluster.Address6 : EgressCluster.Address4;
        Assert.Equal(
            lab.Pods.Select(pod => $"{pod.Name}: {(pod.Name == "a2" ? EgressLab.NodeOf(pod, isIPv6) : egress)}"),
            lab.Pods.Select(pod => $"{pod.Name}: {OutsideService(pod)}"));
        // A NodePort on an egress address answers nobody outside: the address is for egress only.
        Assert.Null(Question.AskBehind(lab.Out, Transport.Tcp, endpoint, egress, ServiceRules.NodePort, seconds: 1));
    }

    [RootFact]
    public void Exceptions_of_an_object_are_reached_as_without_it()
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        using var server = new TellingServer(lab.Out, EgressLab.Server4);
        using var server6 = new TellingServer(lab.Out, EgressLab.Server6);
        using var neighbor = new TellingServer(lab.Out, "192.0.2.1");
        cluster.Apply("prod", [EgressCluster.Address4, EgressCluster.Address6], new()
        {
            ["egressip.egress-router-cni.io/except-cidrs"] = "198.51.100.0/28, fd00:51::/64",
        });
        foreach (LabPod pod in (LabPod[])[lab["a1"], lab["b1"], lab["c1"]])
        {
            Shared.Eventually.IsTrue(() => Question.Ask(pod.Namespace, Transport.Tcp, server)?.Source == EgressLab.NodeOf(pod, false),
                "IPv4");
            Shared.Eventually.IsTrue(() => Question.Ask(pod.Namespace, Transport.Udp, server6)?.Source == EgressLab.NodeOf(pod, true),
                "IPv6");
            Assert.Equal(EgressCluster.Address4, Question.Ask(pod.Namespace, Transport.Tcp, neighbor)?.Source);
        }
    }
}
