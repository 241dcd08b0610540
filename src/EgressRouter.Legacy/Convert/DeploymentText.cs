using System.Text;
using System.Text.Json;
using EgressRouter.Tools;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Legacy;

/// <summary>Writes a router's Deployment: the router's own members and those carried over from the legacy object.</summary>
internal static class DeploymentText
{
    private const string HoldImage = "egress-operator";

    private const string Image = "registry.k8s.io/pause:3.10";

    private const string SecurityContextKey = "securityContext";

    /// <summary>Returns the Deployment as YAML.</summary>
    /// <param name="router">A router without faults.</param>
    /// <param name="metadata">The lines with its name and namespace.</param>
    /// <param name="image">The container's image, or null for the default one.</param>
    /// <param name="holdImage">The image of egress-operator, or null for a name to be replaced.</param>
    public static string Of(LegacyRouter router, string metadata, string? image, string? holdImage)
    {
        PodOrigin origin = router.Origin ?? new PodOrigin();
        string app = $"{{ app: {YamlWords.Quoted(router.Name.Text)} }}";
        bool hasLabels = origin.Labels.Children.Count > 0;
        string Labels(int indent) =>
            hasLabels ? YamlWords.Members([new("labels", origin.Labels)], indent) : $"{new string(' ', indent)}labels: {app}\n";
        string own = origin.Metadata.Any(member => member.Key.ToString() == "labels") ? "" : Labels(2);
        string selector = origin.Selector is YamlNode given ? YamlWords.Members([new("selector", given)], 2)
            : hasLabels ? YamlWords.Members([new("selector", new YamlMappingNode("matchLabels", origin.Labels))], 2)
            : $"  selector:\n    matchLabels: {app}\n";
        return $$"""
            apiVersion: apps/v1
            kind: Deployment
            metadata:
            {{metadata}}{{own}}{{YamlWords.Members(origin.Metadata, 2)}}spec:
            {{(router.IsPair ? Two : One)}}{{YamlWords.Members(origin.Deployment, 2)}}{{selector}}  template:
                metadata:
            {{Labels(6)}}      annotations:
            {{YamlWords.Members(origin.Annotations, 8)}}        k8s.v1.cni.cncf.io/networks: {{Networks(origin.Networks, router.Name.Text)}}
                spec:
            {{Specification(router, origin, image, holdImage ?? HoldImage)}}
            """;
    }

    private const string One = """
          # One: an egress address has one holder. Recreate: the old router is gone before the new one is made.
          replicas: 1
          strategy: { type: Recreate }

        """;

    private const string Two = """
          # One holds the addresses, the other stands by. A third one could not be told from the second.
          replicas: 2
          strategy: { type: RollingUpdate, rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } }

        """;

    /// <summary>A container's security context without any privilege.</summary>
    public static string SecurityContext(int user) => $$"""
                  securityContext:
                    allowPrivilegeEscalation: false
                    readOnlyRootFilesystem: true
                    runAsNonRoot: true
                    runAsUser: {{user}}
                    capabilities: { drop: [ALL] }
                    seccompProfile: { type: RuntimeDefault }
        """;

    /// <summary>Appends the router to the pod's other networks, whose interfaces keep their names: a list of names, or JSON.</summary>
    private static string Networks(string? others, string name)
    {
        if (string.IsNullOrWhiteSpace(others))
        {
            return YamlWords.Quoted(name);
        }

        string list = others.TrimEnd();
        return list.EndsWith(']')
            ? YamlWords.Quoted($"{list[..^1].TrimEnd()}{(list[..^1].TrimEnd().EndsWith('[') ? "" : ", ")}{{\"name\": \"{name}\"}}]")
            : YamlWords.Quoted($"{list}, {name}");
    }

    private static string Specification(LegacyRouter router, PodOrigin origin, string? image, string holdImage)
    {
        string routerName = YamlWords.Quoted(router.Name.Text);
        YamlMappingNode labels = origin.Labels.Children.Count > 0 ? origin.Labels
            : new YamlMappingNode("app", new YamlScalarNode(router.Name.Text) { Style = ScalarStyle.DoubleQuoted });
        bool Has(string name) => origin.PodSpec.Any(member => member.Key.ToString() == name);
        var text = new StringBuilder();
        text.Append(router.Proxy is null || Has("dnsPolicy") ? ""
            : "      # Names are asked of the pod's DNS servers: these have to be behind a route of the pod, "
                + "or in the outside (dnsPolicy: None).\n");
        // These defaults suit a pod that only is a router: other containers may need the API server, or time to terminate.
        bool isAlone = origin.Containers.IsEmpty && origin.InitContainers.IsEmpty;
        text.Append(
            Has("terminationGracePeriodSeconds") || !isAlone ? ""
                : $"      terminationGracePeriodSeconds: {(router.Proxy is not null ? 6 : router.IsPair ? 5 : 1)}\n");
        text.Append(router.IsPair ? PairText.PodMembers(routerName, labels) : "");
        text.Append(router.IsPair || Has("automountServiceAccountToken") || !isAlone ? "" : "      automountServiceAccountToken: false\n");
        text.Append(YamlWords.Members(router.Proxy is { IsHttp: false } ? WithLowPorts(origin.PodSpec) : origin.PodSpec, 6));
        text.Append(origin.InitContainers.IsEmpty ? "" : "      initContainers:\n").Append(YamlWords.Items(origin.InitContainers, 8));
        foreach ((int line, string legacy) in origin.Replaced)
        {
            text.Append(
                "      # In the place of a legacy container, line ").Append(line).Append(": ").Append(JsonEncodedText.Encode(legacy))
                    .Append('\n');
        }

        text.Append("      containers:\n");
        string volume = "run";
        while (origin.Volumes.Any(other => other.Text("name") == volume))
        {
            volume = "egress-router-" + volume;
        }

        if (router.Proxy is not null || origin.Containers.IsEmpty)
        {
            text.Append("        - name: ").Append(
                YamlWords.Quoted(origin.ContainerName ?? router.Proxy?.Mode ?? router.Name.Text)).Append('\n');
            bool hasResources = origin.Container?.Any(member => member.Key.ToString() == "resources") == true;
            text.Append(router.Proxy?.Container(image, volume, hasResources) ?? Pause(image ?? Image, hasResources));
            text.Append(YamlWords.Members(origin.Container ?? [], 10));
        }

        text.Append(router.IsPair ? PairText.Container(router, labels, holdImage) : "");
        text.Append(YamlWords.Items(origin.Containers, 8));
        text.Append(router.Proxy is null && origin.Volumes.IsEmpty && !router.IsPair ? "" : "      volumes:\n");
        text.Append(router.IsPair ? PairText.Volume(routerName) : "");
        text.Append(router.Proxy is null ? "" : $"        - name: {volume}\n          emptyDir: {{ medium: Memory }}\n");
        return text.Append(YamlWords.Items(origin.Volumes, 8)).ToString();
    }

    private static string Pause(string image, bool hasResources) => $$"""
                  image: {{YamlWords.Quoted(image)}}
        {{SecurityContext(65535)}}{{(hasResources ? "" : """

                  resources:
                    requests: { cpu: 10m, memory: 8Mi }
                    limits: { memory: 16Mi }
        """)}}

        """;

    /// <summary>Lets an unprivileged user bind ports below 1024.</summary>
    private static List<KeyValuePair<YamlNode, YamlNode>> WithLowPorts(List<KeyValuePair<YamlNode, YamlNode>> members)
    {
        YamlNode? given = members.FirstOrDefault(member => member.Key.ToString() == SecurityContextKey).Value;
        const string name = "net.ipv4.ip_unprivileged_port_start";
        var zero = new YamlScalarNode("0") { Style = ScalarStyle.DoubleQuoted };
        var lowPorts = new YamlMappingNode("name", name, "value", zero) { Style = MappingStyle.Flow };
        var sysctls = new YamlSequenceNode(given.Items("sysctls").Where(sysctl => sysctl.Text("name") != name).Append(lowPorts));
        IEnumerable<KeyValuePair<YamlNode, YamlNode>> others = ((given as YamlMappingNode)?.Children.AsEnumerable() ?? [])
            .Where(member => member.Key.ToString() != "sysctls");
        var changed = new YamlMappingNode(others.Append(new("sysctls", sysctls)));
        return [.. members.Where(member => member.Key.ToString() != SecurityContextKey), new(SecurityContextKey, changed)];
    }
}
