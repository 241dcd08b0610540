using System.Net;
using Shared;
using SystemTests.EgressIp.Traffic;
using Xunit.Abstractions;

namespace SystemTests.EgressIp;

/// <summary>What neighbors of the nodes, and pods, must not be able to do.</summary>
public class GuardTests(ITestOutputHelper output)
{
    private const int Port = 8042;

    [RootFact]
    public void Nobody_outside_begins_a_connection_to_an_egress_address()
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        foreach ((string egress, string any) in ((string, string)[])[(EgressCluster.Address4, "0.0.0.0"), (EgressCluster.Address6, "::")])
        {
            bool isIPv6 = any == "::";
            int holder = Assert.IsType<int>(cluster.HolderOf(egress));
            using var server = new TellingServer(lab.Node(holder), any);
            // The second time, another program keeps the kernel from tracking them.
            foreach (string rules in (string[])["", $"{(isIPv6 ? "ip6" : "ip")} daddr {egress} notrack"])
            {
                using RawRules? untracked = rules.Length > 0 ? new RawRules(lab.Node(holder), rules) : null;
                foreach (Transport transport in Enum.GetValues<Transport>())
                {
                    if (untracked is not null && isIPv6 && transport == Transport.Icmp)
                    {
                        // Neighbor discovery is never tracked, and must arrive.
                        continue;
                    }

                    long dropped = lab.Counter(holder, "inbound");
                    Sight? At(string address, double seconds) =>
                        Question.AskBehind(lab.Out, transport, server, address, TellingServer.Port, seconds);
                    Assert.NotNull(At(EgressLab.AddressOf(holder, isIPv6), 5));
                    Assert.True(At(egress, 0.5) is null && lab.Counter(holder, "inbound") > dropped, $"{transport} to {egress}, {rules}");
                }
            }
        }
    }

    [RootFact]
    public void Forged_tunnel_packets_and_heartbeats_are_dropped_and_counted()
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        var watch = new ArrivalWatch(lab.Out);
        foreach ((string egress, string server) in ((string, string)[])
            [(EgressCluster.Address4, EgressLab.Server4), (EgressCluster.Address6, EgressLab.Server6)])
        {
            bool isIPv6 = egress == EgressCluster.Address6;
            int holder = Assert.IsType<int>(cluster.HolderOf(egress));
            int other = (holder % EgressLab.Nodes) + 1;
            string source = isIPv6 ? lab.PodOn(other).IPv6 : lab.PodOn(other).IPv4;
            byte[] packet = TunnelPacket.Make(IPAddress.Parse(source), new IPEndPoint(IPAddress.Parse(server), Port));
            // From a node it is forwarded: the packet is as it should be.
            TunnelPacket.Send(lab.Node(other), EgressLab.AddressOf(holder), TunnelPacket.Port, packet);
            Eventually.IsTrue(() => watch.Packets(Port).GetValueOrDefault(egress) == 1, "the tunnel does not take the packet of a node");
            watch.Forget();

            // From a neighbor, and from a pod that pretends to be a node, without the kernel's own check of sources.
            string pod = lab.PodOn(holder).Namespace;
            Array.ForEach(["all", "eth0", $"c-{lab.PodOn(holder).Name}"],
                link => Lab.WriteSysctl(lab.Node(holder), $"net/ipv4/conf/{link}/rp_filter", "0"));
            string node = EgressLab.AddressOf(other);
            string node6 = EgressLab.Address6Of(other);
            Lab.Batch(pod, $"address add {node}/32 dev lo\naddress add {node6}/128 dev lo nodad");
            foreach ((string from, string? forged, bool over6) in ((string, string?, bool)[])
                [(lab.Out, null, false), (lab.Out, null, true), (pod, node, false), (pod, node6, true)])
            {
                foreach (int port in (int[])[TunnelPacket.Port, TunnelPacket.HeartbeatPort])
                {
                    long before = lab.Counter(holder, "forged");
                    TunnelPacket.Send(from, EgressLab.AddressOf(holder, over6), port, packet, forged);
                    Eventually.IsTrue(() => lab.Counter(holder, "forged") == before + 1, () => $"from {from} as {forged}, port {port}");
                }
            }

            Lab.Batch(pod, $"address delete {node}/32 dev lo\naddress delete {node6}/128 dev lo");
            Assert.Empty(watch.Packets(Port));
        }

        cluster.Settled();
    }

    /// <summary>The cluster network would give their packets the address of their node, which the other node trusts.</summary>
    [RootFact]
    public void Pods_do_not_reach_the_tunnel_and_the_agents_of_other_nodes()
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        LabPod pod = lab["a2"];
        long arrived = lab.Counter(2, "forged");
        foreach (string address in (string[])[EgressLab.AddressOf(2), EgressLab.Address6Of(2)])
        {
            foreach (int port in (int[])[TunnelPacket.Port, TunnelPacket.HeartbeatPort])
            {
                long before = lab.Counter(pod.Node, "forged");
                TunnelPacket.Send(pod.Namespace, address, port, [1, 2, 3]);
                Eventually.IsTrue(() => lab.Counter(pod.Node, "forged") > before, () => $"UDP {address} {port}");
            }

            long dropped = lab.Counter(pod.Node, "forged");
            Assert.Null(EgressLab.Ask(pod, Protocol.Tcp, address, TunnelPacket.HeartbeatPort, seconds: 0.5));
            Assert.True(lab.Counter(pod.Node, "forged") > dropped, $"TCP {address}");
        }

        Assert.Equal(arrived, lab.Counter(2, "forged"));
        cluster.Settled();
    }

    /// <summary>The egress node forwards what a neighbor sends by it as any router does, but not with an egress address.</summary>
    [RootFact]
    public void A_neighbor_that_sends_by_a_node_gets_no_egress_address_also_with_the_address_of_a_pod()
    {
        using EgressCluster cluster = new EgressCluster(output: output).Settled();
        EgressLab lab = cluster.Lab;
        var watch = new ArrivalWatch(lab.Out);
        foreach ((string egress, string far, string own) in ((string, string, string)[])
            [(EgressCluster.Address4, "198.18.0.1", "192.0.2.1"), (EgressCluster.Address6, "fd00:18::1", "fd00:2::1")])
        {
            bool isIPv6 = egress == EgressCluster.Address6;
            int holder = Assert.IsType<int>(cluster.HolderOf(egress));
            string node = lab.Node(holder);
            // Without the node's own check of sources.
            Array.ForEach(["all", "eth0"], link => Lab.WriteSysctl(node, $"net/ipv4/conf/{link}/rp_filter", "0"));
            (string here, string elsewhere) = (AddressOf(lab.PodOn(holder)), AddressOf(lab.PodOn((holder % EgressLab.Nodes) + 1)));
            int length = isIPv6 ? 128 : 32;
            Lab.Batch(lab.Out, $"""
                address add {here}/{length} dev lo
                address add {elsewhere}/{length} dev lo
                route add {far}/{length} via {EgressLab.AddressOf(holder, isIPv6)}
                """);
            foreach (string source in (string[])[own, elsewhere])
            {
                watch.Forget();
                TunnelPacket.Send(lab.Out, far, Port, [1], source);
                Eventually.IsTrue(() => watch.Packets(Port).Count > 0, () => $"nothing comes back from {source}");
                Assert.DoesNotContain(egress, watch.Packets(Port).Keys);
            }

            watch.Forget();
            long stray = lab.Counter(holder, "stray");
            TunnelPacket.Send(lab.Out, far, Port, [1], here);
            Eventually.IsTrue(() => lab.Counter(holder, "stray") == stray + 1, "the packet with the address of a pod is not counted");
            Assert.Empty(watch.Packets(Port));
            Lab.Batch(lab.Out, $"address delete {here}/{length} dev lo\naddress delete {elsewhere}/{length} dev lo");

            string AddressOf(LabPod pod) => isIPv6 ? pod.IPv6 : pod.IPv4;
        }
    }
}
