using System.Collections.Immutable;
using EgressIp;
using EgressRouter.Tools;

namespace EgressOperator.Objects;

/// <summary>Makes a cluster of objects, or refuses them all.</summary>
internal sealed class ClusterReader
{
    private static readonly Dictionary<string, string> _apiVersions = new()
    {
        ["EgressIP"] = EgressIPReader.ApiVersion,
        ["EgressNode"] = NodeReader.EgressNodeApiVersion,
        ["Node"] = "v1",
        ["Namespace"] = "v1",
        ["Pod"] = "v1",
    };

    private readonly ILookup<string, KubernetesObject> _byKind;

    /// <exception cref="UsageException">An object is given twice, or its version is not the one that is read.</exception>
    public ClusterReader(ImmutableArray<KubernetesObject> objects)
    {
        var first = new Dictionary<(string, string, string), KubernetesObject>();
        foreach (KubernetesObject one in objects.Where(one => _apiVersions.ContainsKey(one.Kind)))
        {
            if (one.ApiVersion != _apiVersions[one.Kind])
            {
                throw one.Root["apiVersion"].Fault($"must be {_apiVersions[one.Kind]}");
            }

            string space = one.Kind == "Pod" ? PodReader.NamespaceOf(one) : "";
            if (!first.TryAdd((one.Kind, space, one.Name), one))
            {
                throw one.Fault($"is given twice, first at {first[(one.Kind, space, one.Name)].Place}");
            }
        }

        _byKind = objects.ToLookup(one => one.Kind);
    }

    /// <summary>The cluster.</summary>
    /// <param name="unreachable">Names of nodes that do not answer.</param>
    /// <exception cref="UsageException">An object is invalid, or there is no such node.</exception>
    public Cluster Read(IReadOnlyCollection<string> unreachable)
    {
        var agents = _byKind["EgressNode"].Select(NodeReader.ReadAgent).ToDictionary(agent => agent.Name);
        ImmutableArray<Node> nodes = [.. _byKind["Node"].Select(NodeReader.Read)];
        return unreachable.Except(nodes.Select(node => node.Name)).FirstOrDefault() is string unknown
            ? throw new UsageException($"--unreachable {unknown}: the input holds no Node of that name")
            : new Cluster(
                [.. _byKind["EgressIP"].Select(EgressIPReader.Read)],
                [.. nodes.Select(node => NodeReader.Merge(node, agents.GetValueOrDefault(node.Name)))],
                [.. nodes.Select(node => node.Name).Except(unreachable)
                    .Where(name => agents.GetValueOrDefault(name)?.IsReachable ?? true)],
                [.. _byKind["Namespace"].Select(PodReader.ReadNamespace)],
                [.. _byKind["Pod"].Select(PodReader.Read)]);
    }

    /// <summary>What is in the input, but counts for nothing.</summary>
    public IEnumerable<string> Notes()
    {
        IEnumerable<string> others = _byKind.Select(kind => kind.Key).Except(_apiVersions.Keys).Order(StringComparer.Ordinal);
        IEnumerable<string> spaces = _byKind["Pod"].Select(PodReader.NamespaceOf).Except(NamesOf("Namespace"))
            .Order(StringComparer.Ordinal);
        IEnumerable<string> agents = NamesOf("EgressNode").Except(NamesOf("Node")).Order(StringComparer.Ordinal);
        return
        [
            .. others.Select(kind => $"objects of the kind {kind} are not read, only {string.Join(", ", _apiVersions.Keys)}"),
            .. spaces.Select(space => $"pods of the namespace {space} belong to no EgressIP: the input does not hold the Namespace"),
            .. agents.Select(agent => $"EgressNode {agent} is not read: the input holds no Node of that name"),
        ];
    }

    private IEnumerable<string> NamesOf(string kind) => _byKind[kind].Select(one => one.Name);
}
