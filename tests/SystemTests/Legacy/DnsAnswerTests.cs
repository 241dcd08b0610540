namespace SystemTests.Legacy;

/// <summary>What the real haproxy makes of answers of one family, of answers that are link-local, and of many reloads.</summary>
public class DnsAnswerTests
{
    /// <summary>haproxy gives a server of the other family the address that there is, to which its source cannot be bound.</summary>
    [RootTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_name_of_one_family_is_silent_and_has_no_false_server(bool dualStack)
    {
        using var lab = new ProxyLab("192.168.12.91 four.test\n2001:db8:12::91 six.test", dualStack);
        LineServer four = lab.Serve("192.168.12.91", 80);
        LineServer? six = dualStack ? lab.Serve("2001:db8:12::91", 80) : null;
        ProxyProcess proxy = lab.Start("dns-proxy", "80 four.test\n81 six.test 80");
        proxy.WaitFor(() => Ask(lab, 80) == "192.168.12.99 192.168.12.91 80", "by IPv4");
        if (dualStack)
        {
            proxy.WaitFor(() => Ask(lab, 81) == "2001:db8:12::99 2001:db8:12::91 80", "by IPv6");
        }

        // Four checks, one every 2 s, take longer than haproxy keeps an answer of DNS, 5 s.
        using var outside = Capture.Outside(lab.Lab);
        int Checks() => outside.Frames()
            .Count(frame => frame is { TcpFlags: 2, Port: 80 } && frame.Destination?.ToString() == "192.168.12.91");
        proxy.WaitFor(() => Checks() >= 4, "checked again");
        Assert.DoesNotContain("Cannot bind", proxy.Output, StringComparison.Ordinal);
        Assert.Equal(
            dualStack ? "the proxy answers, 2 destinations" : "the proxy answers; not reached: the destination of port 81",
            proxy.Health().Stdout.Trim());
        four.Dispose();
        six?.Dispose();
        proxy.WaitFor(() => proxy.Health().Stdout.Trim() == "no destination can be reached", "known to be out of reach");
        Assert.DoesNotContain("Cannot bind", proxy.Output, StringComparison.Ordinal);
    }

    [RootFact]
    public void A_family_comes_and_goes()
    {
        using var lab = new ProxyLab("192.168.12.91 name.test", dualStack: true);
        lab.Serve("192.168.12.91", 80);
        lab.Serve("2001:db8:12::91", 80);
        ProxyProcess proxy = lab.Start("dns-proxy", "80 name.test");
        proxy.WaitFor(() => Ask(lab, 80) == "192.168.12.99 192.168.12.91 80", "by IPv4");
        lab.Dns.Change("2001:db8:12::91 name.test");
        proxy.WaitFor(() => Ask(lab, 80) == "2001:db8:12::99 2001:db8:12::91 80", "by IPv6");
        lab.Dns.Change("192.168.12.91 name.test");
        proxy.WaitFor(() => Ask(lab, 80) == "192.168.12.99 192.168.12.91 80", "by IPv4 again");
    }

    /// <summary>A cloud's metadata: no name leads there, also not one that has led elsewhere before. A line of the list does.</summary>
    [RootFact]
    public void A_link_local_answer_is_not_used()
    {
        using var lab = new ProxyLab("169.254.169.254 evil.test\n192.168.12.91 turns.test");
        Lab.In(lab.Lab.Lan, "ip", "address", "add", "169.254.169.254/32", "dev", "lo");
        LineServer metadata = lab.Serve("169.254.169.254", 80);
        lab.Serve("192.168.12.91", 80);
        ProxyProcess proxy = lab.Start("dns-proxy", "80 evil.test\n81 turns.test 80");
        proxy.WaitFor(() => Ask(lab, 81) is not null, "resolved");
        lab.Dns.Change("169.254.169.254 evil.test turns.test");
        proxy.WaitFor(() => proxy.Health().Stdout.Contains("no destination", StringComparison.Ordinal), "turned");
        for (int i = 0; i < 20; i++)
        {
            Assert.Null(Ask(lab, 80));
            Assert.Null(Ask(lab, 81));
        }

        Assert.Equal(0, metadata.Requests);
        using ProxyProcess explicitly = new ProxyProcess(lab.Lab, "dns-proxy", "82 169.254.169.254 80", runName: "other").Ready();
        Assert.Equal("192.168.12.99 169.254.169.254 80", Ask(lab, 82));
    }

    /// <summary>Each reload leaves a worker until its connections end, but for the oldest of more than ten.</summary>
    [RootFact]
    public void Many_reloads_leave_a_bounded_number_of_workers()
    {
        using var lab = new ProxyLab("");
        lab.Serve("192.168.12.91", 80);
        using ProxyProcess proxy = new ProxyProcess(lab.Lab, "dns-proxy", "80 192.168.12.91", asFile: true).Ready();
        var clients = new List<Conversation>();
        try
        {
            for (int i = 0; i < 15; i++)
            {
                clients.Add(Conversation.Open(lab.Lab.Client, Lab.PodAddress, 80)!);
                Assert.NotNull(clients[^1].Ask("hello"));
                int port = 1000 + i;
                proxy.Change($"80 192.168.12.91\n{port} 192.168.12.91 80");
                proxy.WaitFor(() => Ask(lab, port) is not null, $"reloaded, port {port}");
            }

            Assert.NotNull(clients[^1].Ask("still there"));
            Assert.NotNull(clients[^8].Ask("still there"));
            Assert.Null(clients[0].Ask("gone"));
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    private static string? Ask(ProxyLab lab, int port)
    {
        using Conversation? client = Conversation.Open(lab.Lab.Client, Lab.PodAddress, port);
        return client?.Ask("hello");
    }
}
