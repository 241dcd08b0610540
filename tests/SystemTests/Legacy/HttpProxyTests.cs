using SystemTests.Packaging;

namespace SystemTests.Legacy;

/// <summary><c>egress-routerctl http-proxy</c> with the real squid: what gets through, from which address, and what does not.</summary>
public class HttpProxyTests
{
    private const string Hosts = """
        192.168.12.91 web.test sub.wild.test wild.test
        192.168.12.91 denied.wild.test other.test
        2001:db8:12::91 six.test
        192.168.12.91 both.test
        2001:db8:12::91 both.test
        2001:db8:113::25 far.test
        """;

    private const string Seen = "192.168.12.99 192.168.12.91 80";

    [RootFact]
    public void What_is_allowed_gets_there_from_the_egress_address_and_nothing_else_does()
    {
        using var lab = new ProxyLab(Hosts);
        LineServer near = lab.Serve("192.168.12.91", 80);
        LineServer tls = lab.Serve("192.168.12.91", 443);
        LineServer far = lab.Serve("203.0.113.25", 80);
        LineServer off = lab.Serve("203.0.113.26", 80);
        ProxyProcess proxy = lab.Start(
            "http-proxy", "# who may be asked\nweb.test 80 443\n!denied.wild.test\n*.wild.test\n203.0.113.24/31\n!203.0.113.0/24");
        string client = lab.Lab.Client;
        Assert.Equal("squid", proxy.ProgramName);

        // Plain requests: a name, names below one, an address in a network; then what is denied, and what is in no line.
        Assert.Equal(Seen, ProxyLab.Get(client, "http://web.test/"));
        Assert.Equal(Seen, ProxyLab.Get(client, "http://sub.wild.test/"));
        Assert.Equal(Seen, ProxyLab.Get(client, "http://wild.test/"));
        Assert.Equal("192.168.12.99 203.0.113.25 80", ProxyLab.Get(client, "http://203.0.113.25/"));
        int requests = near.Requests;
        Assert.Equal("403", ProxyLab.Get(client, "http://denied.wild.test/"));
        Assert.Equal("403", ProxyLab.Get(client, "http://other.test/"));
        Assert.Equal("403", ProxyLab.Get(client, "http://192.168.12.91/"));
        Assert.Equal("403", ProxyLab.Get(client, "http://203.0.113.26/"));
        Assert.Equal((requests, 0), (near.Requests, off.Requests));

        // Tunnels, to the ports that the line allows.
        (Conversation? tunnel, _) = ProxyLab.Tunnel(client, "web.test:443");
        using (tunnel)
        {
            Assert.Equal("192.168.12.99 192.168.12.91 443", tunnel!.Ask("hello"));
        }

        Assert.Equal("403", ProxyLab.Tunnel(client, "web.test:22").Status);
        Assert.Equal("403", ProxyLab.Tunnel(client, "denied.wild.test:443").Status);
        Assert.Equal("403", ProxyLab.Tunnel(client, "203.0.113.26:80").Status);
        Assert.Equal(1, tls.Requests);

        // A client of another subnet than the pod's, and a node whose address is in the egress network.
        Assert.Equal(Seen, ProxyLab.Get(client, "http://web.test/", source: Lab.FarClient));
        Lab.In(client, "ip", "address", "add", Lab.NearNode, "dev", "lo");
        Assert.Equal(Seen, ProxyLab.Get(client, "http://web.test/", source: Lab.NearNode));
        Assert.Equal(1, far.Requests);
    }

    /// <summary>All of a family is not all of the other one, which is what squid makes of a network of length 0.</summary>
    [RootTheory]
    [InlineData("0.0.0.0/0", "192.168.12.99 192.168.12.91 80", "403")]
    [InlineData("::/0", "403", "2001:db8:12::99 2001:db8:12::91 80")]
    [InlineData("!0.0.0.0/0\n*", "403", "2001:db8:12::99 2001:db8:12::91 80")]
    [InlineData("!::/0\n*", "192.168.12.99 192.168.12.91 80", "403")]
    public void A_whole_family(string list, string ipv4, string ipv6)
    {
        using var lab = new ProxyLab(Hosts, dualStack: true);
        lab.Serve("192.168.12.91", 80);
        lab.Serve("2001:db8:12::91", 80);
        lab.Start("http-proxy", list);
        Assert.Equal((ipv4, ipv6),
            (ProxyLab.Get(lab.Lab.Client, "http://192.168.12.91/"), ProxyLab.Get(lab.Lab.Client, "http://[2001:db8:12::91]/")));
    }

    /// <summary>What <c>--print</c> shows, of the list of the manifest, is a configuration that the program takes.</summary>
    [RootTheory]
    [InlineData("http-proxy", "203.0.113.0/24", "squid", "-k", "parse", "-f")]
    [InlineData("dns-proxy", "203.0.113.26:443", "haproxy", "-c", "-f")]
    public void What_is_printed_can_be_used(string verb, string printedOfList, string program, params string[] check)
    {
        using var lab = new ProxyLab(Hosts);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("er-print-");
        CommandResult printed = Command.Run(
            "nsenter", ["--net=" + Lab.PathOf(lab.Lab.Pod), Lab.Ctl, verb, "--print", "--directory", folder.FullName],
            environment: new Dictionary<string, string>(Manifest.EnvironmentOf(verb + ".yaml")) { ["PATH"] = "/usr/sbin:/usr/bin" });
        Assert.True(
            printed is { ExitCode: 0, Stderr: "" } && printed.Stdout.Contains(printedOfList, StringComparison.Ordinal), printed.ToString());
        string file = Path.Combine(folder.FullName, "printed");
        try
        {
            File.WriteAllText(file, printed.Stdout);
            if (printed.Stdout.Split("\n# haproxy.lua:\n") is [_, string script])
            {
                string[] lines = [.. script.TrimEnd('\n').Split('\n').Select(line => line.Length > 2 ? line[2..] : "")];
                File.WriteAllLines(Path.Combine(folder.FullName, "haproxy.lua"), lines);
            }

            CommandResult judged = Command.Run(program, [.. check, file]);
            Assert.True(judged.ExitCode == 0, judged.ToString());
            Assert.DoesNotMatch("(?i)warning|error|alert", judged.Stderr);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [RootFact]
    public void Everything_but_what_is_denied()
    {
        using var lab = new ProxyLab(Hosts);
        lab.Serve("192.168.12.91", 80);
        LineServer own = lab.ServeIn(lab.Lab.Pod, "127.0.0.1", 80);
        lab.Start("http-proxy", "!other.test\n!203.0.113.26\n*");
        Assert.Equal(Seen, ProxyLab.Get(lab.Lab.Client, "http://web.test/"));
        Assert.Equal("403", ProxyLab.Get(lab.Lab.Client, "http://other.test/"));
        Assert.Equal("403", ProxyLab.Get(lab.Lab.Client, "http://203.0.113.26/"));
        // Neither the proxy's own pages nor the pod's other programs are destinations.
        Assert.Equal("403", ProxyLab.Get(lab.Lab.Client, "http://egress-router:8080/squid-internal-mgr/info"));
        Assert.Equal("403", ProxyLab.Get(lab.Lab.Client, "http://127.0.0.1/"));
        Assert.Equal(0, own.Requests);
    }

    [RootFact]
    public void Both_families()
    {
        using var lab = new ProxyLab(Hosts, dualStack: true);
        lab.Serve("2001:db8:12::91", 80);
        lab.Serve("192.168.12.91", 80);
        lab.Start("http-proxy", "*.test\n2001:db8:12::/64");
        string client = lab.Lab.Client;
        Assert.Equal("2001:db8:12::99 2001:db8:12::91 80", ProxyLab.Get(client, "http://six.test/"));
        Assert.Equal("2001:db8:12::99 2001:db8:12::91 80", ProxyLab.Get(client, "http://[2001:db8:12::91]/", Lab.PodAddress6));
        Assert.Equal(Seen, ProxyLab.Get(client, "http://web.test/", Lab.PodAddress6, Lab.FarClient6));
        Assert.Equal("403", ProxyLab.Get(client, "http://[2001:db8:113::25]/"));
    }

    [RootFact]
    public void A_family_without_an_egress_address_does_not_leave_by_another_interface()
    {
        using var lab = new ProxyLab(Hosts);
        Lab.In(lab.Lab.Client, "ip", "-6", "address", "add", "2001:db8:113::25/128", "dev", "lo", "nodad");
        LineServer inside = lab.ServeIn(lab.Lab.Client, "2001:db8:113::25", 80);
        lab.Serve("192.168.12.91", 80);
        lab.Start("http-proxy", "*");
        Assert.Equal("503", ProxyLab.Get(lab.Lab.Client, "http://far.test/"));
        Assert.Equal(0, inside.Requests);
        // A name with both goes by the one that is there.
        Assert.Equal(Seen, ProxyLab.Get(lab.Lab.Client, "http://both.test/"));
    }

    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Who_comes_in_by_the_egress_interface_is_refused(bool inbound)
    {
        using var lab = new ProxyLab(Hosts, inbound: inbound);
        LineServer server = lab.Serve("192.168.12.91", 80);
        lab.Start("http-proxy", "*");
        string? refused = inbound ? "403" : null;
        Assert.Equal(refused, ProxyLab.Get(lab.Lab.Lan, "http://web.test/", "192.168.12.99"));
        Assert.Equal(refused, ProxyLab.Get(lab.Lab.Lan, "http://web.test/", "192.168.12.99", source: "203.0.113.27"));
        // A neighbor that sends what is for the pod's own address to the egress interface: nothing leaves from that address.
        Lab.In(lab.Lab.Lan, "ip", "route", "add", Lab.PodAddress, "via", "192.168.12.99");
        Assert.Null(ProxyLab.Get(lab.Lab.Lan, "http://web.test/", source: "192.168.12.1"));
        Assert.Equal(0, server.Requests);
        Assert.Equal(Seen, ProxyLab.Get(lab.Lab.Client, "http://web.test/"));
    }

    [RootFact]
    public void A_list_in_a_file_is_read_again_while_connections_go_on()
    {
        using var lab = new ProxyLab(Hosts);
        lab.Serve("192.168.12.91", 80);
        lab.Serve("192.168.12.91", 443);
        ProxyProcess proxy = lab.Start("http-proxy", "web.test", asFile: true);
        string client = lab.Lab.Client;
        (Conversation? tunnel, _) = ProxyLab.Tunnel(client, "web.test:443");
        using (tunnel)
        {
            Assert.Equal("192.168.12.99 192.168.12.91 443", tunnel!.Ask("before"));
            Assert.Equal("403", ProxyLab.Get(client, "http://other.test/"));

            proxy.Change("other.test");
            proxy.WaitFor(() => ProxyLab.Get(client, "http://other.test/") == Seen, "changed");
            Assert.Equal("403", ProxyLab.Get(client, "http://web.test/"));
            Assert.Equal("192.168.12.99 192.168.12.91 443", tunnel.Ask("after"));

            proxy.Change("web.test\nweb_test\n");
            proxy.WaitFor(() => proxy.Output.Contains("squid goes on with what it had", StringComparison.Ordinal), "refused");
            Assert.Contains(
                "destinations:2: Bad destination 'web_test': '_' stands in no name or address", proxy.Output, StringComparison.Ordinal);
            Assert.Equal(Seen, ProxyLab.Get(client, "http://other.test/"));
        }

        proxy.Signal("TERM");
        Assert.Equal(0, proxy.WaitForExit());
        Assert.Null(ProxyLab.Get(client, "http://other.test/"));
    }

    /// <summary>A signal that comes before squid runs: the file is a pipe, which is there to be read when something is written.</summary>
    [RootTheory]
    [InlineData("TERM")]
    [InlineData("HUP")]
    public void A_signal_during_the_start_is_not_lost(string signal)
    {
        using var lab = new ProxyLab(Hosts);
        lab.Serve("192.168.12.91", 80);
        using var proxy = new ProxyProcess(lab.Lab, "http-proxy", "", asPipe: true);
        proxy.WaitFor(proxy.CatchesSignals, "waiting for its list");
        proxy.Signal(signal);
        if (signal == "TERM")
        {
            Assert.Equal(0, proxy.WaitForExit());
            return;
        }

        proxy.FillPipe("web.test", then: "other.test");
        proxy.WaitFor(() => ProxyLab.Get(lab.Lab.Client, "http://other.test/") == Seen, "read again");
        Assert.Equal("403", ProxyLab.Get(lab.Lab.Client, "http://web.test/"));
    }

    [RootFact]
    public void Requests_are_logged_on_request_and_it_ends_when_it_is_told_to()
    {
        using var lab = new ProxyLab(Hosts, dualStack: true);
        lab.Serve("192.168.12.91", 80);
        ProxyProcess proxy = lab.Start("http-proxy", "web.test", isDebugging: true);
        Assert.Equal(Seen, ProxyLab.Get(lab.Lab.Client, "http://web.test/"));
        proxy.WaitFor(() => proxy.Output.Contains("TCP_MISS/200", StringComparison.Ordinal), "logged");
        Assert.Contains("GET http://web.test/ - HIER_DIRECT/192.168.12.91", proxy.Output, StringComparison.Ordinal);
        CommandResult health = proxy.Health();
        Assert.True(health is { ExitCode: 0, Stdout: "the proxy answers\n" }, health.ToString());
        Lab.In(lab.Lab.Pod, "ip", "address", "del", "192.168.12.99/24", "dev", "net1");
        health = proxy.Health();
        Assert.True(health is { ExitCode: 1, Stdout: "the egress interface has not got 192.168.12.99 any more\n" }, health.ToString());
        Lab.In(lab.Lab.Pod, "ip", "address", "add", "192.168.12.99/24", "dev", "net1");

        proxy.Signal("TERM");
        Assert.Equal(0, proxy.WaitForExit());
        health = proxy.Health();
        Assert.True(health is { ExitCode: 1, Stdout: "the proxy does not answer: Connection refused\n" }, health.ToString());
        Lab.In(lab.Lab.Pod, "ip", "link", "set", "net1", "down");
        health = proxy.Health();
        Assert.True(health is { ExitCode: 1, Stdout: "the egress interface net1 is down\n" }, health.ToString());
    }

    [RootTheory]
    [InlineData("web.test\nhttp_access allow all",
        "EGRESS_HTTP_PROXY_DESTINATION:2: Bad destination 'http_access allow all': '_' stands in no name or address")]
    [InlineData("web.test\"\ninclude", "EGRESS_HTTP_PROXY_DESTINATION:1: Bad destination 'web.test\"': '\"' stands in no name or address")]
    [InlineData("", "EGRESS_HTTP_PROXY_DESTINATION: No EGRESS_HTTP_PROXY_DESTINATION specified")]
    public void A_faulty_list_is_refused(string list, string fault)
    {
        using var lab = new ProxyLab("");
        using var proxy = new ProxyProcess(lab.Lab, "http-proxy", list);
        Assert.Equal(1, proxy.WaitForExit());
        proxy.WaitFor(() => proxy.Output.Contains(fault, StringComparison.Ordinal), fault);
    }

    [Fact]
    public void The_standard_input_cannot_be_read_again()
    {
        CommandResult result = Tools.Tool.Run("*", "http-proxy", "--file", "-");
        Assert.True(
            result is { ExitCode: 2, Stdout: "", Stderr: "egress-routerctl: --file -: the list must be a file: SIGHUP reads it again\n" },
            result.ToString());
    }
}
