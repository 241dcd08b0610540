using EgressRouter.Tools;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Legacy;

/// <summary>Finds legacy routers among pods and pod templates.</summary>
/// <param name="documents">All objects of the file.</param>
/// <param name="space">The namespace of objects that have none.</param>
internal sealed class LegacyPods(IReadOnlyList<YamlNode> documents, string? space)
{
    private readonly Dictionary<(string?, string?), Dictionary<string, LocatedText>> _maps = ConfigMapsOf(documents, space);

    /// <summary>Variables that identify a container of a legacy image in any object.</summary>
    private static readonly string[] _known =
        ["EGRESS_SOURCE", "EGRESS_GATEWAY", "EGRESS_DESTINATION", "EGRESS_ROUTER_MODE", HttpProxyList.Variable, DnsProxyList.Variable];

    /// <summary>Returns the router of an object, or null if it is not a router.</summary>
    public LegacyRouter? Read(YamlNode document, ICollection<LegacyFault> faults)
    {
        if (PodOf(document) is not YamlNode pod)
        {
            RefuseElsewhere(document, faults);
            return null;
        }

        string? own = document.Text("metadata", "namespace") ?? space;
        var legacy = new List<(YamlNode Container, Dictionary<string, LocatedText> Variables)>();
        foreach (YamlNode container in pod.Items("spec", "initContainers").Concat(pod.Items("spec", "containers")))
        {
            Dictionary<string, LocatedText> variables = VariablesOf(container, own, faults);
            if (LegacyEnvironment.IsLegacy(variables))
            {
                legacy.Add((container, variables));
            }
        }

        if (legacy.Count == 0)
        {
            return null;
        }

        // The router and the proxy have one container each, or share one.
        RequireOne(legacy.Where(found => LegacyEnvironment.IsRouter(found.Variables)).Select(found => found.Container), "a router", faults);
        static bool IsProxy(Dictionary<string, LocatedText> variables) =>
            variables.Keys.Any(name => name is HttpProxyList.Variable or DnsProxyList.Variable);
        RequireOne(legacy.Where(found => IsProxy(found.Variables)).Select(found => found.Container), "a proxy", faults);
        legacy = [.. legacy.OrderByDescending(found => LegacyEnvironment.IsRouter(found.Variables))];
        Dictionary<string, LocatedText> all = [];
        foreach ((_, Dictionary<string, LocatedText> variables) in legacy)
        {
            variables.ToList().ForEach(variable => all.TryAdd(variable.Key, variable.Value));
        }

        LocatedText? macvlan = pod.Locate("metadata", "annotations", PodOrigin.MacvlanAnnotation);
        if (macvlan?.Text == "false")
        {
            faults.Add(
                new LegacyFault(macvlan.Line, $"{PodOrigin.MacvlanAnnotation} is \"false\": this pod had no macvlan, and was no router"));
        }

        LegacyRouter router = LegacyEnvironment.Read(
            all,
            new LegacyRouter
            {
                Name = document.Locate("metadata", "name") ?? new LocatedText(document.Line(), "egress-router"),
                Namespace = own,
                Master = macvlan?.Text is null or "true" or "false" ? null : macvlan,
            },
            faults);
        router = router with { Origin = PodOrigin.Read(document, pod, [.. legacy.Select(found => found.Container)], router.Proxy) };
        router.Origin.CheckVolumes(faults);
        return router;
    }

    /// <summary>Returns a pod or a pod template.</summary>
    private static YamlNode? PodOf(YamlNode document) =>
        document.Child("spec", "template", "spec") is not null ? document.Child("spec", "template")
        : document.Child("spec", "containers") is not null ? document : null;

    private static void RequireOne(IEnumerable<YamlNode> containers, string what, ICollection<LegacyFault> faults)
    {
        if (containers.ToArray() is [YamlNode first, YamlNode second, ..])
        {
            faults.Add(new LegacyFault(
                second.Line(),
                $"the containers {NameOf(first)} and {NameOf(second)} both have variables of {what}, and a pod has one: take them out of the other"));
        }

        static string NameOf(YamlNode container) => $"{container.Text("name") ?? "without a name"} (line {container.Line()})";
    }

    /// <summary>A router in another kind of object (a CronJob, a Template, a PodTemplate) would be lost.</summary>
    private static void RefuseElsewhere(YamlNode document, ICollection<LegacyFault> faults)
    {
        string kind = document.Text("kind") ?? "an object";
        if (kind == "EgressRouter"
            || Variables(document).FirstOrDefault(variable => _known.Contains(variable.Text("name"))) is not YamlNode found)
        {
            return;
        }

        string way = kind == "Template" ? "convert what \"oc process\" makes of it" : "write it as a Pod or a Deployment";
        faults.Add(new LegacyFault(
            found.Line(),
            $"{kind} {document.Text("metadata", "name")} has a container of a legacy router, which is not read there: {way}"));
    }

    /// <summary>Returns the variables of all containers at any depth.</summary>
    private static IEnumerable<YamlNode> Variables(YamlNode node) => node switch
    {
        YamlMappingNode mapping => mapping.Items("env").Concat(mapping.Children.Values.SelectMany(Variables)),
        YamlSequenceNode list => list.Children.SelectMany(Variables),
        _ => [],
    };

    /// <summary>ConfigMaps' texts by namespace, name and key. Of several with the same name, a key's first value counts.</summary>
    private static Dictionary<(string?, string?), Dictionary<string, LocatedText>> ConfigMapsOf(
        IEnumerable<YamlNode> documents, string? space)
    {
        var maps = new Dictionary<(string?, string?), Dictionary<string, LocatedText>>();
        foreach (YamlNode document in documents.Where(document => document.Text("kind") == "ConfigMap"))
        {
            (string?, string?) name = (document.Text("metadata", "namespace") ?? space, document.Text("metadata", "name"));
            Dictionary<string, LocatedText> texts = maps[name] = maps.GetValueOrDefault(name) ?? [];
            // Keys are scalars: YamlText refuses any other.
            IEnumerable<YamlNode> keys = (document.Child("data") as YamlMappingNode)?.Children.Keys ?? Enumerable.Empty<YamlNode>();
            foreach (string key in keys.Select(key => ((YamlScalarNode)key).Value!))
            {
                if (document.Locate("data", key) is LocatedText text)
                {
                    _ = texts.TryAdd(key, text);
                }
            }
        }

        return maps;
    }

    /// <summary>Returns a container's variables: its own <c>env</c> takes precedence over its ConfigMaps.</summary>
    private Dictionary<string, LocatedText> VariablesOf(YamlNode container, string? own, ICollection<LegacyFault> faults)
    {
        Dictionary<string, LocatedText> variables = [];
        var missing = new List<LegacyFault>();
        foreach (YamlNode source in container.Items("envFrom"))
        {
            string? map = source.Text("configMapRef", "name") ?? source.Text("secretRef", "name");
            if (source.Child("configMapRef") is not null && _maps.TryGetValue((own, map), out Dictionary<string, LocatedText>? texts))
            {
                texts.ToList().ForEach(text => variables[source.Text("prefix") + text.Key] = text.Value);
            }
            else
            {
                string kind = source.Child("secretRef") is null ? "ConfigMap" : "Secret";
                missing.Add(new LegacyFault(
                    source.Line(), $"envFrom: {kind} {map} may have variables of the router; a ConfigMap is read if it is in this file"));
            }
        }

        foreach (YamlNode variable in container.Items("env"))
        {
            if (variable.Text("name") is string name && ValueOf(variable, own, faults) is LocatedText value)
            {
                variables[name] = value;
            }
        }

        // A missing source is a fault only if the container is otherwise a legacy one and lacks variables.
        missing.Where(_ => LegacyEnvironment.IsLegacy(variables) && !IsComplete(variables)).ToList().ForEach(faults.Add);
        return variables;
    }

    private static bool IsComplete(Dictionary<string, LocatedText> variables) =>
        !LegacyEnvironment.IsRouter(variables) || (variables.ContainsKey("EGRESS_SOURCE") && variables.ContainsKey("EGRESS_GATEWAY"));

    /// <summary>Returns a variable's value, which may come from a ConfigMap in the same file.</summary>
    private LocatedText? ValueOf(YamlNode variable, string? own, ICollection<LegacyFault> faults)
    {
        if (variable.Locate("value") is LocatedText value)
        {
            return value;
        }

        if (variable.Child("valueFrom") is not YamlNode source
            || variable.Text("name")?.StartsWith("EGRESS_", StringComparison.Ordinal) != true)
        {
            return null;
        }

        string? map = source.Text("configMapKeyRef", "name");
        if (map is not null && _maps.TryGetValue((own, map), out Dictionary<string, LocatedText>? texts)
            && texts.TryGetValue(source.Text("configMapKeyRef", "key") ?? "", out LocatedText? found))
        {
            return found;
        }

        faults.Add(new LegacyFault(
            source.Line(),
            $"{variable.Text("name")} comes from {(map is null ? "elsewhere" : $"ConfigMap {map}")}, which is not in this file"));
        return null;
    }
}
