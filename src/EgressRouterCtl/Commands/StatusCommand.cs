using System.Collections.Immutable;
using System.Globalization;
using CommandLine;
using EgressRouter.State;
using EgressRouter.Tools;
using EgressRouterCtl.Output;
using Netlink;

namespace EgressRouterCtl.Commands;

/// <summary>The output format of status.</summary>
internal enum StatusFormat
{
    Text,
    Json,
    Prometheus,
}

[Verb("status",
    HelpText =
        "Show the routers of this node, or of one pod: destinations with their connections, packets and bytes, the connection table, and, with FILE, the differences from it.")]
[Examples("egress-routerctl status", "egress-routerctl status --container 4f1d nad.yaml",
    "egress-routerctl status --output prometheus > /var/lib/node_exporter/egress-router.prom")]
internal sealed class StatusCommand : PodCommand
{
    [Value(0, MetaName = "[FILE]", HelpText = ConfigurationHelp)]
    public override string? File { get; set; }

    [Option("watch", HelpText = "Show it again and again, until it is interrupted.")]
    public bool Watch { get; set; }

    [Option("interval", MetaValue = "SECONDS", HelpText = "Time between two rounds, 1 to 86400; the default is 2. Implies --watch.")]
    public int? Interval { get; set; }

    [Option("count", MetaValue = "N", HelpText = "Number of rounds. Implies --watch.")]
    public int? Count { get; set; }

    [Option("output", MetaValue = "text|json|prometheus", Default = StatusFormat.Text,
        HelpText = "For people, for programs, or for Prometheus (the textfile collector of node-exporter).")]
    public StatusFormat Output { get; set; }

    protected override int Run(CommandContext context)
    {
        Screen screen = context.Screen;
        bool isWatch = Watch || Interval is not null || Count is not null;
        TimeSpan interval = TimeSpan.FromSeconds(InRange("interval", Interval ?? 2, 1, 86400));
        int rounds = isWatch ? InRange("count", Count ?? int.MaxValue, 1, int.MaxValue) : 1;
        RouterDefinition? wanted = File is null ? null : ReadFile(context.Stdin);
        using var end = isWatch ? new ShutdownSignal() : null;
        int code = ExitCode.Ok;
        for (int round = 0; round < rounds; round++)
        {
            if (round > 0 && end!.Wait(interval))
            {
                break;
            }

            if (isWatch && Output == StatusFormat.Text)
            {
                screen.Clear();
            }

            try
            {
                code = Show(screen, Read(wanted));
            }
            catch (Exception failure) when (isWatch && ProgramInfo.IsExpected(failure))
            {
                // A watch continues while the pod is deleted and created again.
                StandardError.WriteError(failure.Message);
                code = ExitCode.Failed;
            }

            screen.Flush();
        }

        return code;
    }

    private int Show(Screen screen, RouterStatus?[] routers)
    {
        ImmutableArray<RouterStatus> readable = [.. routers.OfType<RouterStatus>()];
        Write(screen, readable);
        return readable.Length < routers.Length ? ExitCode.Failed
            : readable.Any(router => router.Faults.Any()) ? ExitCode.ProblemsFound : ExitCode.Ok;
    }

    /// <returns>Null for an unreadable pod: it must not hide the others.</returns>
    private RouterStatus?[] Read(RouterDefinition? wanted)
    {
        if (wanted is not null)
        {
            using NetNamespace pod = Pod();
            return [RouterStatus.Read(pod, wanted, InterfaceName)];
        }

        var found = new List<RouterStatus?>();
        foreach (NetNamespace pod in Pods())
        {
            using (pod)
            {
                try
                {
                    found.AddRange(RouterStatus.ReadAll(pod).Where(router => Interface is null || Interface == router.Names.Interface));
                }
                catch (Exception failure)
                {
                    StandardError.WriteError($"{pod.Path}: {failure.Message}");
                    found.Add(null);
                }
            }
        }

        return found.Count > 0 ? [.. found] : throw new UsageException("no egress router found; with FILE, what is missing is reported");
    }

    private void Write(Screen screen, ImmutableArray<RouterStatus> routers)
    {
        switch (Output)
        {
            case StatusFormat.Json:
                WriteJson(screen, routers);
                break;
            case StatusFormat.Prometheus:
                foreach (string line in Prometheus.Lines(routers))
                {
                    screen.Line(line);
                }

                break;
            default:
                foreach (RouterStatus router in routers)
                {
                    WriteText(screen, router);
                }

                break;
        }
    }

    private static void WriteText(Screen screen, RouterStatus router)
    {
        string[] faults = [.. router.Faults];
        string where = $"{router.Names.Interface} of {router.NetNs}";
        screen.Line(faults.Length > 0 ? Styled.Bad($"{where}: {faults[0]}")
            : router.Desired is null ? Styled.Title(where) : Styled.Good($"{where}: as configured"));
        foreach (string fault in faults.Skip(1))
        {
            screen.Line($"  {fault}");
        }

        foreach (string warning in router.Warnings)
        {
            screen.Line("  ", Styled.Doubtful("warning"), $": {warning}");
        }

        NetworkState observed = router.Observed;
        screen.Line(observed.Link is LinkState link
            ? $"  {link.Kind?.Name}, {(link.Settings.IsUp == true ? "up" : "down")}, MTU {link.Settings.Mtu}, {string.Join(", ", observed.Addresses)}" : "  the interface is not there");
        if (router.Shared.Any)
        {
            screen.Line(string.Create(
                CultureInfo.InvariantCulture,
                $"  high availability: {router.Shared}; {router.Shared.Dropped.Packets} packets dropped while standby"));
        }

        if (router.Saved.Owner is Owner owner)
        {
            screen.Line($"  network {owner.Network}, container {owner.Container}");
        }

        if (router.Conntrack is { } use)
        {
            screen.Line(string.Create(CultureInfo.InvariantCulture, $"  connection table: {use.Entries} of {use.Limit}"));
        }

        screen.Table(
            ["port", "goes to", "now", "connections", "packets", "bytes"],
            router.Destinations.Select(destination => new[]
            {
                DestinationText.Ports(destination.Counted.Destination),
                DestinationText.Target(destination.Counted.Destination),
                destination.Now is int now ? Number((ulong)now) : "?",
                Number(destination.Counted.Connections),
                Number(destination.Counted.Traffic.Packets),
                Number(destination.Counted.Traffic.Bytes),
            }));
    }

    private static string Number(ulong number) => number.ToString(CultureInfo.InvariantCulture);

    private static void WriteJson(Screen screen, ImmutableArray<RouterStatus> routers) => screen.Json(json =>
    {
        json.WriteStartArray();
        foreach (RouterStatus router in routers)
        {
            json.WriteStartObject();
            json.WriteString("netns", router.NetNs);
            json.WriteString("interface", router.Names.Interface);
            json.WriteString("network", router.Saved.Owner?.Network);
            json.WriteString("container", router.Saved.Owner?.Container);
            json.WriteBoolean("up", router.Observed.Link?.Settings.IsUp ?? false);
            json.Strings("addresses", router.Observed.Addresses);
            if (router.Shared.Any)
            {
                json.WriteStartObject("highAvailability");
                json.Strings("held", router.Shared.Held);
                json.Strings("standby", router.Shared.Standby);
                json.WriteNumber("droppedPackets", router.Shared.Dropped.Packets);
                json.WriteEndObject();
            }

            json.Strings("faults", router.Faults);
            json.Strings("warnings", router.Warnings);
            if (router.Desired is not null)
            {
                json.WriteBoolean("drift", router.Differences.Length > 0);
            }

            if (router.Conntrack is { } use)
            {
                json.WriteStartObject("conntrack");
                json.WriteNumber("entries", use.Entries);
                json.WriteNumber("limit", use.Limit);
                json.WriteEndObject();
            }

            json.Objects("destinations", router.Destinations, destination =>
            {
                json.WriteString("destination", destination.Counted.Destination.ToString());
                if (destination.Now is int now)
                {
                    json.WriteNumber("now", now);
                }

                json.WriteNumber("connections", destination.Counted.Connections);
                json.WriteNumber("packets", destination.Counted.Traffic.Packets);
                json.WriteNumber("bytes", destination.Counted.Traffic.Bytes);
            });
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });
}
