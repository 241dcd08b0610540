using System.Collections.Immutable;
using System.Globalization;
using EgressRouter.State;
using EgressRouter.Tools;
using Netlink;

namespace EgressRouterCni.CommandLine;

/// <summary><c>egress-router status</c>.</summary>
internal static class StatusVerb
{
    public static int Run(Arguments arguments, Screen screen, Stream stdin)
    {
        string output = arguments.Choice("output", "text", "json", "prometheus");
        bool isWatch = arguments.Has("watch") || arguments.Has("interval") || arguments.Has("count");
        TimeSpan interval = TimeSpan.FromSeconds(arguments.Number("interval", 1, 86400) ?? 2);
        int rounds = isWatch ? arguments.Number("count", 1, int.MaxValue) ?? int.MaxValue : 1;
        Wanted? wanted = arguments.Operands.Count == 0 ? null : LiveOptions.Wanted(arguments, stdin);
        int code = OperatorTools.Fine;
        for (int round = 0; round < rounds; round++)
        {
            if (round > 0)
            {
                Thread.Sleep(interval);
            }

            if (isWatch && output == "text")
            {
                screen.Clear();
            }

            try
            {
                code = Show(screen, output, Read(arguments, wanted));
            }
            catch (Exception failure) when (isWatch && OperatorTools.IsExpected(failure))
            {
                // A pod that goes, and comes again, is what is watched for.
                OperatorTools.Complain(failure.Message);
                code = OperatorTools.Unable;
            }

            screen.Flush();
        }

        return code;
    }

    private static int Show(Screen screen, string output, LiveRouter?[] routers)
    {
        ImmutableArray<LiveRouter> readable = [.. routers.OfType<LiveRouter>()];
        Write(screen, output, readable);
        return readable.Length < routers.Length ? OperatorTools.Unable
            : readable.Any(router => router.Faults.Any()) ? OperatorTools.Found : OperatorTools.Fine;
    }

    /// <returns>Null in the place of what cannot be read: one pod must not hide the others.</returns>
    private static LiveRouter?[] Read(Arguments arguments, Wanted? wanted)
    {
        if (wanted is not null)
        {
            using NetNamespace pod = LiveOptions.Pod(arguments);
            return [LiveRouter.Read(pod, wanted, LiveOptions.Interface(arguments))];
        }

        var found = new List<LiveRouter?>();
        foreach (NetNamespace pod in LiveOptions.Pods(arguments))
        {
            using (pod)
            {
                try
                {
                    found.AddRange(LiveRouter.ReadAll(pod).Where(router => arguments.Text("interface") is not string name || name == router.Names.Interface));
                }
                catch (Exception failure)
                {
                    OperatorTools.Complain($"{pod.Path}: {failure.Message}");
                    found.Add(null);
                }
            }
        }

        return found.Count > 0 ? [.. found] : throw new InputException("there is no egress router there; with a FILE it is said what is missing of it");
    }

    private static void Write(Screen screen, string output, ImmutableArray<LiveRouter> routers)
    {
        switch (output)
        {
            case "json":
                WriteJson(screen, routers);
                break;
            case "prometheus":
                foreach (string line in Prometheus.Lines(routers))
                {
                    screen.Line(line);
                }

                break;
            default:
                foreach (LiveRouter router in routers)
                {
                    WriteText(screen, router);
                }

                break;
        }
    }

    private static void WriteText(Screen screen, LiveRouter router)
    {
        string[] faults = [.. router.Faults];
        string where = $"{router.Names.Interface} of {router.NetNs}";
        screen.Line(faults.Length > 0 ? Piece.Bad($"{where}: {faults[0]}")
            : router.Desired is null ? Piece.Title(where) : Piece.Good($"{where}: as configured"));
        foreach (string fault in faults.Skip(1))
        {
            screen.Line($"  {fault}");
        }

        foreach (string warning in router.Warnings)
        {
            screen.Line("  ", Piece.Doubtful("warning"), $": {warning}");
        }

        NetworkState there = router.Observed;
        screen.Line(there.Link is LinkState link
            ? $"  {link.Kind}, {(link.IsUp ? "up" : "down")}, MTU {link.Mtu}, {string.Join(", ", there.Addresses)}" : "  the interface is not there");
        if (router.Memory.Owner is Owner owner)
        {
            screen.Line($"  network {owner.Network}, container {owner.Container}");
        }

        if (router.Conntrack is ConntrackUse use)
        {
            screen.Line(string.Create(CultureInfo.InvariantCulture, $"  connection table: {use.Entries} of {use.Limit}"));
        }

        screen.Table(
            ["port", "goes to", "now", "connections", "packets", "bytes"],
            router.Destinations.Select(destination => new[]
            {
                Names.Ports(destination.Counted.Destination),
                Names.Target(destination.Counted.Destination),
                destination.Now is int now ? Number((ulong)now) : "?",
                Number(destination.Counted.Connections),
                Number(destination.Counted.Traffic.Packets),
                Number(destination.Counted.Traffic.Bytes),
            }));
    }

    private static string Number(ulong number) => number.ToString(CultureInfo.InvariantCulture);

    private static void WriteJson(Screen screen, ImmutableArray<LiveRouter> routers) => screen.Json(json =>
    {
        json.WriteStartArray();
        foreach (LiveRouter router in routers)
        {
            json.WriteStartObject();
            json.WriteString("netns", router.NetNs);
            json.WriteString("interface", router.Names.Interface);
            json.WriteString("network", router.Memory.Owner?.Network);
            json.WriteString("container", router.Memory.Owner?.Container);
            json.WriteBoolean("up", router.Observed.Link?.IsUp ?? false);
            json.Strings("addresses", router.Observed.Addresses);
            json.Strings("faults", router.Faults);
            json.Strings("warnings", router.Warnings);
            if (router.Desired is not null)
            {
                json.WriteBoolean("drift", router.Differences.Length > 0);
            }

            if (router.Conntrack is ConntrackUse use)
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
