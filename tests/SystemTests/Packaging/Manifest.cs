using Shared;
using YamlDotNet.RepresentationModel;

namespace SystemTests.Packaging;

/// <summary>The objects in a file of YAML.</summary>
internal static class Manifest
{
    /// <summary>The documents of a text.</summary>
    public static YamlMappingNode[] Parse(string yaml)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        return [.. stream.Documents.Select(document => document.RootNode).Cast<YamlMappingNode>()];
    }

    /// <summary>The objects of a kind.</summary>
    public static YamlMappingNode[] Read(string file, string kind) =>
        [.. Parse(File.ReadAllText(Repository.PathOf(file))).Where(document => Text(document["kind"]) == kind)];

    /// <summary>What the containers of the Deployment in a file of packaging/manifests have in their environment.</summary>
    public static Dictionary<string, string> EnvironmentOf(string file)
    {
        YamlNode pod = Assert.Single(Read(Path.Combine("packaging", "manifests", file), "Deployment"))["spec"]["template"]["spec"];
        return Containers(pod).SelectMany(container => List(container, "env")).ToDictionary(
            variable => Text(variable["name"]), variable => Text(variable["value"]));
    }

    /// <summary>All containers of a pod.</summary>
    public static IEnumerable<YamlNode> Containers(YamlNode pod) => List(pod, "initContainers").Concat(List(pod, "containers"));

    /// <summary>The items of a list; none where it is not there.</summary>
    public static IEnumerable<YamlNode> List(YamlNode node, params string[] path) => Child(node, path) as YamlSequenceNode ?? [];

    /// <summary>What is to be found by these keys; null: nothing.</summary>
    public static YamlNode? Child(YamlNode node, params string[] path) =>
        path.Aggregate((YamlNode?)node,
            (child, key) => child is YamlMappingNode mapping && mapping.Children.TryGetValue(key, out YamlNode? value) ? value : null);

    public static string Text(YamlNode node) => ((YamlScalarNode)node).Value ?? "";
}
