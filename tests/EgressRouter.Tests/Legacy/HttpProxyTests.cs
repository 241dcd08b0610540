using System.Collections.Immutable;
using EgressRouter.Legacy;
using Shared;

namespace EgressRouter.Tests.Legacy;

/// <summary>The HTTP proxy's list: every form of the legacy image, the refusals, and the configuration for squid.</summary>
public class HttpProxyTests
{
    private static readonly ProxyPod _pod = ProxyExamples.Ipv4;

    [Theory]
    [InlineData("203.0.113.25", "acl listed3 dst 203.0.113.25/32", "acl unlisted4 dst 0.0.0.1-203.0.113.24",
        "acl unlisted4 dst 203.0.113.26-255.255.255.254", "http_access allow listed3 !unlisted4", "http_access deny all")]
    [InlineData("192.168.1.77/24", "acl listed3 dst 192.168.1.0/24", "acl unlisted4 dst 0.0.0.1-192.168.0.255",
        "acl unlisted4 dst 192.168.2.0-255.255.255.254", "http_access allow listed3 !unlisted4", "http_access deny all")]
    [InlineData("!192.168.1.1", "acl dest3 dst 192.168.1.1/32", "http_access deny dest3", "http_access deny all")]
    [InlineData("0.0.0.0/0", "acl listed3 dst 0.0.0.0/1", "acl listed3 dst 128.0.0.0/1", "http_access allow listed3",
        "http_access deny all")]
    [InlineData("!::/0", "acl dest3 dst ::1:0:0:0-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "http_access deny dest3",
        "http_access deny all")]
    [InlineData("fd00::25", "acl listed3 dst fd00::25/128", "acl unlisted4 dst 0.0.0.1-255.255.255.254",
        "http_access allow listed3 !unlisted4", "http_access deny all")]
    [InlineData("!fe80::/10", "acl dest3 dst fe80::/10", "http_access deny dest3", "http_access deny all")]
    [InlineData("10.0.0.0/8\n10.1.0.0/16\n11.0.0.0/8", "acl listed3 dst 10.0.0.0/7", "acl unlisted4 dst 0.0.0.1-9.255.255.255",
        "acl unlisted4 dst 12.0.0.0-255.255.255.254", "http_access allow listed3 !unlisted4", "http_access deny all")]
    [InlineData("203.0.113.25\nexample.com\n203.0.113.26", "acl name3 dstdomain -n example.com", "http_access allow name3",
        "acl listed4 dst 203.0.113.25-203.0.113.26", "acl unlisted5 dst 0.0.0.1-203.0.113.24",
            "acl unlisted5 dst 203.0.113.27-255.255.255.254", "http_access allow listed4 !unlisted5", "http_access deny all")]
    [InlineData("128.0.0.0/1\n!example.com\n0.0.0.0/1", "acl listed3 dst 128.0.0.0/1", "acl unlisted4 dst 0.0.0.1-127.255.255.255",
        "http_access allow listed3 !unlisted4", "acl name5 dstdomain example.com", "http_access deny name5", "acl listed6 dst 0.0.0.0/1",
            "acl listed6 dst 128.0.0.0/1", "http_access allow listed6", "http_access deny all")]
    [InlineData("example.com", "acl name3 dstdomain -n example.com", "http_access allow name3", "http_access deny all")]
    [InlineData("Example.COM.", "acl name3 dstdomain -n example.com", "http_access allow name3", "http_access deny all")]
    [InlineData("*.example.com", "acl name3 dstdomain -n .example.com", "http_access allow name3", "http_access deny all")]
    [InlineData("!*.example.com", "acl name3 dstdomain .example.com", "http_access deny name3", "http_access deny all")]
    [InlineData("www", "acl name3 dstdomain -n www", "http_access allow name3", "http_access deny all")]
    [InlineData("cafe.de", "acl name3 dstdomain -n cafe.de", "http_access allow name3", "http_access deny all")]
    [InlineData("*", "http_access allow all", "http_access deny all")]
    [InlineData("*\n*", "http_access allow all", "http_access allow all", "http_access deny all")]
    [InlineData("# all but one\n\n  !example.com\t\n*", "acl name3 dstdomain example.com", "http_access deny name3",
        "http_access allow all", "http_access deny all")]
    [InlineData("example.com 443", "acl name3 dstdomain -n example.com", "acl ports4 port 443", "http_access allow name3 ports4",
        "http_access deny all")]
    [InlineData("!10.0.0.0/8 80,8000-8100\n* 443", "acl dest3 dst 10.0.0.0/8", "acl ports4 port 80", "acl ports4 port 8000-8100",
        "http_access deny dest3 ports4", "acl ports5 port 443", "http_access allow ports5", "http_access deny all")]
    [InlineData("128.0.0.0/1\n0.0.0.0/1 80 443", "acl listed3 dst 128.0.0.0/1", "acl unlisted4 dst 0.0.0.1-127.255.255.255",
        "acl ports5 port 0-79", "acl ports5 port 81-442", "acl ports5 port 444-65535", "http_access allow listed3 !unlisted4 ports5",
            "acl listed6 dst 0.0.0.0/1", "acl listed6 dst 128.0.0.0/1", "acl ports7 port 80", "acl ports7 port 443",
                "http_access allow listed6 ports7", "http_access deny all")]
    public void What_squid_is_told(string list, params string[] expected)
    {
        var faults = new List<LegacyFault>();
        ImmutableArray<HttpRule> rules = HttpProxyList.Read(list, faults);
        Assert.Empty(faults);
        string text = SquidConfig.Of(rules, _pod, hasAccessLog: false);
        string[] lines = text[(text.IndexOf("# The list.\n", StringComparison.Ordinal) + "# The list.\n".Length)..].Trim('\n').Split('\n');
        Assert.Equal(expected, lines);
    }

    [Theory]
    [InlineData(null, 0, "No EGRESS_HTTP_PROXY_DESTINATION specified")]
    [InlineData("", 0, "No EGRESS_HTTP_PROXY_DESTINATION specified")]
    [InlineData("*\nexample.com", 2, "Wildcard must be last rule, if present")]
    [InlineData("*\n!example.com", 2, "Wildcard must be last rule, if present")]
    [InlineData("\nexample_com", 2, "Bad destination 'example_com': '_' stands in no name or address")]
    [InlineData("203.0.113.256", 1, "Bad destination '203.0.113.256': \"203.0.113.256\" is not an IPv4 address")]
    [InlineData("203.0.113.25/33", 1, "Bad destination '203.0.113.25/33': prefix length \"33\" is not a number from 0 to 32")]
    [InlineData("203.0.113", 1, "Bad destination '203.0.113': ")]
    [InlineData("!!example.com", 1, "Bad destination '!!example.com': '!' stands in no name or address")]
    [InlineData("!*", 1, "Bad destination '!*': '*' stands in no name or address")]
    [InlineData("!", 1, "Bad destination '!': nothing stands behind the '!'")]
    [InlineData("*example.com", 1, "Bad destination '*example.com': '*' stands in no name or address")]
    [InlineData("a.*.com", 1, "Bad destination 'a.*.com': '*' stands in no name or address")]
    [InlineData("example..com", 1, "Bad destination 'example..com': a part of the name is empty")]
    [InlineData("-example.com", 1, "Bad destination '-example.com': a part of the name begins or ends with '-'")]
    [InlineData("example.0x7f", 1, "Bad destination 'example.0x7f': it is neither an address nor a name, which does not end with a number")]
    [InlineData("b\u00fccher.de", 1,
        "Bad destination 'b\u00fccher.de': a name has the letters a-z only: write it as DNS does, beginning with xn--")]
    [InlineData("example.com 70000", 1, "Bad destination 'example.com 70000': Invalid port: 70000, must be in the range 1 to 65535")]
    [InlineData("example.com 90-80", 1, "Bad destination 'example.com 90-80': port range 90-80 is reversed")]
    [InlineData("example.com # mail", 1, "Bad destination 'example.com # mail': Invalid port: #, must be in the range 1 to 65535")]
    [InlineData("example.com\" allow all", 1, "Bad destination 'example.com\" allow all': '\"' stands in no name or address")]
    [InlineData("a.de\rinclude /etc/shadow", 1, "Bad destination 'a.de\\rinclude /etc/shadow': '\\r' stands in no name or address")]
    [InlineData("a.de\u2028x", 1, "Bad destination 'a.de\\u2028x': '\\u2028' stands in no name or address")]
    public void What_is_refused(string? list, int line, string reason)
    {
        var faults = new List<LegacyFault>();
        _ = HttpProxyList.Read(list, faults);
        LegacyFault fault = Assert.Single(faults);
        Assert.Equal(line, fault.Line);
        Assert.StartsWith(reason, fault.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void All_faults_at_once()
    {
        var faults = new List<LegacyFault>();
        _ = HttpProxyList.Read("a b\nexample.com\n*\n1.2.3.4/99\nc", faults);
        Assert.Equal([1, 4, 5], faults.Select(fault => fault.Line));
    }

    [Theory]
    [MemberData(nameof(ProxyExamples.HttpLists), MemberType = typeof(ProxyExamples))]
    public void The_whole_configuration(string name, string pod, bool hasAccessLog)
    {
        var faults = new List<LegacyFault>();
        ImmutableArray<HttpRule> rules = HttpProxyList.Read(ProxyExamples.Text("http-proxy", name), faults);
        Assert.Empty(faults);
        Golden.Verify(SquidConfig.Of(rules, ProxyExamples.Pods[pod], hasAccessLog), "legacy", "http-proxy", name);
    }
}
