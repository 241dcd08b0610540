using System.Collections.Immutable;
using EgressRouter.Legacy;
using Shared;

namespace EgressRouter.Tests.Legacy;

/// <summary>The DNS proxy's list: every form of the legacy image, the refusals, and the configuration for haproxy.</summary>
public class DnsProxyTests
{
    private const string Template = " resolvers dns-resolver resolve-prefer ipv4 init-addr none check disabled";

    [Theory]
    [InlineData("80 203.0.113.25", "listen port_80", "server dest 203.0.113.25:80 source 192.168.12.99:0 check")]
    [InlineData("80 2001:db8::25", "listen port_80", "server dest [2001:db8::25]:80 check")]
    [InlineData("80 fd00::25 81", "listen port_80", "server dest [fd00::25]:81 check")]
    [InlineData("8080 203.0.113.25 80", "listen port_8080", "server dest 203.0.113.25:80 source 192.168.12.99:0 check")]
    [InlineData("80  example.com", "listen port_80", "server-template ipv4_ 16 example.com:80 source 192.168.12.99:0" + Template)]
    [InlineData("8080\tExample.com.  80", "listen port_8080", "server-template ipv4_ 16 example.com:80 source 192.168.12.99:0" + Template)]
    [InlineData("80 cafe.de", "listen port_80", "server-template ipv4_ 16 cafe.de:80 source 192.168.12.99:0" + Template)]
    public void What_haproxy_is_told(string list, string section, string server)
    {
        string text = HaproxyConfig.Of(Parse(list), ProxyExamples.Ipv4, isDebugging: false);
        string guard = server.Contains("resolvers", StringComparison.Ordinal)
            ? "    tcp-response content reject if { bc_dst -m ip 169.254.0.0/16 fe80::/10 }\n"
            : "";
        Assert.EndsWith(
            $"\n{section}\n    bind 10.129.2.31:{section.Split('_')[1]}\n    bind 127.0.0.1:{section.Split('_')[1]}\n{guard}    {server}\n",
            text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, 0, "Must specify EGRESS_DNS_PROXY_DESTINATION")]
    [InlineData("# nothing\n\n", 0, "Must specify EGRESS_DNS_PROXY_DESTINATION")]
    [InlineData("80", 1, "Bad destination '80': expected \"port destination\" or \"port destination port\"")]
    [InlineData("80 a.de 80 80", 1, "Bad destination '80 a.de 80 80': expected \"port destination\" or \"port destination port\"")]
    [InlineData("80 tcp 203.0.113.25", 1,
        "Bad destination '80 tcp 203.0.113.25': the name \"tcp\" is not complete: write it with its domain")]
    [InlineData("80 203.0.113.256", 1, "Bad destination '80 203.0.113.256': \"203.0.113.256\" is not an IPv4 address")]
    [InlineData("80 203.0.113.0/24", 1, "Bad destination '80 203.0.113.0/24': ")]
    [InlineData("80 127.0.0.1", 1, "Bad destination '80 127.0.0.1': 127.0.0.1 is a loopback address, not a destination")]
    [InlineData("80 db", 1, "Bad destination '80 db': the name \"db\" is not complete: write it with its domain")]
    [InlineData("80 *.a.de", 1, "Bad destination '80 *.a.de': '*' stands in no name or address")]
    [InlineData("\n0 a.de", 2, "Invalid port: 0, must be in the range 1 to 65535")]
    [InlineData("80 a.de 65536", 1, "Invalid port: 65536, must be in the range 1 to 65535")]
    [InlineData("http a.de", 1, "Invalid port: http, must be in the range 1 to 65535")]
    [InlineData("80 a.de\n8080 b.de 80\n80 c.de", 3, "Proxy port 80 already used, must be unique for each destination")]
    [InlineData("80 a.de\" 80", 1, "Bad destination '80 a.de\" 80': '\"' stands in no name or address")]
    [InlineData("80 a.de\rglobal", 1, "Bad destination '80 a.de\\rglobal': '\\r' stands in no name or address")]
    [InlineData("80 ${HOME}.de", 1, "Bad destination '80 ${HOME}.de': '$' stands in no name or address")]
    public void What_is_refused(string? list, int line, string reason)
    {
        var faults = new List<LegacyFault>();
        _ = DnsProxyList.Read(list, faults);
        LegacyFault fault = Assert.Single(faults);
        Assert.Equal(line, fault.Line);
        Assert.StartsWith(reason, fault.Reason, StringComparison.Ordinal);
    }

    /// <summary>Up to 4,000 connections per port with two descriptors each; haproxy also counts the checks of names' servers.</summary>
    [Theory]
    [InlineData(1, 20000, 4000)]
    [InlineData(100, 20000, 90)]
    [InlineData(100, 262144, 1300)]
    [InlineData(30, 262144, 4000)]
    public void How_many_connections_a_port_takes(int ports, int files, int expected)
    {
        ImmutableArray<DnsRule> rules = Parse(string.Join('\n', Enumerable.Range(1, ports).Select(port => $"{port} a.example.com")));
        Assert.InRange(
            HaproxyConfig.ConnectionsPerPort(rules, ProxyExamples.Ipv4 with { MaxFiles = files }), expected * 98 / 100,
            expected * 102 / 100);
    }

    [Theory]
    [MemberData(nameof(ProxyExamples.DnsLists), MemberType = typeof(ProxyExamples))]
    public void The_whole_configuration(string name, string pod, bool isDebugging) =>
        Golden.Verify(
            HaproxyConfig.Of(Parse(ProxyExamples.Text("dns-proxy", name)), ProxyExamples.Pods[pod], isDebugging), "legacy", "dns-proxy",
            name);

    [Theory]
    [InlineData("nameserver 10.0.0.53\n", "10.0.0.53")]
    [InlineData("search a.de\n# nameserver 1.1.1.1\n nameserver\t10.0.0.53 x\nnameserver 2001:db8::53\r\nnameserver 10.0.0.53",
        "10.0.0.53 2001:db8::53")]
    [InlineData("nameserver\nnameserver dns.example\nnameservers 10.0.0.53\nnameserver fe80::1%eth0\noptions ndots:5", "")]
    public void Nameservers(string resolvConf, string expected) =>
        Assert.Equal(expected, string.Join(' ', ResolvConf.Nameservers(resolvConf)));

    private static ImmutableArray<DnsRule> Parse(string list)
    {
        var faults = new List<LegacyFault>();
        ImmutableArray<DnsRule> rules = DnsProxyList.Read(list, faults);
        Assert.Empty(faults);
        return rules;
    }
}
