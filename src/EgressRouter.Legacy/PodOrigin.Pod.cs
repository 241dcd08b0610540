using EgressRouter.Tools;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Legacy;

/// <summary>The pod's specification, and its containers.</summary>
internal sealed partial class PodOrigin
{
    private const string ByOther = "another container takes the place of this one";

    /// <summary>Of the container, what holds for the one that takes its place too.</summary>
    private static readonly string[] _containerMembers = ["imagePullPolicy", "ports", "resources"];

    private static readonly string[] _variables = ["EGRESS_SOURCE", "EGRESS_GATEWAY", "EGRESS_ROUTER_MODE"];

    private void ReadPod(YamlNode? spec, IReadOnlyList<YamlNode> legacy, LegacyProxy? proxy)
    {
        InitContainers = [.. spec.Items("initContainers").Where(container => !IsOneOf(legacy, container))];
        Containers = [.. spec.Items("containers").Where(container => !IsOneOf(legacy, container))];
        Volumes = [.. spec.Items("volumes")];
        YamlNode main = legacy.LastOrDefault(IsOfProxy) ?? legacy[0];
        if (proxy is not null || Containers.IsEmpty)
        {
            Container = [];
            ContainerName = main.Text("name");
        }

        foreach ((YamlNode key, YamlNode value) in Members(spec))
        {
            string name = Name(key);
            string? text = (value as YamlScalarNode)?.Value;
            switch (name)
            {
                case "containers" or "initContainers" or "volumes": break;
                case "hostNetwork" when text != "false": Note(key, value, "a router has a network of its own"); break;
                case "restartPolicy" when text != "Always": Note(key, value, "a Deployment's pods are always restarted"); break;
                case "activeDeadlineSeconds": Note(key, value, "a Deployment's pods have no end"); break;
                case "ephemeralContainers": Note(key, value, "they are added to a pod that runs"); break;
                default: PodSpec.Add(new(key, value)); break;
            }
        }

        foreach (YamlNode container in legacy)
        {
            ReadContainer(container, ReferenceEquals(container, main) && Container is not null, proxy);
        }
    }

    private static bool IsOfProxy(YamlNode container) =>
        container.Items("env").Any(variable => variable.Text("name")?.Contains("_PROXY_", StringComparison.Ordinal) == true);

    private void ReadContainer(YamlNode container, bool isReplaced, LegacyProxy? proxy)
    {
        _replaced.Add((container.Line(), $"{container.Text("name")} {container.Text("image")}".Trim()));
        foreach ((YamlNode key, YamlNode value) in Members(container))
        {
            string name = Name(key);
            switch (name)
            {
                case "name" or "image": break;
                case "env": ReadVariables(value, proxy); break;
                case "securityContext": Note(key, value, "a container of a router takes no privilege"); break;
                case var known when isReplaced && _containerMembers.Contains(known): Container!.Add(new(key, value)); break;
                default: Note(key, value, isReplaced ? ByOther : "the plugin does what this container did"); break;
            }
        }
    }

    private void ReadVariables(YamlNode variables, LegacyProxy? proxy)
    {
        foreach (YamlNode variable in variables as YamlSequenceNode ?? [])
        {
            string name = variable.Text("name") ?? "a variable";
            bool isRead = _variables.Contains(name)
                || (proxy is null ? name == "EGRESS_DESTINATION" : name == proxy.Prefix + "_DESTINATION" || name == proxy.Prefix + "_DEBUG");
            if (!isRead)
            {
                _notes.Add(new LegacyFault(variable.Line(), $"{name} is not carried over: {ByOther}"));
                continue;
            }

            foreach ((YamlNode key, YamlNode value) in Members(variable))
            {
                Note(key, value, "a variable has a name and one value", "name", variable.Child("value") is null ? "valueFrom" : "value");
            }
        }
    }
}
