using System.Diagnostics;

namespace SystemTests.Legacy;

/// <summary>
/// The HTTP proxy's list as a policy, with the real squid: what a name's addresses, and DNS servers that lie, cannot get past.
/// </summary>
public class HttpPolicyTests
{
    private const string Listed = "203.0.113.25";
    private const string Unlisted = "192.168.12.91";
    private const string Listed6 = "2001:db8:113::25";
    private const string Unlisted6 = "2001:db8:12::91";

    private const string Hosts = $"""
        {Listed} good.test mixed.test both.test listed-and-6.test two-lines.test
        {Unlisted} mixed.test bad.test 4-and-listed6.test
        {Listed6} both.test good6.test 4-and-listed6.test mixed6.test
        {Unlisted6} listed-and-6.test mixed6.test
        203.0.113.26 two-lines.test
        """;

    /// <summary>A list; the names that it allows of all those above; whether there is an IPv6 egress address.</summary>
    [RootTheory]
    [InlineData("203.0.113.0/24", "good two-lines", true)]
    [InlineData("203.0.113.0/24", "good both listed-and-6 two-lines", false)]
    [InlineData("203.0.113.25", "good", true)]
    [InlineData("203.0.113.25\n203.0.113.26", "good two-lines", true)]
    [InlineData("203.0.113.25\nother.test\n203.0.113.26", "good two-lines", true)]
    [InlineData("203.0.113.25\n!203.0.113.27\n203.0.113.26", "good two-lines", true)]
    [InlineData("203.0.113.25 80\n203.0.113.26", "good two-lines", true)]
    [InlineData("203.0.113.25 81\n203.0.113.26", "", true)]
    [InlineData("203.0.113.0/24\n2001:db8:113::/48", "good both good6 two-lines", true)]
    [InlineData("2001:db8:113::25", "good6", true)]
    [InlineData("0.0.0.0/0", "good mixed bad two-lines", true)]
    [InlineData("::/0", "good6 mixed6", true)]
    [InlineData("0.0.0.0/0\n::/0", "good mixed bad both listed-and-6 4-and-listed6 good6 mixed6 two-lines", true)]
    [InlineData("!192.168.12.91\n203.0.113.0/24\n::/0", "good both listed-and-6 good6 mixed6 two-lines", true)]
    [InlineData("203.0.113.26\n!203.0.113.0/24\n*", "bad good6 mixed6 4-and-listed6", true)]
    [InlineData("!2001:db8:12::/64\n!192.168.12.0/24\n*", "good both good6 two-lines", true)]
    [InlineData("mixed.test\n203.0.113.0/24", "good mixed two-lines", true)]
    [InlineData("!good.test\n203.0.113.0/24", "two-lines", true)]
    public void A_name_is_allowed_by_addresses_if_all_of_its_addresses_are(string list, string allowed, bool dualStack)
    {
        using var lab = new ProxyLab(Hosts, dualStack);
        Lab.In(lab.Lab.Lan, "ip", "-6", "address", "add", Unlisted6 + "/64", "dev", "lo", "nodad");
        foreach (string address in (string[])[Listed, "203.0.113.26", Unlisted, Listed6, Unlisted6])
        {
            lab.Serve(address, 80);
        }

        lab.Start("http-proxy", list);
        string[] names = [.. Hosts.Split('\n').SelectMany(line => line.Split(' ').Skip(1)).Distinct().Order()];
        string[] wanted = [.. allowed.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(name => name + ".test").Order()];
        Assert.Equal(wanted, names.Where(name => ProxyLab.Get(lab.Lab.Client, $"http://{name}/") is string answer && Ok(answer, name)));
        Assert.Equal(wanted, names.Where(name => Tunnels(lab, name)));
    }

    /// <summary>Whether it was let through. Whatever it says but that it is denied is an error.</summary>
    private static bool Ok(string answer, string name)
    {
        Assert.True(answer == "403" || answer.EndsWith(" 80", StringComparison.Ordinal), $"{name}: {answer}");
        return answer != "403";
    }

    private static bool Tunnels(ProxyLab lab, string name)
    {
        (Conversation? tunnel, string? status) = ProxyLab.Tunnel(lab.Lab.Client, name + ":80");
        using (tunnel)
        {
            Assert.True(status is "200" or "403", $"{name}: {status}");
            return tunnel?.Ask("hello") is not null;
        }
    }

    /// <summary>However an address is written, and at every end of what is listed.</summary>
    [RootTheory]
    [InlineData("203.0.113.24/31",
        "203.0.113.23 203.0.113.26 0.0.0.0 0.0.0.1 1.2.3.4 255.255.255.255 [::] [::1] [::ffff:203.0.113.26] 3405803802 0xcb.0.113.26 0313.0.0161.032 203.29978 [64:ff9b::cb00:7119] [2001:db8:113::25] [ffff::1]")]
    [InlineData("203.0.113.24/31\n2001:db8:113::24/127",
        "203.0.113.23 203.0.113.26 1.2.3.4 [::] [::5.5.5.5] [::fffe:ffff:ffff] [::1:0:0:0] [64:ff9b::cb00:7119] [2001:db8:113::23] [2001:db8:113::26] [2001:db8:12::91] [ffff::1] [::ffff:203.0.113.26]")]
    [InlineData("*", "192.168.12.10 [2001:db8:12::10] 10.129.2.1")]
    [InlineData("0.0.0.0/0",
        "[::] [::1] [::5.5.5.5] [::fffe:ffff:ffff] [::1:0:0:0] [64:ff9b::cb00:7119] [2001:db8:113::25] [ffff::1] 0.0.0.0 127.0.0.1 127.1 2130706433")]
    [InlineData("::/0", "203.0.113.25 1.2.3.4 192.168.12.91 [::ffff:203.0.113.25] [::1] [::] [::5.5.5.5]")]
    [InlineData("!::/0\n*", "[64:ff9b::cb00:7119] [2001:db8:113::25] [::1:0:0:0] [ffff::1] [::1]")]
    [InlineData("!0.0.0.0/0\n*", "203.0.113.25 1.2.3.4 192.168.12.91 [::ffff:203.0.113.25] 3405803801")]
    public void An_address_that_is_not_listed_is_denied(string list, string denied)
    {
        using var lab = new ProxyLab("", dualStack: true);
        lab.Serve(Listed, 80);
        lab.Serve(Listed6, 80);
        lab.Start("http-proxy", list);
        foreach (string host in denied.Split(' '))
        {
            Assert.Equal((host, "403"), (host, ProxyLab.Get(lab.Lab.Client, $"http://{host}/")));
            Assert.Equal((host, "403"), (host, ProxyLab.Tunnel(lab.Lab.Client, host + ":80").Status));
        }

        string[] both = [ProxyLab.Get(lab.Lab.Client, $"http://{Listed}/")!, ProxyLab.Get(lab.Lab.Client, $"http://[{Listed6}]/")!];
        Assert.Contains(both, answer => answer.EndsWith(" 80", StringComparison.Ordinal));
    }

    /// <summary>squid keeps an answer for a minute at least: new names all the time, and those of before when the minute is over.</summary>
    [RootTheory]
    [InlineData("203.0.113.0/24\n2001:db8:113::/48")]
    [InlineData("!192.168.12.0/24\n!2001:db8:12::/64\n*")]
    public void Answers_that_change_lead_nowhere_else(string list)
    {
        using var lab = new ProxyLab("", dualStack: true);
        LineServer[] listed = [lab.Serve(Listed, 80), lab.Serve(Listed6, 80)];
        LineServer[] unlisted = [lab.Serve(Unlisted, 80), lab.Serve(Unlisted6, 80)];
        using var dns = new ScriptedDns(lab, (name, count) => (name[0], count % 2) switch
        {
            ('l', 1) => Listed,
            ('6', 1) => Listed6,
            ('n', 1) => "",
            ('6', _) => Unlisted6,
            _ => Unlisted,
        });
        lab.Start("http-proxy", list);
        string[] names = [.. Enumerable.Range(0, 8)
            .SelectMany(number => (string[])[$"l{number}.test", $"6{number}.test", $"n{number}.test", $"n{number + 10}.test"])];
        Request(
            lab, TimeSpan.FromSeconds(5),
            () => [names[Random.Shared.Next(names.Length)], $"{"l6n"[Random.Shared.Next(3)]}-{Random.Shared.Next()}.test"]);
        // squid's timer: the minute of the first answers ends while the next requests go on.
        Thread.Sleep(TimeSpan.FromSeconds(50));
        Request(lab, TimeSpan.FromSeconds(12), () => [names[Random.Shared.Next(names.Length)]]);
        Assert.All(listed, server => Assert.NotEqual(0, server.Requests));
        Assert.All(unlisted, server => Assert.Equal(0, server.Requests));
        Assert.Contains(dns.Questions, question => question.Type == ScriptedDns.Aaaa);
    }

    private static void Request(ProxyLab lab, TimeSpan time, Func<string[]> names)
    {
        long start = Stopwatch.GetTimestamp();
        Thread[] clients = [.. Enumerable.Range(0, 12).Select(number => new Thread(() =>
        {
            while (Stopwatch.GetElapsedTime(start) < time)
            {
                foreach (string name in names())
                {
                    if (number % 2 == 0)
                    {
                        _ = ProxyLab.Get(lab.Lab.Client, $"http://{name}/");
                    }
                    else
                    {
                        using Conversation? tunnel = ProxyLab.Tunnel(lab.Lab.Client, name + ":80").Tunnel;
                        _ = tunnel?.Ask("hello");
                    }
                }
            }
        }))];
        Array.ForEach(clients, client => client.Start());
        Array.ForEach(clients, client => client.Join());
    }

    [RootTheory]
    [InlineData("*")]
    [InlineData("0.0.0.0/0\n::/0")]
    [InlineData("*.test\n*")]
    [InlineData("169.254.169.254 8080\n*")]
    public void The_pod_itself_and_link_local_addresses_are_closed(string list)
    {
        string[] own = ["127.0.0.1", "127.8.9.10", "0.0.0.0", Lab.PodAddress, "192.168.12.99", "[::1]", "[::]", $"[{Lab.PodAddress6}]",
            "[2001:db8:12::99]", "[::ffff:127.0.0.1]", "127.1"];
        using var lab = new ProxyLab(
            "127.0.0.1 a.test\n10.129.2.31 b.test\n192.168.12.99 c.test\n169.254.169.254 d.test\n::1 e.test\nfe80::1 f.test\n203.0.113.25 g.test\n127.0.0.1 g.test",
            dualStack: true);
        Lab.In(lab.Lab.Lan, "ip", "address", "add", "169.254.169.254/32", "dev", "lo");
        LineServer metadata = lab.Serve("169.254.169.254", 80);
        LineServer[] servers = [lab.ServeIn(lab.Lab.Pod, "0.0.0.0", 80), lab.ServeIn(lab.Lab.Pod, "::1", 80),
            lab.ServeIn(lab.Lab.Pod, Lab.PodAddress6, 80), metadata];
        lab.Serve(Listed, 80);
        lab.Start("http-proxy", list);
        string linkLocal = Lab.In(
            lab.Lab.Pod, "ip", "-6", "-o", "address", "show", "dev", "eth0", "scope",
            "link").Split(' ', StringSplitOptions.RemoveEmptyEntries)[3].Split('/')[0];
        foreach (string host in (string[])[.. own, "169.254.169.254", "169.254.1.1", "[fe80::1]", $"[{linkLocal}]", "a.test", "b.test",
            "c.test", "d.test", "e.test", "f.test", "g.test"])
        {
            Assert.Equal((host, "403"), (host, ProxyLab.Get(lab.Lab.Client, $"http://{host}/")));
            Assert.Equal((host, "403"), (host, ProxyLab.Tunnel(lab.Lab.Client, host + ":80").Status));
        }

        Assert.All(servers, server => Assert.Equal(0, server.Requests));
        Assert.Equal($"192.168.12.99 {Listed} 80", ProxyLab.Get(lab.Lab.Client, $"http://{Listed}/"));
    }

    [RootFact]
    public void A_line_of_its_own_opens_them()
    {
        using var lab = new ProxyLab("169.254.169.254 metadata.test", dualStack: true);
        Lab.In(lab.Lab.Lan, "ip", "address", "add", "169.254.169.254/32", "dev", "lo");
        Lab.In(lab.Lab.Lan, "ip", "address", "add", "169.254.169.253/32", "dev", "lo");
        lab.Serve("169.254.169.254", 80);
        lab.Serve("169.254.169.254", 81);
        lab.Serve("169.254.169.253", 80);
        lab.ServeIn(lab.Lab.Pod, Lab.PodAddress, 80);
        lab.ServeIn(lab.Lab.Pod, Lab.PodAddress6, 80);
        lab.ServeIn(lab.Lab.Pod, "127.0.0.1", 80);
        lab.Start("http-proxy", $"169.254.169.254 80\n{Lab.PodAddress}\n{Lab.PodAddress6}\n127.0.0.0/8 80\n*");
        string client = lab.Lab.Client;
        Assert.Equal("192.168.12.99 169.254.169.254 80", ProxyLab.Get(client, "http://169.254.169.254/"));
        Assert.Equal("192.168.12.99 169.254.169.254 80", ProxyLab.Get(client, "http://metadata.test/"));
        Assert.Equal("403", ProxyLab.Get(client, "http://169.254.169.254:81/"));
        Assert.Equal("403", ProxyLab.Get(client, "http://169.254.169.253/"));
        // From an address of the pod, not from the egress address.
        Assert.Equal($"{Lab.PodAddress} {Lab.PodAddress} 80", ProxyLab.Get(client, $"http://{Lab.PodAddress}/"));
        Assert.Equal($"{Lab.PodAddress6} {Lab.PodAddress6} 80", ProxyLab.Get(client, $"http://[{Lab.PodAddress6}]/"));
        Assert.Equal($"{Lab.PodAddress} 127.0.0.1 80", ProxyLab.Get(client, "http://127.0.0.1/"));
        Assert.Equal("403", ProxyLab.Get(client, "http://127.0.0.1:81/"));
        Assert.Equal("403", ProxyLab.Get(client, "http://[::1]/"));
    }

    [RootTheory]
    [InlineData("*")]
    [InlineData("10.129.2.0/23\n10.130.0.5\nfd00:10:129::/64\n*.test")]
    public void What_another_interface_leads_to_is_refused_at_once_and_the_page_says_so(string list)
    {
        using var lab = new ProxyLab("10.129.2.1 node.test\nfd00:10:129::1 node6.test", dualStack: true);
        Lab.In(lab.Lab.Pod, "ip", "route", "add", Lab.FarClient, "via", "10.129.2.1");
        LineServer[] servers = [lab.ServeIn(lab.Lab.Client, "0.0.0.0", 80), lab.ServeIn(lab.Lab.Client, "fd00:10:129::1", 80)];
        lab.Start("http-proxy", list);
        long start = Stopwatch.GetTimestamp();
        foreach (string host in (string[])["10.129.2.1", "10.129.3.254", "[fd00:10:129::1]", Lab.FarClient, "node.test", "node6.test"])
        {
            using Conversation client = Conversation.Open(lab.Lab.Client, Lab.PodAddress, 8080)!;
            string answer = client.AskAll($"GET http://{host}/ HTTP/1.0\r\n\r\n");
            Assert.Contains("403 Forbidden", answer, StringComparison.Ordinal);
            Assert.Contains("ERR_CANNOT_FORWARD", answer, StringComparison.Ordinal);
            Assert.Equal("403", ProxyLab.Tunnel(lab.Lab.Client, host + ":80").Status);
        }

        // A route that came later is not known to squid: the kernel refuses it.
        Lab.In(lab.Lab.Pod, "ip", "route", "add", "198.51.100.0/24", "via", "10.129.2.1");
        Assert.Equal(list == "*" ? "503" : "403", ProxyLab.Get(lab.Lab.Client, "http://198.51.100.1/"));
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.All(servers, server => Assert.Equal(0, server.Requests));
    }

    [RootFact]
    public void Nobody_asks_for_the_name_of_a_client()
    {
        using var lab = new ProxyLab("", dualStack: true);
        lab.Serve(Listed, 80);
        using var dns = new ScriptedDns(lab, (_, _) => Listed);
        lab.Start("http-proxy", "*.test\n203.0.113.0/24", isDebugging: true);
        Assert.Equal($"192.168.12.99 {Listed} 80", ProxyLab.Get(lab.Lab.Client, "http://web.test/"));
        Assert.Equal($"192.168.12.99 {Listed} 80", ProxyLab.Get(lab.Lab.Client, $"http://{Listed}/", Lab.PodAddress6));
        Assert.True(
            ProxyLab.Tunnel(lab.Lab.Client, "web.test:80") is { Status: "200", Tunnel: Conversation tunnel }
                && tunnel.Ask("hello") is not null);
        Assert.Contains(("web.test", ScriptedDns.A), dns.Questions);
        Assert.DoesNotContain(dns.Questions, question => question.Type == ScriptedDns.Pointer);
    }

    /// <summary>IPv6 addresses whose first character is a letter are no names.</summary>
    [RootFact]
    public void Addresses_that_begin_with_a_letter()
    {
        using var lab = new ProxyLab("", dualStack: true);
        Lab.In(lab.Lab.Lan, "ip", "-6", "address", "add", "fd00:113::25/128", "dev", "lo", "nodad");
        lab.Serve("fd00:113::25", 80);
        lab.Start("http-proxy", "fd00:113::25\n!fd00:114::/32");
        Assert.Equal("2001:db8:12::99 fd00:113::25 80", ProxyLab.Get(lab.Lab.Client, "http://[fd00:113::25]/"));
        Assert.Equal("403", ProxyLab.Get(lab.Lab.Client, "http://[fd00:113::26]/"));
    }

    /// <summary>As <c>kubectl port-forward</c> does: by the pod's loopback.</summary>
    [RootTheory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public void Port_forward_works(string loopback)
    {
        using var lab = new ProxyLab("", dualStack: true);
        lab.Serve(Listed, 80);
        lab.Start("http-proxy", Listed);
        Assert.Equal($"192.168.12.99 {Listed} 80", ProxyLab.Get(lab.Lab.Pod, $"http://{Listed}/", loopback));
        Assert.Equal("403", ProxyLab.Get(lab.Lab.Pod, "http://127.0.0.1/", loopback));
    }
}
