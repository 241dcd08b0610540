using System.Net;
using SystemTests;
using SystemTests.EgressIp;

namespace Benchmarks;

/// <summary>What the way through an egress node costs, beside the plain way out and a VXLAN that another program makes.</summary>
internal static class EgressIpBenchmark
{
    public static void Run(CancellationToken stop)
    {
        using var cluster = new EgressCluster();
        cluster.SetAssignable(1, false);
        cluster.Settled();
        using var other = new EgressLab();
        LeadThroughVxlan(other);

        using Variant egressIP = Way("EgressIP: another node's address", cluster.Lab, "a1", 7101);
        using Variant plain = Way("plain routing: the node's address", cluster.Lab, "a2", 7102);
        using Variant vxlan = Way("a VXLAN to a node that masquerades", other, "a1", 7101);
        ThroughputBenchmark.Compare("From a pod to a server outside", egressIP, [plain, vxlan], stop);
    }

    /// <summary>A way from a pod to the server outside. Each has a port of its own.</summary>
    public static Variant Way(string name, EgressLab lab, string pod, int port)
    {
        var server = new IPEndPoint(IPAddress.Parse(EgressLab.Server4), port);
        return new Variant(name, lab[pod].Namespace, lab.Out, server, server);
    }

    /// <summary>What a1 sends leaves by node 2, with the address of that.</summary>
    private static void LeadThroughVxlan(EgressLab lab)
    {
        foreach ((int node, int peer) in ((int, int)[])[(1, 2), (2, 1)])
        {
            Lab.Batch(lab.Node(node), $"""
                link add vx0 type vxlan id 5 local {EgressLab.AddressOf(node)} remote {EgressLab.AddressOf(peer)} dstport 4789
                address add 10.99.0.{node}/24 dev vx0
                link set vx0 up
                """);
            Lab.WriteSysctl(lab.Node(node), "net/ipv4/conf/vx0/rp_filter", "2");
        }

        // Only the node that the packets leave by translates their source.
        Lab.In(lab.Node(1), "iptables-nft", "-t", "nat", "-I", "POSTROUTING", "-o", "vx0", "-j", "ACCEPT");
        Lab.Batch(lab.Node(1), $"""
            rule add from {lab["a1"].IPv4} lookup 100
            route add default via 10.99.0.2 table 100
            """);
        // As cluster networks do for their pods.
        Lab.Batch(lab["a1"].Namespace, "link set eth0 mtu 1450");
        Lab.Batch(lab.Node(2), $"route add {lab["a1"].IPv4}/32 via 10.99.0.1");
    }
}
