using EgressRouter.Config;
using EgressRouter.State;
using EgressRouter.Tools;
using Netlink;

namespace EgressRouterCni.CommandLine;

/// <summary><c>egress-router explain</c>.</summary>
internal static class ExplainVerb
{
    public static int Run(Arguments arguments, Screen screen, Stream stdin)
    {
        bool isJson = arguments.Choice("output", "text", "json") == "json";
        using NetlinkSocket? node = arguments.Has("node") ? NetlinkSocket.OpenRoute() : null;
        (Wanted Wanted, Explanation Explanation)[] all =
            [.. Wanted.ReadAll(arguments.Operand("FILE"), stdin, arguments.Text("args"), arguments.Text("network")).Select(wanted => (wanted, Explanation.Of(wanted, arguments.Text("interface") ?? "net1", node)))];
        if (isJson)
        {
            WriteJson(screen, all);
        }
        else
        {
            foreach ((Wanted wanted, Explanation explanation) in all)
            {
                WriteText(screen, wanted, explanation);
            }
        }

        return OperatorTools.Fine;
    }

    private static void WriteText(Screen screen, Wanted wanted, Explanation explanation)
    {
        Attachment attachment = explanation.Attachment;
        string link = attachment.Names.Interface;
        screen.Line(Piece.Title($"network {wanted.Plugin.Network}"));
        screen.Line();
        screen.Line($"  client --> {explanation.Pod.ClusterInterface} --> map --> {link} --> {attachment.Parent.Name} --> destination");
        screen.Line($"  {link}: {attachment.Mode.Type().Kind()}, {string.Join(", ", attachment.Addresses)}{string.Concat(attachment.Gateways.Select(gateway => $", gateway {gateway}"))}");
        screen.Line();
        screen.Table(
            ["port", "goes to", "by", "as"],
            explanation.Redirections.Select(line => new[]
            {
                line.Ports,
                line.TargetPort is ushort port ? $"{line.Target} port {port}" : $"{line.Target}",
                line.By is null ? "the link itself" : $"{line.By}",
                string.Join(" or ", line.From),
            }));
        if (attachment.Destinations.IsEmpty)
        {
            screen.Line("  nothing is redirected: the pod's own traffic gets the egress address");
        }

        screen.Line();
        screen.Line(Piece.Title("inferred"));
        screen.Table(["what", "value", "from"], explanation.Inferences.Select(inference => new[] { inference.What, inference.Value, inference.From }));
        screen.Line();
        screen.Line(Piece.Title("the plan of ADD"));
        foreach ((int number, string step) in explanation.Plan.Index())
        {
            screen.Line($"  {number + 1,2}. {step}");
        }

        screen.Line();
        screen.Line(Piece.Title("nftables"));
        screen.Lines(NftText.Of(explanation.Desired.Table!));
    }

    private static void WriteJson(Screen screen, (Wanted Wanted, Explanation Explanation)[] all) => screen.Json(json =>
    {
        json.WriteStartArray();
        foreach ((Wanted wanted, Explanation explanation) in all)
        {
            Attachment attachment = explanation.Attachment;
            json.WriteStartObject();
            json.WriteString("network", wanted.Plugin.Network);
            json.WriteString("clusterInterface", explanation.Pod.ClusterInterface);
            json.WriteString("interface", attachment.Names.Interface);
            json.WriteString("type", attachment.Mode.Type().Kind());
            json.WriteString("parent", attachment.Parent.Name);
            json.WriteNumber("mtu", attachment.Mtu);
            json.Strings("addresses", attachment.Addresses);
            json.Strings("gateways", attachment.Gateways);
            json.Objects("destinations", explanation.Redirections, line =>
            {
                json.WriteString("ports", line.Ports);
                json.WriteString("address", $"{line.Target}");
                if (line.TargetPort is ushort port)
                {
                    json.WriteNumber("port", port);
                }

                json.WriteString("gateway", line.By?.ToString());
                json.Strings("from", line.From);
            });
            json.Objects("inferred", explanation.Inferences, inference =>
            {
                json.WriteString("what", inference.What);
                json.WriteString("value", inference.Value);
                json.WriteString("from", inference.From);
            });
            json.Strings("plan", explanation.Plan);
            json.WriteString("nftables", NftText.Of(explanation.Desired.Table!));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });
}
