using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EgressRouter.Config;

namespace EgressRouter.Legacy;

/// <summary>Writes squid's configuration. Everything in it is of a type of ours: no text of a stranger gets there.</summary>
public static class SquidConfig
{
    /// <summary>The port that the legacy image listened on.</summary>
    public const int Port = 8080;

    /// <summary>What stands in the place of an egress address of a family that has none (RFC 6666, RFC 5737): nobody has it.</summary>
    private static readonly ImmutableArray<IPAddress> _nobodys = [IPAddress.Parse("192.0.2.1"), IPAddress.Parse("100::1")];

    /// <summary>Whether an address stands for a family that has no egress address.</summary>
    public static bool IsNobodys(IPAddress address) => _nobodys.Contains(address);

    /// <summary>The configuration.</summary>
    /// <param name="rules">The list.</param>
    /// <param name="pod">The pod.</param>
    /// <param name="hasAccessLog">Whether each request is written to the standard output.</param>
    public static string Of(ImmutableArray<HttpRule> rules, ProxyPod pod, bool hasAccessLog)
    {
        ArgumentNullException.ThrowIfNull(pod);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            # Made by "egress-router http-proxy": what is changed here is lost.
            http_port {Port}
            visible_hostname egress-router
            httpd_suppress_version_string on
            cache deny all
            cache_mem 8 MB
            memory_pools off
            # Memory is taken for as many as there may be.
            max_filedescriptors {pod.MaxFiles}
            pid_filename none
            coredump_dir none
            netdb_filename none
            pinger_enable off
            access_log {(hasAccessLog ? "stdio:/dev/stdout" : "none all")}
            cache_log /dev/null
            debug_options ALL,0
            shutdown_lifetime 3 seconds

            # From the egress addresses; a family that has none gets one that nobody has, so that it cannot leave by another interface.

            """);
        foreach (AddressFamily family in Families.All)
        {
            IPAddress source = pod.SourceOf(family) ?? _nobodys[family == AddressFamily.InterNetwork ? 0 : 1];
            Line(text, $"tcp_outgoing_address {source}");
        }

        // The source says nothing: a node, or a client of a node's port, may have an address of the egress network.
        text.Append("\n# Who comes in by the egress interface is no client.\n");
        foreach (IPAddress address in pod.Sources)
        {
            Line(text, $"acl outside localip {address}");
        }

        Line(text, "http_access deny outside");
        text.Append("\n# Neither squid's own pages nor other programs of the pod are destinations.\nhttp_access deny manager\nhttp_access deny to_localhost\n\n");
        WriteRules(text, rules);
        return text.ToString();
    }

    private static void WriteRules(StringBuilder text, ImmutableArray<HttpRule> rules)
    {
        for (int i = 0; i < rules.Length; i++)
        {
            HttpRule rule = rules[i];
            string condition = "";
            if (rule.Network is (IPAddress address, int length))
            {
                Line(text, $"acl dest{i + 1} dst {Network(address, length)}");
                condition = $" dest{i + 1}";
            }
            else if (rule.Name is HostName name)
            {
                // -n: where the client gives an address, its owner must not say by reverse DNS that it is an allowed name.
                // To deny, that may be believed.
                Line(text, $"acl dest{i + 1} dstdomain {(rule.IsAllowed ? "-n " : "")}{(rule.WithSubdomains ? "." : "")}{name}");
                condition = $" dest{i + 1}";
            }

            foreach ((ushort first, ushort last) in rule.Ports)
            {
                Line(text, first == last ? $"acl ports{i + 1} port {first}" : $"acl ports{i + 1} port {first}-{last}");
            }

            condition += rule.Ports.IsEmpty ? "" : $" ports{i + 1}";
            Line(text, $"http_access {(rule.IsAllowed ? "allow" : "deny")}{(condition.Length == 0 ? " all" : condition)}");
        }

        text.Append("http_access deny all\n");
    }

    /// <summary>squid takes a network of length 0 of either family for all addresses of both.</summary>
    private static string Network(IPAddress address, int length) =>
        length > 0 ? $"{address}/{length}" : address.AddressFamily == AddressFamily.InterNetwork ? "0.0.0.0/1 128.0.0.0/1" : "ipv6";

    private static void Line(StringBuilder text, string line) => text.Append(line).Append('\n');
}
