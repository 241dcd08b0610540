using SystemTests.EgressIp.Traffic;
using Xunit.Abstractions;

namespace SystemTests.EgressIp;

/// <summary>Whom servers see, beside all that cluster networks and kube-proxy do with source addresses.</summary>
public class EgressSourceTests(ITestOutputHelper output)
{
    [RootTheory]
    [InlineData(Masquerade.IptablesNft, ServiceProxy.Iptables, true, true)]
    [InlineData(Masquerade.IptablesLegacy, ServiceProxy.None, false, true)]
    [InlineData(Masquerade.Nft, ServiceProxy.Nft, true, true)]
    [InlineData(Masquerade.IptablesNft, ServiceProxy.Nft, false, false)]
    [InlineData(Masquerade.IptablesLegacy, ServiceProxy.Iptables, true, false)]
    [InlineData(Masquerade.Nft, ServiceProxy.None, false, false)]
    public void Selected_pods_have_the_egress_address_and_foreign_rules_stay(
        Masquerade masquerade, ServiceProxy proxy, bool strictArp, bool masqueradeIsFirst)
    {
        using var lab = new EgressLab(masqueradeIsFirst ? masquerade : null, strictArp, proxy);
        if (!masqueradeIsFirst)
        {
            using var earlier = new EgressCluster(lab, output: output, ownsLab: false).Settled();
            lab.AddMasquerade(masquerade);
            AssertSources(earlier);
            return;
        }

        Dictionary<string, string> before = lab.ForeignRules();
        using var cluster = new EgressCluster(lab, output: output, ownsLab: false).Settled();
        AssertSources(cluster);
        Assert.Equal(before, lab.ForeignRules());
    }

    /// <summary>All selected pods, wherever they run, by both families and all protocols; the port is kept.</summary>
    private static void AssertSources(EgressCluster cluster)
    {
        EgressLab lab = cluster.Lab;
        var watch = new ArrivalWatch(lab.Out);
        foreach ((string address, string egress) in ((string, string)[])[
            (EgressLab.Server4, EgressCluster.Address4), (EgressLab.Server6, EgressCluster.Address6)])
        {
            bool isIPv6 = address == EgressLab.Server6;
            using var server = new TellingServer(lab.Out, address);
            (LabPod Pod, Transport Transport)[] questions =
                [.. lab.Pods.SelectMany(pod => Enum.GetValues<Transport>().Select(transport => (pod, transport)))];
            Assert.Equal(
                questions.Select(one => $"{one.Pod.Name} {one.Transport}: {(one.Pod.Name == "a2" ? EgressLab.NodeOf(one.Pod, isIPv6) : egress)}"),
                questions.Select(one =>
                    $"{one.Pod.Name} {one.Transport}: {Question.Ask(one.Pod.Namespace, one.Transport, server)?.Source ?? "no answer"}"));
            watch.Forget();
            Sight? sight = Question.Ask(lab["b1"].Namespace, Transport.Tcp, server);
            Assert.Equal(sight?.LocalPort, sight?.Port);
            Assert.Equal([egress], watch.Sources(isIPv6));
        }
    }
}
