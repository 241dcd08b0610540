using System.Collections.Immutable;
using EgressRouter.Tools;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Legacy;

/// <summary>Reads the pod's specification and its containers.</summary>
internal sealed partial class PodOrigin
{
    private const string ByOther = "another container takes the place of this one";

    /// <summary>The members of a legacy container that its replacement keeps.</summary>
    private static readonly string[] _containerMembers = ["imagePullPolicy", "ports", "resources"];

    private static readonly string[] _variables = ["EGRESS_SOURCE", "EGRESS_GATEWAY", "EGRESS_ROUTER_MODE"];

    private void ReadPod(YamlNode? spec, IReadOnlyList<YamlNode> legacy, LegacyProxy? proxy)
    {
        string[] tokens = [.. spec.Items("volumes").Where(IsOfToken).Select(volume => volume.Text("name")!)];
        ImmutableArray<YamlNode> Others(string list) =>
            [.. spec.Items(list).Where(container => !IsOneOf(legacy, container)).Select(container => WithoutToken(container, tokens))];
        InitContainers = Others("initContainers");
        Containers = Others("containers");
        Volumes = [.. spec.Items("volumes").Where(volume => !IsOfToken(volume))];
        foreach (YamlNode volume in spec.Items("volumes").Where(IsOfToken))
        {
            Say(volume, $"volume {volume.Text("name")}", ByServer);
        }

        YamlNode main = legacy[^1];
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

        // Of variables with the same name, the first container's counts, and in a container the last one.
        Dictionary<string, YamlNode> used = [];
        foreach (YamlNode container in legacy)
        {
            foreach (IGrouping<string, YamlNode> same in container.Items("env").GroupBy(variable => variable.Text("name") ?? ""))
            {
                _ = used.TryAdd(same.Key, same.Last());
            }
        }

        foreach (YamlNode container in legacy.OrderBy(container => container.Line()))
        {
            ReadContainer(container, ReferenceEquals(container, main) && Container is not null, proxy, used);
        }
    }

    /// <summary>Refuses a mount without its volume, such as a StatefulSet's claim: the pod would never start.</summary>
    public void CheckVolumes(ICollection<LegacyFault> faults)
    {
        HashSet<string?> names = [.. Volumes.Select(volume => volume.Text("name"))];
        IEnumerable<YamlNode> mounts = InitContainers.Concat(Containers).SelectMany(container => container.Items("volumeMounts"));
        foreach (YamlNode mount in mounts.Where(mount => !names.Contains(mount.Text("name"))))
        {
            faults.Add(
                new LegacyFault(mount.Line(), $"volume {mount.Text("name")} is mounted, and the pod's volumes have none of this name"));
        }
    }

    /// <summary>Refuses a Service's named target port that no remaining container has.</summary>
    public void CheckPorts(YamlNode service, ICollection<LegacyFault> faults)
    {
        IEnumerable<YamlNode> own = Container?.Where(member => Name(member.Key) == "ports").SelectMany(
            member => member.Value as YamlSequenceNode ?? []) ?? [];
        HashSet<string?> names =
            [.. own.Concat(InitContainers.Concat(Containers).SelectMany(container => container.Items("ports")))
                .Select(port => port.Text("name"))];
        foreach (YamlNode port in service.Items("spec", "ports"))
        {
            if (port.Text("targetPort") is string target && !target.All(char.IsAsciiDigit) && !names.Contains(target))
            {
                faults.Add(new LegacyFault(
                    port.Line(),
                    $"targetPort {target} of Service {service.Text("metadata", "name")} is a port of no container that is carried over: write its number"));
            }
        }
    }

    private void ReadContainer(YamlNode container, bool isReplaced, LegacyProxy? proxy, Dictionary<string, YamlNode> used)
    {
        _replaced.Add((container.Line(), $"{container.Text("name")} {container.Text("image")}".Trim()));
        foreach ((YamlNode key, YamlNode value) in Members(container))
        {
            string name = Name(key);
            switch (name)
            {
                case "name" or "image": break;
                case "env": ReadVariables(value, proxy, used); break;
                case "envFrom": Note(key, value, "what a router needs of it stands in the definition"); break;
                case "securityContext": Note(key, value, "a container of a router takes no privilege"); break;
                case var known when isReplaced && _containerMembers.Contains(known): Container!.Add(new(key, value)); break;
                default: Note(key, value, isReplaced ? ByOther : "the plugin does what this container did"); break;
            }
        }
    }

    private void ReadVariables(YamlNode variables, LegacyProxy? proxy, Dictionary<string, YamlNode> used)
    {
        foreach (YamlNode variable in variables as YamlSequenceNode ?? [])
        {
            string name = variable.Text("name") ?? "a variable";
            bool isRead = _variables.Contains(name)
                || (proxy is null ? name == "EGRESS_DESTINATION" : name == proxy.Prefix + "_DESTINATION" || name == proxy.Prefix
                    + "_DEBUG");
            if (!isRead)
            {
                _notes.Add(new LegacyFault(variable.Line(), $"{name} is not carried over: {ByOther}"));
                continue;
            }

            if (!ReferenceEquals(used[name], variable))
            {
                _notes.Add(new LegacyFault(variable.Line(), $"{name} is not carried over: that of line {used[name].Line()} holds"));
                continue;
            }

            foreach ((YamlNode key, YamlNode value) in Members(variable))
            {
                Note(key, value, "a variable has a name and one value", "name", variable.Child("value") is null ? "valueFrom" : "value");
            }
        }
    }
}
