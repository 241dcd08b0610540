using System.Collections.Immutable;
using EgressRouter.Tools;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Legacy;

/// <summary>Finds legacy routers: in an environment, in the YAML of pods, and as EgressRouter objects.</summary>
internal static class LegacyReader
{
    private const string MacvlanAnnotation = PodOrigin.MacvlanAnnotation;

    private const string EgressRouterGroup = "network.operator.openshift.io/";

    /// <summary>The router of an environment, as lines KEY=VALUE. A value goes on until the next line of that form, or to its closing quote.</summary>
    public static LegacyResult FromEnvironment(string text, string name)
    {
        var variables = new Dictionary<string, Located>();
        string? last = null;
        char? quote = null;
        var lines = new List<string>();
        foreach ((int index, string line) in text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n').Index())
        {
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (quote is null && equals > 0 && IsVariable(line[..equals]))
            {
                Join();
                last = line[..equals];
                variables[last] = new Located(index + 1, "");
                string value = line[(equals + 1)..];
                quote = value is ['"' or '\'', ..] ? value[0] : null;
                lines.Add(quote is null ? value : value[1..]);
            }
            else
            {
                lines.Add(line);
            }

            if (quote is char mark && lines[^1].TrimEnd() is string soFar && soFar.EndsWith(mark))
            {
                lines[^1] = soFar[..^1];
                quote = null;
            }
        }

        Join();
        void Join()
        {
            if (last is not null)
            {
                variables[last] = variables[last] with { Text = string.Join('\n', lines) };
            }

            lines.Clear();
        }

        return FromVariables(variables, name);
    }

    /// <summary>The router of an environment, as a program has it.</summary>
    public static LegacyResult FromEnvironment(IReadOnlyDictionary<string, string> variables, string name)
    {
        return FromVariables(variables.ToDictionary(variable => variable.Key, variable => new Located(0, variable.Value)), name);
    }

    private static LegacyResult FromVariables(Dictionary<string, Located> variables, string name)
    {
        var faults = new List<LegacyFault>();
        LegacyRouter router = LegacyEnvironment.Read(variables, new LegacyRouter { Name = new Located(0, name) }, faults);
        return Complete([router], faults);
    }

    /// <summary>All routers of a YAML text.</summary>
    /// <param name="file">Its name, for errors.</param>
    /// <exception cref="UsageException">It is not YAML.</exception>
    public static LegacyResult FromYaml(string text, string file)
    {
        IReadOnlyList<YamlNode> documents = YamlText.Read(text, file);
        var faults = new List<LegacyFault>();
        var routers = new List<LegacyRouter>();
        Dictionary<(string?, string?, string?), Located> maps = ConfigMapsOf(documents);
        foreach (YamlNode document in documents)
        {
            if (document.Text("kind") == "EgressRouter" && document.Text("apiVersion")?.StartsWith(EgressRouterGroup, StringComparison.Ordinal) == true)
            {
                routers.Add(EgressRouterObject.Read(document, faults));
            }
            else if (PodOf(document) is YamlNode pod)
            {
                routers.AddRange(FromPod(document, pod, maps, faults));
            }
        }

        foreach (IGrouping<(string?, string), LegacyRouter> same in routers.GroupBy(router => (router.Namespace, router.Name.Text)).Where(group => group.Count() > 1))
        {
            faults.Add(new LegacyFault(same.ElementAt(1).Name.Line, $"a second router of the name {same.Key.Item2} in its namespace, the first is in line {same.First().Name.Line}"));
        }

        LegacyResult result = Complete(routers, faults);
        return result.Faults.IsEmpty ? result with { Notes = NotesOf(documents, routers) } : result;
    }

    /// <summary>What is not carried over: of the routers' objects, and whole objects that are none.</summary>
    private static ImmutableArray<LegacyFault> NotesOf(IReadOnlyList<YamlNode> documents, List<LegacyRouter> routers)
    {
        HashSet<YamlNode> written = new(ReferenceEqualityComparer.Instance);
        foreach (LegacyRouter router in routers)
        {
            written.UnionWith(router.Origin?.TakeServices(documents, router.Namespace) ?? []);
        }

        IEnumerable<LegacyFault> others = documents.Where(document => !written.Contains(document) && !IsRouter(document, routers))
            .Select(document => new LegacyFault(
                document.Line(),
                $"{document.Text("kind") ?? "an object"} {document.Text("metadata", "name")} is not carried over: "
                    + (document.Text("kind") == "ConfigMap" ? "what a router needs of it stands in the definition" : "it is no router, and leads to none")));
        return [.. routers.SelectMany(router => router.Origin?.Notes ?? []).Concat(others).Distinct().OrderBy(note => note.Line)];
    }

    private static bool IsRouter(YamlNode document, List<LegacyRouter> routers) =>
        document.Locate("metadata", "name") is Located name ? routers.Any(router => router.Name == name) : routers.Any(router => router.Name.Line == document.Line());

    /// <summary>The node of a text with its line, as lists of Kubernetes objects have it.</summary>
    internal static Located? Locate(this YamlNode? node, params ReadOnlySpan<string> keys) =>
        node.Child(keys) is YamlScalarNode { Value: string value } scalar
            ? new Located(scalar.Line() + (scalar.Style is ScalarStyle.Literal or ScalarStyle.Folded ? 1 : 0), value) : null;

    private static LegacyResult Complete(List<LegacyRouter> routers, List<LegacyFault> faults)
    {
        if (faults.Count == 0)
        {
            faults.AddRange(routers.SelectMany(router => LegacyResult.Check(router)));
        }

        return new LegacyResult([.. routers], [.. faults.OrderBy(fault => fault.Line)]);
    }

    private static bool IsVariable(string name) => name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '_') && !char.IsAsciiDigit(name[0]);

    /// <summary>A pod, or the template of one.</summary>
    private static YamlNode? PodOf(YamlNode document) =>
        document.Child("spec", "template", "spec") is not null ? document.Child("spec", "template") : document.Child("spec", "containers") is not null ? document : null;

    private static IEnumerable<LegacyRouter> FromPod(
        YamlNode document, YamlNode pod, Dictionary<(string?, string?, string?), Located> maps, List<LegacyFault> faults)
    {
        string? space = document.Text("metadata", "namespace");
        var routers = new List<Dictionary<string, Located>>();
        var containers = new List<YamlNode>();
        foreach (YamlNode container in pod.Items("spec", "initContainers").Concat(pod.Items("spec", "containers")))
        {
            Dictionary<string, Located> variables = [];
            foreach (YamlNode variable in container.Items("env"))
            {
                if (variable.Text("name") is string name && ValueOf(variable, space, maps, faults) is Located value)
                {
                    variables[name] = value;
                }
            }

            if (LegacyEnvironment.IsLegacy(variables))
            {
                containers.Add(container);
            }

            // The proxy has a container of its own, beside that of the router.
            if (LegacyEnvironment.IsRouter(variables) || (LegacyEnvironment.IsLegacy(variables) && routers.Count == 0))
            {
                routers.Add(variables);
            }
            else if (LegacyEnvironment.IsLegacy(variables))
            {
                variables.ToList().ForEach(variable => routers[^1].TryAdd(variable.Key, variable.Value));
            }
        }

        string? macvlan = pod.Text("metadata", "annotations", MacvlanAnnotation);
        if (macvlan is "false" && routers.Count > 0)
        {
            faults.Add(new LegacyFault(pod.Locate("metadata", "annotations", MacvlanAnnotation)!.Line, $"{MacvlanAnnotation} is \"false\": this pod had no macvlan, and was no router"));
        }

        return routers.Select(variables => LegacyEnvironment.Read(
            variables,
            new LegacyRouter
            {
                Name = document.Locate("metadata", "name") ?? new Located(document.Line(), "egress-router"),
                Namespace = space,
                Master = macvlan is null or "true" or "false" ? null : pod.Locate("metadata", "annotations", MacvlanAnnotation),
            },
            faults)).Select(router => router with { Origin = PodOrigin.Read(document, pod, containers, router.Proxy) });
    }

    /// <summary>The texts of all ConfigMaps, by namespace, name and key; of several of the same name the first.</summary>
    private static Dictionary<(string?, string?, string?), Located> ConfigMapsOf(IEnumerable<YamlNode> documents)
    {
        var maps = new Dictionary<(string?, string?, string?), Located>();
        foreach (YamlNode document in documents.Where(document => document.Text("kind") == "ConfigMap"))
        {
            // Keys are texts: YamlText reads nothing else.
            foreach (string key in (document.Child("data") as YamlMappingNode)?.Children.Keys.Select(key => ((YamlScalarNode)key).Value!) ?? [])
            {
                if (document.Locate("data", key) is Located text)
                {
                    _ = maps.TryAdd((document.Text("metadata", "namespace"), document.Text("metadata", "name"), key), text);
                }
            }
        }

        return maps;
    }

    /// <summary>The value of a variable, out of a ConfigMap too where that is in the same file.</summary>
    private static Located? ValueOf(
        YamlNode variable, string? space, Dictionary<(string?, string?, string?), Located> maps, List<LegacyFault> faults)
    {
        if (variable.Locate("value") is Located value)
        {
            return value;
        }

        if (variable.Child("valueFrom") is not YamlNode source || variable.Text("name")?.StartsWith("EGRESS_", StringComparison.Ordinal) != true)
        {
            return null;
        }

        string? map = source.Text("configMapKeyRef", "name");
        if (map is not null && maps.TryGetValue((space, map, source.Text("configMapKeyRef", "key")), out Located? found))
        {
            return found;
        }

        faults.Add(new LegacyFault(source.Line(), $"{variable.Text("name")} comes from {(map is null ? "elsewhere" : $"ConfigMap {map}")}, which is not in this file"));
        return null;
    }
}
