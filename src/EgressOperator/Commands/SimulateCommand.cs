using System.Collections.Immutable;
using CommandLine;
using EgressIp;
using EgressOperator.Objects;
using EgressRouter.Tools;

namespace EgressOperator.Commands;

/// <summary>What <c>simulate</c> writes.</summary>
internal enum OutputFormat
{
    Table,
    Json,
}

[Verb("simulate",
    HelpText = "Tell which node would hold which address of the EgressIPs in files, which addresses would move, which pods use them, "
        + "and why an address has no node. Needs no cluster and changes nothing.")]
[Examples("egress-operator simulate -f cluster.yaml",
    "kubectl get egressips,nodes,namespaces,pods -A -o yaml | egress-operator simulate -f - --unreachable node1",
    "egress-operator simulate -f nodes.yaml -f egressips.yaml --rebalance -o json")]
internal sealed class SimulateCommand : Command
{
    [Option('f', "filename", MetaValue = "FILE",
        HelpText = "Objects of the kinds EgressIP, EgressNode, Node, Namespace and Pod in YAML or JSON; - for the standard input. "
            + "May be given more than once.")]
    public IEnumerable<string> Files { get; set; } = [];

    [Option("unreachable", MetaValue = "NODE", HelpText = "A node that does not answer. May be given more than once.")]
    public IEnumerable<string> Unreachable { get; set; } = [];

    [Option("rebalance", HelpText = "Also move addresses that could stay, as few as needed, so that the nodes hold equally many.")]
    public bool Rebalance { get; set; }

    [Option('o', "output", MetaValue = "table|json", Default = OutputFormat.Table, HelpText = "For people or for programs.")]
    public OutputFormat Output { get; set; }

    protected override int Run(CommandContext context)
    {
        if (!Files.Any())
        {
            throw new UsageException("-f FILE is missing");
        }

        ImmutableArray<KubernetesObject> objects = [.. Files.SelectMany(file => KubernetesObject.ReadAll(file, context.Stdin))];
        var reader = new ClusterReader(objects);
        var assignment = Assignment.Of(reader.Read([.. Unreachable]), Rebalance);
        foreach (string note in reader.Notes())
        {
            StandardError.Write($"note: {note}");
        }

        if (Output == OutputFormat.Json)
        {
            context.Screen.Json(json => AssignmentJson.Write(json, assignment));
        }
        else
        {
            AssignmentTable.Write(context.Screen, assignment);
        }

        return assignment.Objects.All(made => made.Unassigned.IsEmpty) ? ExitCode.Ok : ExitCode.ProblemsFound;
    }
}
