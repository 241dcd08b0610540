namespace SystemTests.Legacy;

/// <summary><c>egress-routerctl dns-proxy</c> with the real haproxy, and a real DNS server whose answers change.</summary>
public class DnsProxyTests
{
    [RootFact]
    public void Each_port_goes_to_its_destination_from_the_egress_address()
    {
        using var lab = new ProxyLab("192.168.12.91 db.test\n192.168.12.92 db.test\n192.168.12.91 one.test");
        LineServer first = lab.Serve("192.168.12.91", 5432);
        LineServer second = lab.Serve("192.168.12.92", 5432);
        lab.Serve("203.0.113.25", 80);
        lab.Serve("203.0.113.26", 80);
        ProxyProcess proxy = lab.Start(
            "dns-proxy", "# by address\n80 203.0.113.25\n8080  203.0.113.26 80\n# by name\n5432 db.test\n5433 one.test 5432");
        Assert.Equal("haproxy", proxy.ProgramName);
        Assert.Equal("192.168.12.99 203.0.113.25 80", Ask(lab, 80));
        Assert.Equal("192.168.12.99 203.0.113.26 80", Ask(lab, 8080));
        Assert.Equal("192.168.12.99 203.0.113.25 80", Ask(lab, 80, Lab.FarClient));
        Lab.In(lab.Lab.Client, "ip", "address", "add", Lab.NearNode, "dev", "lo");
        Assert.Equal("192.168.12.99 203.0.113.25 80", Ask(lab, 80, Lab.NearNode));
        proxy.WaitFor(() => Ask(lab, 5433) == "192.168.12.99 192.168.12.91 5432", "resolved");

        // Both servers behind one name.
        proxy.WaitFor(() => Ask(lab, 5432) is not null && first.Requests > 2 && second.Requests > 2, "spread");
        CommandResult health = proxy.Health();
        Assert.True(health is { ExitCode: 0, Stdout: "the proxy answers, 4 destinations\n" }, health.ToString());
    }

    [RootFact]
    public void What_a_name_means_is_asked_again_while_connections_go_on()
    {
        using var lab = new ProxyLab("192.168.12.91 db.test");
        lab.Serve("192.168.12.91", 5432);
        lab.Serve("192.168.12.92", 5432);
        lab.Serve("203.0.113.25", 5432);
        ProxyProcess proxy = lab.Start("dns-proxy", "5432 db.test");
        proxy.WaitFor(() => Ask(lab, 5432) == "192.168.12.99 192.168.12.91 5432", "resolved");
        using Conversation connection = Conversation.Open(lab.Lab.Client, Lab.PodAddress, 5432)!;
        Assert.Equal("192.168.12.99 192.168.12.91 5432", connection.Ask("before"));

        lab.Dns.Change("192.168.12.92 db.test\n203.0.113.25 db.test");
        proxy.WaitFor(() => Ask(lab, 5432) == "192.168.12.99 192.168.12.92 5432" && Ask(lab, 5432) == "192.168.12.99 203.0.113.25 5432",
            "moved");
        Assert.Equal("192.168.12.99 192.168.12.91 5432", connection.Ask("after"));

        // A DNS server that is silent takes nothing away: haproxy gives up after the question and three repetitions, then asks again.
        int questions = 0;
        using var silent = new ScriptedDns(lab, (_, _) =>
        {
            Interlocked.Increment(ref questions);
            return null;
        });
        proxy.WaitFor(() => Volatile.Read(ref questions) > 4, "asked in vain");
        Assert.NotNull(Ask(lab, 5432));
    }

    [RootFact]
    public void Both_families()
    {
        using var lab = new ProxyLab("2001:db8:12::91 six.test", dualStack: true);
        lab.Serve("2001:db8:12::91", 80);
        lab.Serve("192.168.12.91", 81);
        ProxyProcess proxy = lab.Start("dns-proxy", "80 2001:db8:12::91\n81 192.168.12.91\n82 six.test 80");
        Assert.Equal("2001:db8:12::99 2001:db8:12::91 80", Ask(lab, 80));
        Assert.Equal("192.168.12.99 192.168.12.91 81", Ask(lab, 81, Lab.FarClient6, Lab.PodAddress6));
        proxy.WaitFor(() => Ask(lab, 82, address: Lab.PodAddress6) == "2001:db8:12::99 2001:db8:12::91 80", "resolved");
    }

    [RootFact]
    public void A_family_without_an_egress_address_does_not_leave_by_another_interface()
    {
        using var lab = new ProxyLab("fd00:10:129::1 inside.test\n192.168.12.91 web.test");
        LineServer inside = lab.ServeIn(lab.Lab.Client, "fd00:10:129::1", 80);
        lab.Serve("192.168.12.91", 80);
        ProxyProcess proxy = lab.Start("dns-proxy", "80 web.test\n81 inside.test 80");
        proxy.WaitFor(() => Ask(lab, 80) is not null, "resolved");
        // The name has been asked for as long, and its server is known.
        proxy.WaitFor(() => proxy.Health()
            .Stdout.Contains("not reached: the destination of port 81", StringComparison.Ordinal), "known to be out of reach");
        Assert.Null(Ask(lab, 81));
        Assert.Equal(0, inside.Requests);
    }

    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Who_comes_in_by_the_egress_interface_is_refused(bool inbound)
    {
        using var lab = new ProxyLab("", inbound: inbound);
        LineServer server = lab.Serve("192.168.12.91", 5432);
        lab.Start("dns-proxy", "5432 192.168.12.91");
        Assert.Null(Conversation.Open(lab.Lab.Lan, "192.168.12.99", 5432, milliseconds: 1000));
        Lab.In(lab.Lab.Lan, "ip", "route", "add", Lab.PodAddress, "via", "192.168.12.99");
        Assert.Null(Conversation.Open(lab.Lab.Lan, Lab.PodAddress, 5432, milliseconds: 1000));
        Assert.Equal(0, server.Requests);
        Assert.Equal("192.168.12.99 192.168.12.91 5432", Ask(lab, 5432));
    }

    [RootFact]
    public void A_list_in_a_file_is_read_again_while_connections_go_on()
    {
        using var lab = new ProxyLab("");
        lab.Serve("192.168.12.91", 80);
        lab.Serve("192.168.12.92", 80);
        ProxyProcess proxy = lab.Start("dns-proxy", "80 192.168.12.91", asFile: true, isDebugging: true);
        using Conversation connection = Conversation.Open(lab.Lab.Client, Lab.PodAddress, 80)!;
        Assert.Equal("192.168.12.99 192.168.12.91 80", connection.Ask("before"));
        proxy.Change("80 192.168.12.92\n81 192.168.12.91 80");
        proxy.WaitFor(() => Ask(lab, 81) == "192.168.12.99 192.168.12.91 80", "changed");
        proxy.WaitFor(() => Ask(lab, 80) == "192.168.12.99 192.168.12.92 80", "changed");
        // haproxy's timer: longer than connections have when it is to end.
        Thread.Sleep(TimeSpan.FromSeconds(6));
        Assert.Equal("192.168.12.99 192.168.12.91 80", connection.Ask("after"));

        proxy.Change("80 192.168.12.92\n80 192.168.12.91");
        proxy.WaitFor(() => proxy.Output.Contains("haproxy goes on with what it had", StringComparison.Ordinal), "refused");
        Assert.Contains(
            "destinations:2: Proxy port 80 already used, must be unique for each destination", proxy.Output, StringComparison.Ordinal);
        Assert.Equal("192.168.12.99 192.168.12.91 80", Ask(lab, 81));
        connection.Dispose();
        proxy.WaitFor(() => proxy.Output.Contains("port_81/dest", StringComparison.Ordinal), "logged");

        proxy.Signal("USR1");
        Assert.Equal(0, proxy.WaitForExit());
        Assert.Null(Ask(lab, 80));
    }

    [RootFact]
    public void Health_is_that_of_the_destinations()
    {
        using var lab = new ProxyLab("");
        using LineServer server = lab.Serve("192.168.12.91", 80);
        ProxyProcess proxy = lab.Start("dns-proxy", "80 192.168.12.91\n81 192.168.12.91");
        proxy.WaitFor(() => proxy.Health() is { ExitCode: 0, Stdout: "the proxy answers; not reached: the destination of port 81\n" },
            "one of two");
        server.Dispose();
        proxy.WaitFor(() => proxy.Health() is { ExitCode: 1, Stdout: "no destination can be reached\n" }, "none");
        proxy.Signal("USR1");
        _ = proxy.WaitForExit();
        CommandResult health = proxy.Health();
        Assert.True(
            health.ExitCode == 1 && health.Stdout.StartsWith("the proxy does not answer: ", StringComparison.Ordinal), health.ToString());
    }

    [RootTheory]
    [InlineData("80 a.test\"\nglobal", "EGRESS_DNS_PROXY_DESTINATION:1: Bad destination '80 a.test\"': '\"' stands in no name or address")]
    [InlineData("80 2001:db8::1",
        "EGRESS_DNS_PROXY_DESTINATION: port 80: 2001:db8::1 is an IPv6 address, but there is no IPv6 egress address")]
    public void A_faulty_list_is_refused(string list, string fault)
    {
        using var lab = new ProxyLab("");
        using var proxy = new ProxyProcess(lab.Lab, "dns-proxy", list);
        Assert.Equal(1, proxy.WaitForExit());
        proxy.WaitFor(() => proxy.Output.Contains(fault, StringComparison.Ordinal), fault);
    }

    /// <summary>At any moment of the start: before the program runs, while it does not listen to signals yet, and after.</summary>
    [RootTheory]
    [InlineData("dns-proxy", "80 192.168.12.91")]
    [InlineData("http-proxy", "*")]
    public void Told_to_end_while_it_starts_it_ends_well(string verb, string list)
    {
        using var lab = new ProxyLab("");
        for (int milliseconds = 0; milliseconds < 300; milliseconds += 20)
        {
            using var proxy = new ProxyProcess(lab.Lab, verb, list, asFile: true);
            proxy.WaitFor(proxy.CatchesSignals, "there");
            Thread.Sleep(milliseconds);
            proxy.Signal("TERM");
            int exitCode = proxy.WaitForExit();
            Assert.True(exitCode == 0, $"after {milliseconds} ms: exit code {exitCode}: {proxy.Output}");
        }
    }

    /// <summary>As from a checkout below the home of root, which nobody else may enter.</summary>
    [RootTheory]
    [InlineData("dns-proxy", "80 192.168.12.91", "80 192.168.12.91\n81 192.168.12.91 80", false)]
    [InlineData("dns-proxy", "80 192.168.12.91", "80 192.168.12.91\n81 192.168.12.91 80", true)]
    [InlineData("http-proxy", "192.168.12.91", "192.168.12.91 80", false)]
    [InlineData("http-proxy", "192.168.12.91", "192.168.12.91 80", true)]
    public void It_starts_where_its_user_may_not_enter(string verb, string list, string changed, bool asFile)
    {
        using var lab = new ProxyLab("");
        lab.Serve("192.168.12.91", 80);
        using ProxyProcess proxy = new ProxyProcess(lab.Lab, verb, list, asFile, startsInClosedFolder: true).Ready();
        if (asFile)
        {
            proxy.Change(changed);
            proxy.WaitFor(() => proxy.Output.Contains("destinations is read again", StringComparison.Ordinal) && proxy.Health()
                .ExitCode == 0, "read again");
        }
        else
        {
            Assert.Equal("/", proxy.Folder);
        }
    }

    /// <summary>The path of a Unix socket has no room for more than 107 bytes.</summary>
    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_haproxy_says_of_a_configuration_that_it_refuses_is_told(bool asFile)
    {
        using var lab = new ProxyLab("");
        using var proxy = new ProxyProcess(lab.Lab, "dns-proxy", "80 192.168.12.91", asFile, runName: new string('x', 120));
        Assert.Equal(2, proxy.WaitForExit());
        proxy.WaitFor(() => proxy.Output.Contains("egress-routerctl: haproxy refuses the configuration /tmp/", StringComparison.Ordinal),
            "refused");
        proxy.WaitFor(() => proxy.Output.Contains("socket path", StringComparison.Ordinal), "told why");
    }

    /// <summary>Such an interface lacks the router's nf_tables rules, so hosts of the egress network could connect to the pod.</summary>
    [RootFact]
    public void The_interface_of_another_plugin_is_refused()
    {
        using var lab = new Lab();
        Lab.Batch(lab.Node, "link add link lan0 name er-other0 type macvlan\nlink set er-other0 netns " + lab.Pod + " name net1");
        Lab.Batch(lab.Pod, "address add 192.168.12.99/24 dev net1\nlink set net1 up");
        using var proxy = new ProxyProcess(lab, "dns-proxy", "80 192.168.12.91");
        Assert.Equal(2, proxy.WaitForExit());
        proxy.WaitFor(() => proxy.Output.Contains("net1 is not the interface of an egress router", StringComparison.Ordinal), "refused");
    }

    private static string? Ask(ProxyLab lab, int port, string? source = null, string address = Lab.PodAddress)
    {
        using Conversation? client = Conversation.Open(lab.Lab.Client, address, port, source);
        return client?.Ask("hello");
    }
}
