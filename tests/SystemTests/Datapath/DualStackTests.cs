using System.Globalization;
using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>Both families in one attachment.</summary>
public class DualStackTests
{
    /// <summary>What a client asks, what arrives, and from which address.</summary>
    private static readonly (Protocol Protocol, int Port, bool Ipv6, Arrival Expected)[] _connections =
    [
        (Protocol.Tcp, 80, false, new("192.168.12.99", "192.168.12.91", 80)),
        (Protocol.Tcp, 80, true, new("2001:db8:12::99", "2001:db8:12::91", 80)),
        (Protocol.Udp, 53, false, new("192.168.12.99", "192.168.12.92", 53)),
        (Protocol.Udp, 53, true, new("2001:db8:12::99", "2001:db8:12::92", 53)),
        (Protocol.Tcp, 5432, false, new("192.168.12.99", "203.0.113.25", 5432)),
        (Protocol.Tcp, 5432, true, new("2001:db8:12::99", "2001:db8:113::25", 5432)),
        (Protocol.Udp, 5432, false, new("192.168.12.99", "203.0.113.25", 5432)),
        (Protocol.Udp, 5432, true, new("2001:db8:12::99", "2001:db8:113::25", 5432)),
    ];

    [RootTheory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(0, 2)]
    public void Serves_near_and_far_clients_of_both_whatever_rp_filter_says(int link, int all)
    {
        using var lab = new Lab();
        Lab.WriteSysctl(lab.Pod, "net/ipv4/conf/all/rp_filter", all.ToString(CultureInfo.InvariantCulture));
        Lab.WriteSysctl(lab.Pod, "net/ipv4/conf/eth0/rp_filter", link.ToString(CultureInfo.InvariantCulture));
        Snapshot pod = lab.PodSnapshot();
        Snapshot node = lab.NodeSnapshot();

        JsonObject result = lab.Add(Config.DualStack);
        AssertServes(lab);
        lab.Check(Config.DualStack, result).AssertSilentSuccess();

        lab.Delete(Config.DualStack);
        lab.PodSnapshot().AssertSameAs(pod);
        lab.NodeSnapshot().AssertSameAs(node);
    }

    [RootFact]
    public void Result_has_both()
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.DualStack);
        Assert.Equal(["192.168.12.99/24", "2001:db8:12::99/64"], result["ips"]!.AsArray().Select(ip => (string)ip!["address"]!));
        Assert.Equal(["192.168.12.1", "2001:db8:12::1"], result["ips"]!.AsArray().Select(ip => (string)ip!["gateway"]!));
        Assert.Equal(["0.0.0.0/0", "::/0"], result["routes"]!.AsArray().Select(route => (string)route!["dst"]!));
    }

    [RootFact]
    public void Gateways_are_those_of_the_node_where_none_is_given()
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.ChangedDualStack(config => config["ip"]!.AsObject().Remove("gateways")));
        Assert.Equal(["192.168.12.1", "2001:db8:12::1"], result["ips"]!.AsArray().Select(ip => (string)ip!["gateway"]!));
    }

    [RootFact]
    public void A_family_without_an_egress_address_keeps_its_default_route_and_the_log_says_so()
    {
        using var lab = new Lab();
        string before = Lab.In(lab.Pod, "ip", "-6", "route");
        CommandResult result = lab.Run("ADD", Config.Redirect);
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(before, Lab.In(lab.Pod, "ip", "-6", "route"));
        Assert.Single(result.Stderr.Split('\n'), line => line.Contains("no IPv6 egress address", StringComparison.Ordinal));
        Assert.DoesNotContain("[warning]", result.Stderr, StringComparison.Ordinal);
    }

    /// <summary>Every kind of connection, of a client in the pod's subnet and of one behind its gateway.</summary>
    private static void AssertServes(Lab lab)
    {
        foreach (var (protocol, port, ipv6, expected) in _connections)
        {
            lab.Serve(protocol, expected.Destination, port);
            string pod = ipv6 ? Lab.PodAddress6 : Lab.PodAddress;
            foreach (string? source in (string?[])[null, ipv6 ? Lab.FarClient6 : Lab.FarClient])
            {
                Arrival? arrival = lab.Connect(protocol, port, pod, source);
                Assert.True(expected == arrival, $"{protocol} {port} of {source ?? "a near client"}: {arrival}, not {expected}");
            }
        }
    }
}
