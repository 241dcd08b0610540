using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EgressRouter.Config;

namespace EgressRouter.Legacy;

/// <summary>Writes squid's configuration. Every value in it has a validated type: it contains no untrusted text.</summary>
internal static class SquidConfig
{
    /// <summary>The port that the legacy image listened on.</summary>
    public const int Port = 8080;

    /// <summary>The source addresses of families without an egress address (RFC 5737, RFC 6666): no host has them.</summary>
    private static readonly ImmutableArray<IPAddress> _nobodys = [IPAddress.Parse("192.0.2.1"), IPAddress.Parse("100::1")];

    /// <summary>Returns the configuration.</summary>
    /// <param name="hasAccessLog">Whether to log each request to standard output.</param>
    public static string Of(ImmutableArray<HttpRule> rules, ProxyPod pod, bool hasAccessLog)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            # Made by "egress-routerctl http-proxy": what is changed here is lost.
            http_port {Port}
            visible_hostname egress-router
            httpd_suppress_version_string on
            cache deny all
            cache_mem 8 MB
            memory_pools off
            # Memory is taken for as many as there may be.
            max_filedescriptors {Math.Min(pod.MaxFiles, 65536)}
            pid_filename none
            coredump_dir none
            netdb_filename none
            pinger_enable off
            access_log {(hasAccessLog ? "stdio:/dev/stdout" : "none all")}
            cache_log /dev/null
            debug_options ALL,0
            shutdown_lifetime 3 seconds
            # What squid would tell helpers by default is a client's name too: it would ask for that by reverse DNS.
            url_rewrite_extras "%>a"
            store_id_extras "%>a"

            """);
        // The source address does not tell: a node, or a client of a node port, may have an address of the egress network.
        text.Append("\n# Who comes in by the egress interface is no client.\n");
        foreach (IPAddress address in pod.Sources)
        {
            Line(text, $"acl outside localip {address}");
        }

        Line(text, "http_access deny outside");
        text.Append(CultureInfo.InvariantCulture, $"""

            # Neither squid's own pages, nor a name without an address, which may have one a moment later.
            http_access deny manager
            acl resolved dst all
            http_access deny !resolved
            deny_info 503:ERR_DNS_FAIL resolved
            acl reserved dst {AddressSet.Reserved}
            http_access deny reserved

            # Nor the pod itself and link-local addresses, if no line of the list names them; nor what another interface leads to.

            """);
        var writer = new SquidRules(text, pod);
        writer.WriteClosed(rules);
        text.Append(
            "\n# From the egress addresses; a family that has none gets one that nobody has, so that it cannot leave by another interface.\n");
        foreach (AddressFamily family in Families.All)
        {
            IPAddress source = pod.SourceOf(family) ?? _nobodys[family == AddressFamily.InterNetwork ? 0 : 1];
            Line(text, $"tcp_outgoing_address {source}");
        }

        text.Append("\n# The list.\n");
        writer.WriteList(rules);
        return text.ToString();
    }

    private static void Line(StringBuilder text, string line) => text.Append(line).Append('\n');
}
