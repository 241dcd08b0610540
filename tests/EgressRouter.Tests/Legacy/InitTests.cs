using EgressRouter.Config;
using EgressRouter.Legacy;

namespace EgressRouter.Tests.Legacy;

/// <summary>The environment of the legacy image, as <c>egress-routerctl init</c> reads it.</summary>
public class InitTests
{
    private const string Usual = "EGRESS_SOURCE=192.168.12.99|EGRESS_GATEWAY=192.168.12.1|EGRESS_DESTINATION=203.0.113.25";

    [Theory]
    [InlineData("", InitMode.Legacy, "192.168.12.99/32; 192.168.12.1; 203.0.113.25")]
    [InlineData("EGRESS_ROUTER_MODE=", InitMode.Legacy, "192.168.12.99/32; 192.168.12.1; 203.0.113.25")]
    [InlineData("EGRESS_ROUTER_MODE=init|EGRESS_SOURCE=192.168.12.99/24", InitMode.Init, "192.168.12.99/24; 192.168.12.1; 203.0.113.25")]
    [InlineData("EGRESS_ROUTER_MODE=http-proxy", InitMode.HttpProxy, "192.168.12.99/32; 192.168.12.1; ")]
    [InlineData("EGRESS_ROUTER_MODE=dns-proxy|EGRESS_DESTINATION=", InitMode.DnsProxy, "192.168.12.99/32; 192.168.12.1; ")]
    [InlineData("EGRESS_ROUTER_MODE=dns-proxy|EGRESS_DESTINATION=not read", InitMode.DnsProxy, "192.168.12.99/32; 192.168.12.1; ")]
    [InlineData("EGRESS_DESTINATION=# a\n80 tcp 203.0.113.25\n80 udp 203.0.113.26 53\n\n203.0.113.27", InitMode.Legacy,
        "192.168.12.99/32; 192.168.12.1; 80 tcp 203.0.113.25, 80 udp 203.0.113.26 53, 203.0.113.27")]
    [InlineData("EGRESS_DESTINATION=# nothing yet", InitMode.Legacy, "192.168.12.99/32; 192.168.12.1; ")]
    [InlineData("EGRESS_SOURCE=2001:db8:12::99|EGRESS_GATEWAY=fe80::1|EGRESS_DESTINATION=80 sctp 2001:db8::25", InitMode.Legacy,
        "2001:db8:12::99/128; fe80::1; 80 sctp 2001:db8::25")]
    [InlineData("EGRESS_SOURCE=192.168.12.99/24, 2001:db8:12::99/64|EGRESS_GATEWAY=192.168.12.1 2001:db8:12::1", InitMode.Legacy,
        "192.168.12.99/24 2001:db8:12::99/64; 192.168.12.1 2001:db8:12::1; 203.0.113.25")]
    public void What_it_means(string changes, object mode, string expected)
    {
        InitResult result = Read(changes);
        Assert.Empty(result.Faults);
        Assert.Equal(mode, result.Mode);
        RouterConfig config = result.Config!;
        Assert.Equal(
            expected,
            $"{string.Join(' ', config.Addresses)}; {string.Join(' ', config.Gateways)}; {string.Join(", ", config.Destinations)}");
    }

    [Theory]
    [InlineData("EGRESS_SOURCE=", "EGRESS_SOURCE unspecified or invalid: it is not set")]
    [InlineData("EGRESS_SOURCE=192.168.12", "EGRESS_SOURCE unspecified or invalid: \"192.168.12/32\": ")]
    [InlineData("EGRESS_SOURCE=192.168.12.399",
        "EGRESS_SOURCE unspecified or invalid: \"192.168.12.399/32\": \"192.168.12.399\" is not an IPv4 address")]
    [InlineData("EGRESS_SOURCE=192.168.12.99/33",
        "EGRESS_SOURCE unspecified or invalid: \"192.168.12.99/33\": prefix length \"33\" is not a number from 0 to 32")]
    [InlineData("EGRESS_GATEWAY=", "EGRESS_GATEWAY unspecified or invalid: it is not set")]
    [InlineData("EGRESS_GATEWAY=192.168.12.1/24",
        "EGRESS_GATEWAY unspecified or invalid: \"192.168.12.1/24\": must not have a prefix length")]
    [InlineData("EGRESS_GATEWAY=router", "EGRESS_GATEWAY unspecified or invalid: \"router\": ")]
    [InlineData("EGRESS_SOURCE=192.168.12.99 2001:db8:12::99",
        "EGRESS_GATEWAY unspecified or invalid: there is no IPv6 gateway for the IPv6 address")]
    [InlineData("EGRESS_SOURCE=192.168.12.99/24|EGRESS_GATEWAY=192.168.13.1",
        "EGRESS_GATEWAY unspecified or invalid: \"192.168.13.1\": is outside the subnet of the egress address")]
    [InlineData("EGRESS_DESTINATION=", "EGRESS_DESTINATION unspecified")]
    [InlineData("EGRESS_DESTINATION=\n203.0.113.25\n80 tcp 203.0.113.26",
        "EGRESS_DESTINATION fallback IP must be the last line: line 2 \"203.0.113.25\" is not")]
    [InlineData("EGRESS_DESTINATION=80 tcp 203.0.113.25\n80 tcp 203.0.113.26",
        "EGRESS_DESTINATION value '80 tcp 203.0.113.26' is invalid: line 2: 80 tcp is already used by line 1")]
    [InlineData("EGRESS_DESTINATION=70000 tcp 203.0.113.25",
        "EGRESS_DESTINATION value '70000 tcp 203.0.113.25' is invalid: line 1: port 70000 is outside 1-65535")]
    [InlineData("EGRESS_DESTINATION=80 tcp example.com",
        "EGRESS_DESTINATION value '80 tcp example.com' is invalid: line 1: hostnames are not supported")]
    [InlineData("EGRESS_DESTINATION=80 tcp 192.168.12.99",
        "EGRESS_DESTINATION value '80 tcp 192.168.12.99' is invalid: line 1: 192.168.12.99 is the egress address itself")]
    [InlineData("EGRESS_ROUTER_MODE=unit-test",
        "Unrecognized EGRESS_ROUTER_MODE 'unit-test': it is one of init, legacy, http-proxy, dns-proxy")]
    public void What_is_wrong(string changes, string expected)
    {
        InitResult result = Read(changes);
        Assert.Null(result.Config);
        Assert.StartsWith(expected, Assert.Single(result.Faults), StringComparison.Ordinal);
    }

    [Fact]
    public void All_faults_at_once()
    {
        InitResult result = Read(
            "EGRESS_SOURCE=x|EGRESS_GATEWAY=|EGRESS_DESTINATION=a\n80 tcp 1.2.3.4\nb\n5.6.7.8\u0007|EGRESS_ROUTER_MODE=init");
        Assert.Null(result.Config);
        Assert.Equal(5, result.Faults.Length);
        Assert.DoesNotContain(string.Concat(result.Faults), char.IsControl);
    }

    private static InitResult Read(string changes)
    {
        var variables = new Dictionary<string, string>();
        foreach (string pair in $"{Usual}|{changes}".Split('|', StringSplitOptions.RemoveEmptyEntries))
        {
            variables[pair[..pair.IndexOf('=', StringComparison.Ordinal)]] = pair[(pair.IndexOf('=', StringComparison.Ordinal) + 1)..];
        }

        return InitEnvironment.Read(variables.GetValueOrDefault);
    }
}
