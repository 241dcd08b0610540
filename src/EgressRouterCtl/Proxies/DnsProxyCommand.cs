using System.Collections.Immutable;
using System.Net;
using CommandLine;
using EgressRouter.Legacy;

namespace EgressRouterCtl.Proxies;

[Verb("dns-proxy",
    HelpText =
        "In a pod with an egress interface: run haproxy with the ports and destinations of EGRESS_DNS_PROXY_DESTINATION. EGRESS_DNS_PROXY_DEBUG logs connections.")]
[Examples("EGRESS_DNS_PROXY_DESTINATION='5432 db.example.com' egress-routerctl dns-proxy",
    "egress-routerctl dns-proxy --file /etc/egress/destinations")]
internal sealed class DnsProxyCommand() : ProxyCommand(ProxyProgram.Haproxy, DnsProxyList.Variable)
{
    [Option("idle-timeout", MetaValue = "SECONDS", Default = HaproxyConfig.DefaultIdleSeconds,
        HelpText = "How long a connection may be idle, 1 to 2147483; the default is a day.")]
    public int IdleSeconds { get; set; }

    protected override string Configure(string? list, Func<ProxyPod> readPod, ICollection<LegacyFault> faults)
    {
        int idleSeconds = InRange("idle-timeout", IdleSeconds, 1, HaproxyConfig.MaxIdleSeconds);
        ImmutableArray<DnsRule> rules = DnsProxyList.Read(list, faults);
        if (faults.Count > 0)
        {
            return "";
        }

        ProxyPod pod = readPod();
        foreach (DnsRule rule in rules)
        {
            string? reason = rule.Address is IPAddress address ? (pod.CanReach(address, out string? unreachable) ? null : unreachable)
                : pod.Nameservers.IsEmpty ? $"there is no DNS server in /etc/resolv.conf to ask for {rule.Name}" : null;
            if (reason is not null)
            {
                faults.Add(new LegacyFault(0, $"port {rule.Port}: {reason}"));
            }
        }

        if (!Print && HaproxyConfig.ConnectionsPerPort(rules, pod) is int connections and < HaproxyConfig.FewConnections)
        {
            StandardError.WriteError(
                $"warning: a port takes {connections} connections only: {rules.Length} share {pod.MaxFiles} open files (ulimit -Hn)");
        }

        return HaproxyConfig.Of(rules, pod, IsSet("EGRESS_DNS_PROXY_DEBUG"), idleSeconds);
    }
}
