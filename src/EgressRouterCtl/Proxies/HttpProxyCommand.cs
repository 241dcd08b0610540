using System.Collections.Immutable;
using CommandLine;
using EgressRouter.Legacy;

namespace EgressRouterCtl.Proxies;

[Verb("http-proxy",
    HelpText =
        "In a pod with an egress interface: run squid on port 8080, with the destinations of EGRESS_HTTP_PROXY_DESTINATION. EGRESS_HTTP_PROXY_DEBUG logs requests.")]
[Examples("EGRESS_HTTP_PROXY_DESTINATION='*.example.com' egress-routerctl http-proxy",
    "egress-routerctl http-proxy --file /etc/egress/destinations")]
internal sealed class HttpProxyCommand() : ProxyCommand(ProxyProgram.Squid, HttpProxyList.Variable)
{
    protected override string Configure(string? list, Func<ProxyPod> readPod, ICollection<LegacyFault> faults)
    {
        ImmutableArray<HttpRule> rules = HttpProxyList.Read(list, faults);
        return faults.Count > 0 ? "" : SquidConfig.Of(rules, readPod(), IsSet("EGRESS_HTTP_PROXY_DEBUG"));
    }
}
