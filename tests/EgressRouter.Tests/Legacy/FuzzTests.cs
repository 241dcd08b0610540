using System.Collections.Immutable;
using System.Text;
using EgressRouter.Config;
using EgressRouter.Legacy;
using Shared;

namespace EgressRouter.Tests.Legacy;

/// <summary>Damaged lists: if one is accepted, the proxy's configuration has only allowed lines.</summary>
public class FuzzTests
{
    private const string HttpLine =
        @"^(acl (dest|listed|unlisted|closed|itself)\d+ dst [0-9a-f.:]+(/[1-9]\d*|-[0-9a-f.:]+)|acl name\d+ dstdomain (-n )?\.?[a-z0-9.-]+|acl ports\d+ port \d+(-\d+)?|http_access (allow|deny)( all| name\d+| dest\d+| closed\d+| listed\d+| !unlisted\d+| ports\d+)+|tcp_outgoing_address [0-9a-f.:]+( itself\d+)?|acl elsewhere\d+ dst \S+|http_access deny elsewhere\d+|deny_info 403:ERR_CANNOT_FORWARD elsewhere\d+|#.*|)$";

    private const string DnsLine =
        @"^(|listen port_\d+|    bind [0-9.]+:\d+|    server dest [0-9a-f.:\[\]]+:\d+( source [0-9.]+:0)? check|    server-template ipv4_ 16 [a-z0-9.-]+:\d+ source [0-9.]+:0 resolvers dns-resolver resolve-prefer ipv4 init-addr none check disabled|    tcp-response content reject if \{ bc_dst -m ip 169\.254\.0\.0/16 fe80::/10 \})$";

    [Fact]
    public void Http_lists() => Fuzzer.Run("http-proxy", [], input =>
    {
        var faults = new List<LegacyFault>();
        ImmutableArray<HttpRule> rules = HttpProxyList.Read(Encoding.UTF8.GetString(input), faults);
        Assert.All(faults, fault => Assert.DoesNotContain(fault.Reason, char.IsControl));
        string text = SquidConfig.Of(rules, ProxyExamples.Ipv4, hasAccessLog: false);
        Assert.All(
            text[(text.IndexOf("deny reserved", StringComparison.Ordinal) + 14)..].TrimEnd('\n').Split('\n'),
            line => Assert.Matches(HttpLine, line));
        return faults.Count == 0;
    });

    [Fact]
    public void Dns_lists() => Fuzzer.Run("dns-proxy", [], input =>
    {
        var faults = new List<LegacyFault>();
        ImmutableArray<DnsRule> rules = DnsProxyList.Read(Encoding.UTF8.GetString(input), faults);
        Assert.All(faults, fault => Assert.DoesNotContain(fault.Reason, char.IsControl));
        string text = HaproxyConfig.Of(rules, ProxyExamples.Ipv4, isDebugging: false);
        int start = text.IndexOf("\nlisten", StringComparison.Ordinal);
        Assert.All(start < 0 ? [] : text[start..].TrimEnd('\n').Split('\n'), line => Assert.Matches(DnsLine, line));
        return faults.Count == 0;
    });

    [Fact]
    public void Texts_of_destinations() => Fuzzer.Run("destinations-text", [], input =>
    {
        string text = Encoding.UTF8.GetString(input);
        InitResult result = InitEnvironment.Read(name => name switch
        {
            "EGRESS_SOURCE" => "192.168.12.99/24 2001:db8:12::99/64",
            "EGRESS_GATEWAY" => "192.168.12.1 2001:db8:12::1",
            "EGRESS_DESTINATION" => text,
            _ => null,
        });
        Assert.Equal(result.Config is null, !result.Faults.IsEmpty);
        Assert.All(result.Faults, fault => Assert.DoesNotContain(fault, char.IsControl));
        int lines = text.Count(letter => letter == '\n') + 1;
        Assert.All(LegacyLines.Of(text), line => Assert.InRange(line.Number, 1, lines));
        return result.Config is not null;
    });
}
