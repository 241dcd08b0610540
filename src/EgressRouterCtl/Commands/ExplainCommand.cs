using CommandLine;
using EgressRouter.State;
using EgressRouter.State.Nftables;
using EgressRouter.Tools;
using EgressRouter.Tools.Pictures;
using Netlink;

namespace EgressRouterCtl.Commands;

/// <summary>The output formats of explain.</summary>
internal enum ExplainFormat
{
    Text,
    Json,
    Svg,
}

[Verb("explain",
    HelpText =
        "Show what ADD would do with a configuration: the path of a packet, every step, the nftables ruleset. It changes nothing and needs no privilege.")]
[Examples("egress-routerctl explain nad.yaml", "egress-routerctl explain --node --args K8S_POD_NAME=web-0 nad.yaml",
    "egress-routerctl explain --output svg nad.yaml > router.svg")]
internal sealed class ExplainCommand : ConfiguredCommand
{
    [Option("node", HelpText = "Use the links, routes and addresses of this node instead of assumptions.")]
    public bool Node { get; set; }

    [Option("output", MetaValue = "text|json|svg", Default = ExplainFormat.Text,
        HelpText = "For people, for programs, or the path of a packet as a picture of one network.")]
    public ExplainFormat Output { get; set; }

    protected override int Run(CommandContext context)
    {
        Screen screen = context.Screen;
        using NetlinkSocket? node = Node ? NetlinkSocket.OpenRoute() : null;
        if (Output == ExplainFormat.Svg)
        {
            RouterDefinition one = ReadFile(context.Stdin);
            screen.Document(PathPicture.Of(one, Explanation.Of(one, InterfaceName, node)));
            return ExitCode.Ok;
        }

        (RouterDefinition RouterDefinition, Explanation Explanation)[] all =
            [.. RouterDefinition.ReadAll(RequiredFile, context.Stdin, Args, Network)
                .Select(wanted => (wanted, Explanation.Of(wanted, InterfaceName, node)))];
        if (Output == ExplainFormat.Json)
        {
            WriteJson(screen, all);
        }
        else
        {
            foreach ((RouterDefinition wanted, Explanation explanation) in all)
            {
                WriteText(screen, wanted, explanation);
            }
        }

        return ExitCode.Ok;
    }

    private static void WriteText(Screen screen, RouterDefinition wanted, Explanation explanation)
    {
        Attachment attachment = explanation.Attachment;
        string link = attachment.Names.Interface;
        screen.Line(Styled.Title($"network {wanted.Plugin.Network}"));
        screen.Line();
        screen.Line($"  client --> {explanation.Pod.ClusterInterface} --> map --> {link} --> {attachment.Parent.Name} --> destination");
        screen.Line(
            $"  {link}: {attachment.Kind.Name}, {string.Join(", ", attachment.Addresses)}{string.Concat(attachment.Gateways.Select(gateway => $", gateway {gateway}"))}");
        screen.Line();
        screen.Table(
            ["port", "goes to", "by", "as"],
            explanation.Redirections.Select(line => new[]
            {
                line.Ports,
                line.TargetPort is ushort port ? $"{line.Target} port {port}" : $"{line.Target}",
                line.By is not null ? $"{line.By}" : attachment.Addresses.IsEmpty ? "known after ADD" : "the link itself",
                string.Join(" or ", line.From),
            }));
        if (attachment.Destinations.IsEmpty)
        {
            screen.Line("  nothing is redirected: the pod's own traffic gets the egress address");
        }

        screen.Line();
        screen.Line(Styled.Title("inferred"));
        screen.Table(
            ["what", "value", "from"],
            explanation.Inferences.Select(inference => new[] { inference.What, inference.Value, inference.From }));
        screen.Line();
        screen.Line(Styled.Title("the plan of ADD"));
        foreach ((int number, string step) in explanation.Plan.Index())
        {
            screen.Line($"  {number + 1,2}. {step}");
        }

        screen.Line();
        screen.Line(Styled.Title("nftables"));
        screen.Lines(NftText.Of(explanation.Desired.Table!));
    }

    private static void WriteJson(Screen screen, (RouterDefinition RouterDefinition, Explanation Explanation)[] all) => screen.Json(json =>
    {
        json.WriteStartArray();
        foreach ((RouterDefinition wanted, Explanation explanation) in all)
        {
            Attachment attachment = explanation.Attachment;
            json.WriteStartObject();
            json.WriteString("network", wanted.Plugin.Network);
            json.WriteString("clusterInterface", explanation.Pod.ClusterInterface);
            json.WriteString("interface", attachment.Names.Interface);
            json.WriteString("type", attachment.Kind.Name);
            json.WriteString("parent", attachment.Parent.Name);
            json.WriteNumber("mtu", attachment.Settings.Mtu!.Value);
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
