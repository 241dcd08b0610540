using System.Collections.Immutable;
using System.Globalization;
using Cni;
using EgressRouter.Tools;

namespace EgressRouterCtl.Output;

/// <summary>Formats routers in Prometheus' text format, version 0.0.4.</summary>
internal static class Prometheus
{
    public static IEnumerable<string> Lines(ImmutableArray<RouterStatus> routers) =>
    [
        .. Destinations(
            "egress_router_connections_total", "counter", "Connections that were redirected to a destination.", routers,
            destination => destination.Counted.Connections),
        .. Destinations(
            "egress_router_packets_total", "counter", "Packets to and from a destination.", routers,
            destination => destination.Counted.Traffic.Packets),
        .. Destinations(
            "egress_router_bytes_total", "counter", "Bytes to and from a destination, with their IP headers.", routers,
            destination => destination.Counted.Traffic.Bytes),
        .. Destinations(
            "egress_router_connections", "gauge", "Connections to a destination at this moment.", routers,
            destination => (ulong?)destination.Now),
        .. Routers(
            "egress_router_conntrack_entries", "Connections in the pod's connection table.", routers, router => router.Conntrack?.Entries),
        .. Routers(
            "egress_router_conntrack_limit", "How many connections the pod's connection table takes.", routers,
            router => router.Conntrack?.Limit),
        .. Routers(
            "egress_router_up", "Whether the egress interface is there and up.", routers,
            router => router.Observed.Link is { Settings.IsUp: true } ? 1 : 0),
        .. Routers(
            "egress_router_drift", "Whether the router differs from its configuration.", routers,
            router => router.Desired is null ? null : router.Differences.IsEmpty ? 0 : 1),
        .. Metric(
            "egress_router_holds_address", "gauge", "Whether the pod has an address that it shares with other pods.",
            routers.SelectMany(router => router.Shared.Held.Select(address => (address, "1"))
                .Concat(router.Shared.Standby.Select(address => (address, "0")))
                .Select(shared => (Labels(router) + $",address=\"{shared.address}\"", (string?)shared.Item2)))),
        .. Metric(
            "egress_router_standby_dropped_packets_total", "counter", "Packets dropped because another pod has their egress address.",
            routers.Where(router => router.Shared.Any).Select(
                router => (Labels(router), (string?)router.Shared.Dropped.Packets.ToString(CultureInfo.InvariantCulture)))),
    ];

    private static IEnumerable<string> Destinations(
        string name, string type, string help, ImmutableArray<RouterStatus> routers, Func<LiveDestination, ulong?> value) =>
        Metric(name, type, help, routers.SelectMany(router => router.Destinations.Select(destination =>
            (Labels(router) + $",destination=\"{destination.Counted.Destination}\"",
                value(destination)?.ToString(CultureInfo.InvariantCulture)))));

    private static IEnumerable<string> Routers(
        string name, string help, ImmutableArray<RouterStatus> routers, Func<RouterStatus, long?> value) =>
        Metric(name, "gauge", help, routers.Select(router => (Labels(router), value(router)?.ToString(CultureInfo.InvariantCulture))));

    private static IEnumerable<string> Metric(string name, string type, string help, IEnumerable<(string Labels, string? Value)> samples)
    {
        // node-exporter refuses a whole file because of one duplicate sample.
        string[] lines = [.. samples.Where(sample => sample.Value is not null).DistinctBy(sample => sample.Labels)
            .Select(sample => $"{name}{{{sample.Labels}}} {sample.Value}")];
        return lines.Length == 0 ? [] : [$"# HELP {name} {help}", $"# TYPE {name} {type}", .. lines];
    }

    /// <summary>The owner that the pod claims, and the namespace's path, because a pod may claim any owner.</summary>
    private static string Labels(RouterStatus router) =>
        $"netns=\"{Escaped(router.NetNs)}\",interface=\"{Escaped(router.Names.Interface)}\",network=\"{Escaped(router.Saved.Owner?.Network)}\",container=\"{Escaped(router.Saved.Owner?.Container)}\"";

    private static string Escaped(string? text) =>
        SafeText.Escape(text ?? "").Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
}
