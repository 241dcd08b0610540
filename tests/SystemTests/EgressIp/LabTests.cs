using System.Net.Sockets;
using Shared;
using SystemTests.EgressIp.Traffic;

namespace SystemTests.EgressIp;

/// <summary>What the laboratory does without an agent: else the other tests could not tell who did what.</summary>
public class LabTests
{
    private static readonly string[] _servers = [EgressLab.Server4, EgressLab.Server6];

    [RootTheory]
    [InlineData(Masquerade.IptablesNft)]
    [InlineData(Masquerade.IptablesLegacy)]
    [InlineData(Masquerade.Nft)]
    public void Servers_see_the_address_of_the_node(Masquerade masquerade)
    {
        using var lab = new EgressLab(masquerade);
        var watch = new ArrivalWatch(lab.Out);
        foreach (string address in _servers)
        {
            bool isIPv6 = address == EgressLab.Server6;
            using var server = new TellingServer(lab.Out, address);
            foreach (LabPod pod in lab.Pods)
            {
                foreach (Transport transport in Enum.GetValues<Transport>())
                {
                    watch.Forget();
                    Assert.Equal(EgressLab.NodeOf(pod, isIPv6), Question.Ask(pod.Namespace, transport, server)?.Source);
                    Assert.Equal([EgressLab.NodeOf(pod, isIPv6)], watch.Packets().Keys);
                }
            }
        }
    }

    [RootFact]
    public void Pods_see_the_address_of_each_other()
    {
        using var lab = new EgressLab();
        foreach (LabPod to in (LabPod[])[lab["a2"], lab["c1"]])
        {
            using var server = new TellingServer(to.Namespace, to.IPv4);
            using var server6 = new TellingServer(to.Namespace, to.IPv6);
            foreach (Transport transport in Enum.GetValues<Transport>())
            {
                // A neighbor may still be unknown, which a node tells at once.
                Eventually.IsTrue(
                    () => Question.Ask(lab["a1"].Namespace, transport, server)?.Source == lab["a1"].IPv4, $"{transport} to {to.IPv4}");
                Eventually.IsTrue(
                    () => Question.Ask(lab["a1"].Namespace, transport, server6)?.Source == lab["a1"].IPv6, $"{transport} to {to.IPv6}");
            }
        }
    }

    [RootTheory]
    [InlineData(ServiceProxy.Iptables, false)]
    [InlineData(ServiceProxy.Iptables, true)]
    [InlineData(ServiceProxy.Nft, false)]
    [InlineData(ServiceProxy.Nft, true)]
    public void Services_lead_to_their_endpoints(ServiceProxy proxy, bool isIPv6)
    {
        using var lab = new EgressLab(proxy: proxy);
        using var outside = new TellingServer(lab.Out, isIPv6 ? EgressLab.Server6 : EgressLab.Server4);
        using var endpoint = new TellingServer(lab.Endpoint.Namespace, isIPv6 ? lab.Endpoint.IPv6 : lab.Endpoint.IPv4);
        LabPod pod = lab["b1"];
        string own = isIPv6 ? pod.IPv6 : pod.IPv4;
        string node = EgressLab.NodeOf(pod, isIPv6);
        string? Source(string space, TellingServer server, string address, int port) =>
            Question.AskBehind(space, Transport.Tcp, server, address, port)?.Source;

        Assert.Equal(own, Source(pod.Namespace, endpoint, ServiceRules.ClusterIP(isIPv6), ServiceRules.Port));
        Assert.Equal(own, Source(pod.Namespace, endpoint, ServiceRules.LoadBalancer(isIPv6), ServiceRules.Port));
        Assert.Equal(node, Source(pod.Namespace, outside, ServiceRules.OutsideClusterIP(isIPv6), ServiceRules.Port));
        // By another node than that of the endpoint: that node is whom the endpoint sees.
        string first = EgressLab.AddressOf(1, isIPv6);
        Assert.Equal(first, Source(lab.Out, endpoint, first, ServiceRules.NodePort));
        // Who has the port itself gets no answer: nothing listens there.
        Assert.Null(Source(lab.Out, endpoint, first, ServiceRules.NodePort + 1));
    }

    [RootFact]
    public void A_node_that_is_cut_off_is_cut_off_both_ways_and_notices_nothing()
    {
        using var lab = new EgressLab();
        using var server = new TellingServer(lab.Out, EgressLab.Server4);
        using var onNode = new TellingServer(lab.Node(1), EgressLab.AddressOf(1));
        bool Out(string pod) => Question.Ask(lab[pod].Namespace, Transport.Udp, server, seconds: 0.5) is not null;
        bool In() => Question.Ask(lab.Out, Transport.Udp, onNode, seconds: 0.5) is not null;
        Assert.Equal((true, true, true), (Out("a1"), In(), Out("b1")));
        lab.Cut(1);
        Assert.Equal((false, false, true), (Out("a1"), In(), Out("b1")));
        Assert.Contains("LOWER_UP", Lab.In(lab.Node(1), "ip", "link", "show", "eth0"), StringComparison.Ordinal);
        lab.Heal(1);
        Assert.Equal((true, true, true), (Out("a1"), In(), Out("b1")));
    }

    [RootFact]
    public void Packets_are_counted_by_source_and_port_even_if_nobody_answers()
    {
        using var lab = new EgressLab();
        var watch = new ArrivalWatch(lab.Out);
        using Socket socket = NamespaceSocket.Open(lab["b1"].Namespace, AddressFamily.InterNetwork, Transport.Udp);
        for (int packet = 0; packet < 3; packet++)
        {
            socket.SendTo(new byte[1], new System.Net.IPEndPoint(System.Net.IPAddress.Parse(EgressLab.Server4), 8042));
        }

        Shared.Eventually.IsTrue(() => watch.Packets(8042).GetValueOrDefault(EgressLab.AddressOf(2)) == 3, "not three packets");
        Assert.Empty(watch.Packets(8043));
        Assert.Equal([EgressLab.AddressOf(2)], watch.Sources(isIPv6: false));
        Assert.Empty(watch.Sources(isIPv6: true));
        watch.Forget();
        Assert.Empty(watch.Packets());
    }

    [RootFact]
    public void A_load_counts_connections_that_fail_and_why()
    {
        using var lab = new EgressLab();
        using var server = new TellingServer(lab.Out, EgressLab.Server6);
        LoadResult During(string? rule, double seconds)
        {
            using var load = new Load(lab["c1"].Namespace, server, perSecond: 200);
            Thread.Sleep(300);
            if (rule is not null)
            {
                Lab.In(lab.Out, "nft", $"add table inet fault; add chain inet fault in {{ type filter hook input priority 0; }}; {rule}");
            }

            Thread.Sleep(TimeSpan.FromSeconds(seconds));
            if (rule is not null)
            {
                Lab.In(lab.Out, "nft", "delete table inet fault");
            }

            return load.End();
        }

        LoadResult well = During(null, 0.7);
        Assert.True(well is { Failures.Count: 0, Connections: > 120 and < 400 }, $"{well}");
        Assert.Equal([EgressLab.Address6Of(3)], well.Sources);

        // 0.4 s without answers cost nobody more than a second first packet; five seconds cost connections.
        LoadResult shortly = During("add rule inet fault in tcp dport 8000 drop", 0.4);
        Assert.True(shortly is { Failures.Count: 0, Retried: > 10 }, $"{shortly}");
        LoadResult longer = During("add rule inet fault in tcp dport 8000 drop", 4);
        Assert.True(longer.Failures.GetValueOrDefault(SocketError.TimedOut) > 10, $"{longer}");
        LoadResult refused = During("add rule inet fault in tcp dport 8000 reject with tcp reset", 0.3);
        Assert.True(refused.Failures.GetValueOrDefault(SocketError.ConnectionRefused) > 10, $"{refused}");
    }

    [RootTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_talk_tells_its_longest_gap_and_its_end(bool sends)
    {
        using var lab = new EgressLab();
        using var server = new TellingServer(lab.Out, EgressLab.Server4);
        using (var talk = new Talk(lab["a1"].Namespace, server, sends))
        {
            Assert.Equal(EgressLab.AddressOf(1), talk.Source);
            Thread.Sleep(500);
            lab.Cut(1);
            Thread.Sleep(700);
            lab.Heal(1);
            Thread.Sleep(2000);
            TalkResult result = talk.End();
            Assert.True(result is { Fault: null, Messages: > 20, Longest.TotalSeconds: > 0.7 and < 2.5 }, $"{result}");
        }

        using (var talk = new Talk(lab["a1"].Namespace, server, sends))
        {
            Thread.Sleep(200);
            // The connection is closed by the other end.
            Lab.In(lab.Out, "ss", "--kill", "state", "established", "src", EgressLab.Server4);
            Shared.Eventually.IsTrue(() => talk.HasEnded, "it goes on");
            Assert.NotNull(talk.End().Fault);
        }
    }

    [RootFact]
    public void Nothing_is_left()
    {
        string suffix;
        using (var lab = new EgressLab(fourth: true))
        {
            suffix = lab.Out[lab.Out.IndexOf("-out-", StringComparison.Ordinal)..].Replace("-out", "", StringComparison.Ordinal);
            Assert.Equal(10, Count());
        }

        Assert.Equal(0, Count());

        int Count() => Directory.EnumerateFileSystemEntries("/run/netns").Count(path => path.EndsWith(suffix, StringComparison.Ordinal));
    }
}
