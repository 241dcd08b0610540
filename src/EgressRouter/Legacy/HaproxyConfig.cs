using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EgressRouter.Legacy;

/// <summary>Writes haproxy's configuration. Everything in it is of a type of ours: no text of a stranger gets there.</summary>
public static class HaproxyConfig
{
    /// <summary>How many servers behind one name are used at most.</summary>
    public const int Servers = 16;

    /// <summary>The name of its socket, by which it is asked how it is.</summary>
    public const string SocketName = "haproxy.sock";

    /// <summary>The configuration.</summary>
    /// <param name="rules">The list.</param>
    /// <param name="pod">The pod.</param>
    /// <param name="isDebugging">Whether each connection is written to the standard output.</param>
    public static string Of(ImmutableArray<DnsRule> rules, ProxyPod pod, bool isDebugging)
    {
        ArgumentNullException.ThrowIfNull(pod);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            # Made by "egress-router dns-proxy": what is changed here is lost.
            global
                maxconn 4000{(isDebugging ? "\n    log stdout format raw local2 info info" : "")}
                stats socket {pod.Directory}/{SocketName} mode 600 level user

            defaults
                mode tcp{(isDebugging ? "\n    log global\n    option tcplog\n    option dontlognull" : "")}
                option redispatch
                retries 3
                timeout queue 1m
                timeout connect 10s
                timeout client 1m
                timeout server 1m
                timeout check 10s

            """);
        bool hasNames = false;
        foreach (DnsRule rule in rules)
        {
            hasNames |= rule.Name is not null;
        }

        if (hasNames)
        {
            WriteResolvers(text, pod);
        }

        foreach (DnsRule rule in rules)
        {
            WriteRule(text, rule, pod);
        }

        return text.ToString();
    }

    /// <summary>
    /// haproxy keeps no TTL. It asks again soon enough; the server it asks answers out of its cache until the TTL is over.
    /// </summary>
    private static void WriteResolvers(StringBuilder text, ProxyPod pod)
    {
        text.Append("\nresolvers dns-resolver\n");
        for (int i = 0; i < pod.Nameservers.Length; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"    nameserver ns{i + 1} {Endpoint(pod.Nameservers[i], 53)}\n");
        }

        text.Append("""
                resolve_retries 3
                timeout resolve 5s
                timeout retry 1s
                accepted_payload_size 8192
                hold valid 5s
                # A DNS server that is silent or ill takes nothing away.
                hold timeout 1h
                hold refused 1h
                hold other 1h

            """);
    }

    private static void WriteRule(StringBuilder text, DnsRule rule, ProxyPod pod)
    {
        text.Append(CultureInfo.InvariantCulture, $"\nlisten port_{rule.Port}\n");
        // At the addresses of the pod's other interfaces, not at the egress one: who comes in by that is no client. Bound to
        // an interface it could not answer an IPv6 client that is beyond the main table's routes by it.
        foreach (IPAddress own in pod.ClientSide)
        {
            text.Append(CultureInfo.InvariantCulture, $"    bind {Endpoint(own, rule.Port)}\n");
        }

        if (rule.Address is IPAddress address)
        {
            text.Append(CultureInfo.InvariantCulture, $"    server dest {Endpoint(address, rule.TargetPort)}{From(pod.SourceOf(address.AddressFamily))} check\n");
            return;
        }

        // Where one family has no egress address the other one's is the source, with which the kernel lets nothing of the
        // first one leave. Where both have one, all that leaves by the egress interface has the right one.
        (IPAddress? ipv4, IPAddress? ipv6) = (pod.SourceOf(AddressFamily.InterNetwork), pod.SourceOf(AddressFamily.InterNetworkV6));
        IPAddress? only = ipv4 is null ? ipv6 : ipv6 is null ? ipv4 : null;
        text.Append(
            CultureInfo.InvariantCulture,
            $"    server-template dest {Servers} {rule.Name}:{rule.TargetPort}{From(only)} resolvers dns-resolver resolve-prefer {(ipv4 is null ? "ipv6" : "ipv4")} init-addr none check\n");
    }

    private static string From(IPAddress? source) => source is null ? "" : $" source {Endpoint(source, 0)}";

    private static string Endpoint(IPAddress address, int port) =>
        string.Create(CultureInfo.InvariantCulture, $"{(address.AddressFamily == AddressFamily.InterNetwork ? $"{address}" : $"[{address}]")}:{port}");
}
