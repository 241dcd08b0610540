namespace SystemTests.Legacy;

/// <summary>
/// The DNS proxy with the real haproxy: what DNS says leads out by the egress interface or nowhere, and each port is for itself.
/// </summary>
public class DnsPolicyTests
{
    /// <summary>Programs of the pod, and of the cluster network, which have not to be asked.</summary>
    [RootTheory]
    [InlineData("127.0.0.1")]
    [InlineData("192.168.12.99")]
    [InlineData(Lab.PodAddress)]
    [InlineData("10.129.2.1")]
    [InlineData("::1")]
    [InlineData("2001:db8:12::99")]
    [InlineData(Lab.PodAddress6)]
    [InlineData("fd00:10:129::1")]
    public void What_DNS_says_leads_not_to_the_pod_nor_to_the_cluster(string address)
    {
        using var lab = new ProxyLab($"{address} evil.test\n192.168.12.91 good.test", dualStack: true);
        bool isClient = address is "10.129.2.1" or "fd00:10:129::1";
        LineServer server = lab.ServeIn(isClient ? lab.Lab.Client : lab.Lab.Pod, address, 9000);
        lab.Serve("192.168.12.91", 80);
        ProxyProcess proxy = lab.Start("dns-proxy", "80 good.test\n9001 evil.test 9000");
        proxy.WaitFor(() => Ask(lab, 80) is not null, "resolved");
        proxy.WaitFor(() => proxy.Health()
            .Stdout.Contains("not reached: the destination of port 9001", StringComparison.Ordinal), "known to be out of reach");
        for (int i = 0; i < 20; i++)
        {
            Assert.Null(Ask(lab, 9001));
        }

        Assert.Equal(0, server.Requests);
        Assert.Equal("192.168.12.99 192.168.12.91 80", Ask(lab, 80));
    }

    /// <summary>A name that becomes the pod's own address leads to the port that it is asked at.</summary>
    [RootTheory]
    [InlineData(Lab.PodAddress, Lab.PodAddress)]
    [InlineData(Lab.PodAddress6, Lab.PodAddress6)]
    [InlineData("127.0.0.1", Lab.PodAddress)]
    [InlineData("0.0.0.0", Lab.PodAddress)]
    public void Nothing_loops(string own, string asked)
    {
        using var lab = new ProxyLab($"{own} loop.test\n192.168.12.91 good.test", dualStack: true);
        lab.Serve("192.168.12.91", 81);
        ProxyProcess proxy = lab.Start("dns-proxy", "80 loop.test\n81 good.test");
        proxy.WaitFor(() => Ask(lab, 81) is not null, "resolved");
        proxy.WaitFor(() => proxy.Health()
            .Stdout.Contains("not reached: the destination of port 80", StringComparison.Ordinal), "known to be out of reach");
        for (int i = 0; i < 5; i++)
        {
            Assert.Null(Ask(lab, 80, asked));
        }

        int sockets = Lab.In(lab.Lab.Pod, "ss", "-Hta").Count(letter => letter == '\n');
        Assert.InRange(sockets, 1, 60);
        Assert.Equal("192.168.12.99 192.168.12.91 81", Ask(lab, 81));
    }

    [RootTheory]
    [InlineData("80 10.129.2.1", "10.129.2.1 is reached by another interface than the egress one")]
    [InlineData("80 fd00:10:129::5", "fd00:10:129::5 is reached by another interface than the egress one")]
    [InlineData("80 192.168.12.10", "192.168.12.10 is reached by another interface than the egress one")]
    [InlineData("80 2001:db8:12::10", "2001:db8:12::10 is reached by another interface than the egress one")]
    [InlineData("80 10.129.2.31", "10.129.2.31 is the pod itself")]
    [InlineData("80 192.168.12.99", "192.168.12.99 is the pod itself")]
    [InlineData("80 2001:db8:12::99", "2001:db8:12::99 is the pod itself")]
    public void An_address_that_cannot_be_served_is_refused_at_the_start(string list, string reason)
    {
        using var lab = new ProxyLab("", dualStack: true);
        using var proxy = new ProxyProcess(lab.Lab, "dns-proxy", list);
        Assert.Equal(1, proxy.WaitForExit());
        proxy.WaitFor(() => proxy.Output.Contains($"EGRESS_DNS_PROXY_DESTINATION: port 80: {reason}", StringComparison.Ordinal), reason);
    }

    /// <summary>With so few files that a port may have about two hundred connections; as many more wait to be taken.</summary>
    [RootFact]
    public void A_port_that_is_full_takes_nothing_from_the_others()
    {
        using var lab = new ProxyLab("");
        lab.Serve("192.168.12.91", 80);
        lab.Serve("192.168.12.92", 80);
        using ProxyProcess proxy = new ProxyProcess(lab.Lab, "dns-proxy", "80 192.168.12.91\n81 192.168.12.92 80", maxFiles: 1000).Ready();
        Assert.Contains(" connections only: 2 share 1000 open files (ulimit -Hn)\n", proxy.Output, StringComparison.Ordinal);
        var clients = new List<Conversation>();
        try
        {
            for (int i = 0; i < 300; i++)
            {
                clients.Add(Conversation.Open(lab.Lab.Client, Lab.PodAddress, 80)!);
            }

            Assert.Equal("192.168.12.99 192.168.12.91 80", clients[0].Ask("hello"));
            for (int i = 0; i < 100; i++)
            {
                clients.Add(Conversation.Open(lab.Lab.Client, Lab.PodAddress, 81)!);
                Assert.Equal("192.168.12.99 192.168.12.92 80", clients[^1].Ask("hello"));
            }
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    [RootTheory]
    [InlineData("--idle-timeout=2", false)]
    [InlineData("--idle-timeout=86400", true)]
    [InlineData(null, true)]
    public void An_idle_connection_is_kept_for_as_long_as_is_said_and_a_day_else(string? option, bool isKept)
    {
        using var lab = new ProxyLab("");
        lab.Serve("192.168.12.91", 5432);
        using ProxyProcess proxy = new ProxyProcess(
            lab.Lab, "dns-proxy", "5432 192.168.12.91", arguments: option is null ? [] : option.Split('=')).Ready();
        using Conversation client = Conversation.Open(lab.Lab.Client, Lab.PodAddress, 5432)!;
        Assert.NotNull(client.Ask("before"));
        // haproxy's timers: the 2 s of the case, and a minute for all but idle connections.
        Thread.Sleep(TimeSpan.FromSeconds(isKept ? 65 : 4));
        Assert.Equal(isKept, client.Ask("after") is not null);
    }

    /// <summary>As <c>kubectl port-forward</c> does: by the pod's loopback. Nothing listens anywhere else.</summary>
    [RootFact]
    public void Port_forward_works_and_opens_nothing_else()
    {
        using var lab = new ProxyLab("", dualStack: true);
        lab.Serve("192.168.12.91", 5432);
        lab.Start("dns-proxy", "5432 192.168.12.91");
        foreach (string loopback in (string[])["127.0.0.1", "::1"])
        {
            using Conversation? client = Conversation.Open(lab.Lab.Pod, loopback, 5432);
            Assert.Equal("192.168.12.99 192.168.12.91 5432", client?.Ask("hello"));
        }

        string[] listeners = [.. Lab.In(lab.Lab.Pod, "ss", "-Hltn").Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3]).Order()];
        Assert.Equal([$"10.129.2.31:5432", "127.0.0.1:5432", "[::1]:5432", "[fd00:10:129::31]:5432"], listeners);
    }

    [RootFact]
    public void Addresses_that_begin_with_a_letter_and_names_of_both_families()
    {
        using var lab = new ProxyLab("192.168.12.91 both.test\n2001:db8:12::91 both.test", dualStack: true);
        Lab.In(lab.Lab.Lan, "ip", "-6", "address", "add", "fd00:113::25/128", "dev", "lo", "nodad");
        lab.Serve("fd00:113::25", 80);
        LineServer ipv4 = lab.Serve("192.168.12.91", 80);
        lab.Serve("2001:db8:12::91", 80);
        ProxyProcess proxy = lab.Start("dns-proxy", "80 fd00:113::25\n81 both.test 80");
        Assert.Equal("2001:db8:12::99 fd00:113::25 80", Ask(lab, 80));
        proxy.WaitFor(() => Ask(lab, 81) == "192.168.12.99 192.168.12.91 80", "by IPv4");
        ipv4.Dispose();
        proxy.WaitFor(() => Ask(lab, 81) == "2001:db8:12::99 2001:db8:12::91 80", "by IPv6, when no server of IPv4 is left");
    }

    private static string? Ask(ProxyLab lab, int port, string address = Lab.PodAddress)
    {
        using Conversation? client = Conversation.Open(lab.Lab.Client, address, port);
        return client?.Ask("hello");
    }
}
