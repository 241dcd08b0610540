using System.Text.Json.Nodes;

namespace SystemTests.Clients;

/// <summary>By whatever interface of the pod clients come, there at ADD or made later, they are served.</summary>
public class InterfaceTests
{
    private static readonly string _config = Config.ChangedDualStack(json =>
    {
        json["ip"]!["addresses"] = new JsonArray("192.168.12.99/24", "2001:db8:12::99/64");
        json["ip"]!["destinations"] = new JsonArray(
            "80 tcp 192.168.12.91", "80 udp 192.168.12.91", "80 tcp 2001:db8:12::91", "80 udp 2001:db8:12::91");
    });

    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Clients_of_a_second_network_are_served(bool isMadeLater)
    {
        using var lab = new Lab();
        SecondNetwork.Serve(lab);
        if (!isMadeLater)
        {
            SecondNetwork.Attach(lab);
        }

        JsonObject result = lab.Add(_config);
        if (isMadeLater)
        {
            SecondNetwork.Attach(lab);
        }

        foreach (string address in (string[])[Lab.PodAddress, Lab.PodAddress6, SecondNetwork.PodAddress, SecondNetwork.PodAddress6])
        {
            SecondNetwork.AssertRedirects(lab, address);
        }

        SecondNetwork.AssertRedirects(lab, Lab.PodAddress, Lab.FarClient);
        lab.Check(_config, result).AssertSilentSuccess();
    }

    /// <summary>Podman attaches a container to its networks in any order.</summary>
    [RootFact]
    public void The_cluster_network_may_come_after_the_router()
    {
        using var lab = new Lab(bare: true);
        SecondNetwork.Serve(lab);
        CommandResult added = lab.Run("ADD", _config);
        Assert.Equal(0, added.ExitCode);
        Assert.Contains("no interface besides net1", added.Stderr, StringComparison.Ordinal);
        SecondNetwork.Attach(lab, "eth0");
        SecondNetwork.AssertRedirects(lab, SecondNetwork.PodAddress);
        SecondNetwork.AssertRedirects(lab, SecondNetwork.PodAddress6);

        // As containernetworking's plugins add them: beside ours.
        Lab.In(lab.Pod, "ip", "route", "prepend", "default", "via", "10.88.0.1");
        Lab.In(lab.Pod, "ip", "-6", "route", "prepend", "default", "via", "fd00:10:88::1");
        AssertFarClientsServed(lab);

        JsonObject result = JsonNode.Parse(added.Stdout)!.AsObject();
        lab.Check(_config, result).AssertErrorNaming([102], "default via 10.88.0.1 dev eth0", "default via fd00:10:88::1 dev eth0");
        CommandResult repaired = Tools.Tool.OnPod(lab, _config, "repair");
        Assert.True(repaired.ExitCode == 0, repaired.ToString());
        AssertFarClientsServed(lab);
        lab.Check(_config, result).AssertSilentSuccess();
        lab.Delete(_config);
        Assert.Contains("default via 10.88.0.1", Lab.In(lab.Pod, "ip", "route"), StringComparison.Ordinal);
        Assert.Contains("default via fd00:10:88::1", Lab.In(lab.Pod, "ip", "-6", "route"), StringComparison.Ordinal);
    }

    /// <summary>Of several ways at one metric, the kernel chooses by the client's address and port.</summary>
    private static void AssertFarClientsServed(Lab lab)
    {
        for (int i = 0; i < 8; i++)
        {
            SecondNetwork.AssertRedirects(lab, SecondNetwork.PodAddress, SecondNetwork.FarClient);
            SecondNetwork.AssertRedirects(lab, SecondNetwork.PodAddress6, SecondNetwork.FarClient6);
        }
    }

    [RootFact]
    public void The_cluster_interface_may_be_made_anew()
    {
        using var lab = new Lab();
        SecondNetwork.Serve(lab);
        lab.Add(_config);
        Lab.Batch(lab.Pod, "link delete eth0");
        SecondNetwork.Attach(lab, "eth0");
        SecondNetwork.AssertRedirects(lab, SecondNetwork.PodAddress);
        SecondNetwork.AssertRedirects(lab, SecondNetwork.PodAddress6);
    }

    /// <summary>The forward chain keeps out what is not redirected, by whatever interface it comes.</summary>
    [RootFact]
    public void A_second_network_is_no_way_through()
    {
        using var lab = new Lab();
        SecondNetwork.Attach(lab);
        lab.Add(_config);
        EchoServer[] servers = [lab.Serve(Protocol.Tcp, "203.0.113.25", 80), lab.ServeIn(lab.Client, Protocol.Tcp, "10.129.2.1", 80)];
        Lab.Batch(lab.Client, $"route add 203.0.113.25 via {SecondNetwork.PodAddress}");
        Lab.Batch(lab.Lan, "route add 10.129.2.0/23 via 192.168.12.99");
        Lab.AssertNoAnswers(lab.Client, (Protocol.Tcp, "203.0.113.25", 80, "10.88.0.1"));
        Lab.AssertNoAnswers(lab.Lan, (Protocol.Tcp, "10.129.2.1", 80, "192.168.12.91"));
        Assert.All(servers, server => Assert.Equal(0, server.Arrivals));
    }

    /// <summary>CHECK notices, and repair mends, an interface whose clients would be dropped; or one made later.</summary>
    [RootTheory]
    [InlineData("net/ipv4/conf/eth1/forwarding")]
    [InlineData("net/ipv4/conf/default/forwarding")]
    [InlineData("net/ipv4/conf/all/forwarding")]
    public void An_interface_that_does_not_forward_is_noticed(string sysctl)
    {
        using var lab = new Lab();
        SecondNetwork.Serve(lab);
        SecondNetwork.Attach(lab);
        JsonObject result = lab.Add(_config);
        Lab.WriteSysctl(lab.Pod, sysctl, "0");
        lab.Check(_config, result).AssertErrorNaming([102], sysctl);
        CommandResult repaired = Tools.Tool.OnPod(lab, _config, "repair");
        Assert.True(repaired.ExitCode == 0, repaired.ToString());
        SecondNetwork.AssertRedirects(lab, SecondNetwork.PodAddress);
        lab.Check(_config, result).AssertSilentSuccess();
    }

    /// <summary>Writing forwarding of "all" writes that of every link, of "default", and whether redirects are heard.</summary>
    [RootTheory]
    [InlineData("0")]
    [InlineData("1")]
    public void DEL_restores_what_each_interface_had(string own)
    {
        using var lab = new Lab();
        SecondNetwork.Attach(lab);
        foreach (string sysctl in (string[])["net/ipv4/conf/eth1/forwarding", "net/ipv4/conf/lo/forwarding",
            "net/ipv4/conf/default/forwarding", "net/ipv4/conf/all/accept_redirects"])
        {
            Lab.WriteSysctl(lab.Pod, sysctl, own);
        }

        Snapshot pod = lab.PodSnapshot();
        lab.Add(_config);
        lab.Add(Second, "net2");
        lab.Delete(_config);
        lab.Delete(Second, "net2");
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootFact]
    public void DEL_leaves_an_interface_that_was_made_meanwhile_as_if_there_had_been_no_router()
    {
        using var lab = new Lab();
        lab.Add(_config);
        SecondNetwork.Attach(lab);
        lab.Delete(_config);
        Assert.Equal("0\n", Lab.In(lab.Pod, "sysctl", "-n", "net.ipv4.conf.eth1.forwarding"));
        Assert.Equal("0\n", Lab.In(lab.Pod, "sysctl", "-n", "net.ipv6.conf.eth1.forwarding"));
    }

    private static string Second { get; } = Config.Changed(json => json["ip"]!["addresses"] = new JsonArray("192.168.12.98/24"));
}
