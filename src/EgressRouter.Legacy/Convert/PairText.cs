using System.Collections.Immutable;
using EgressRouter.Config;
using EgressRouter.Tools;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Legacy;

/// <summary>Writes what a pair of pods has that a single one has not: docs/pair.md.</summary>
internal static class PairText
{
    private const string ContainerName = "hold";

    private const string VolumeName = "egress-pair";

    private const string TokenVolume = "egress-pair-token";

    /// <summary>The members of a pod that a pair has to set itself.</summary>
    private static readonly string[] _own = ["affinity", "automountServiceAccountToken", "serviceAccount", "serviceAccountName"];

    /// <summary>The TCP port on which the container <c>hold</c> answers the kubelet.</summary>
    public const int HealthPort = 9442;

    /// <summary>The UDP port by which the two containers <c>hold</c> speak to each other.</summary>
    public const int PeerPort = 4793;

    private static readonly (TransportProtocol Protocol, int Port, string Name)[] _ports =
    [
        (TransportProtocol.Tcp, HealthPort, $"{HealthPort}/tcp (probes of the kubelet)"),
        (TransportProtocol.Udp, PeerPort, $"{PeerPort}/udp (messages between the pods)"),
    ];

    /// <summary>Returns why a router that is to be a pair cannot be one.</summary>
    public static ImmutableArray<LegacyFault> FaultsOf(LegacyRouter router) => !router.IsPair ? [] :
    [
        .. ReasonOf(router) is string reason
            ? [new LegacyFault(router.Name.Line, $"{router.Name.Text}: {reason}")] : (LegacyFault[])[],
        .. from text in (LocatedText[])[.. router.Destinations, .. router.Fallback is null ? [] : (LocatedText[])[router.Fallback]]
           let ports = string.Join(" and ", _ports.Where(port => Covers(text.Text, port.Protocol, port.Port)).Select(port => port.Name))
           where ports.Length > 0
           select new LegacyFault(text.Line, $"\"{text.Text}\": it redirects {ports}, which a pair needs itself"),
    ];

    /// <summary>A destination without a port takes all that no other one takes.</summary>
    private static bool Covers(string text, TransportProtocol protocol, int port) =>
        Destination.TryParse(text, out Destination? destination, out _)
        && (destination is not PortDestination one || (one.Protocol == protocol && one.FirstPort <= port && port <= one.LastPort));

    private static string? ReasonOf(LegacyRouter router)
    {
        PodOrigin origin = router.Origin ?? new PodOrigin();
        return router.Namespace is null ? "a pair needs a namespace, for the rights of its pods: --namespace"
            : router.Proxy is LegacyProxy proxy ? $"{proxy.Mode} cannot be a pair"
            : origin.HasService ? "a Service selects the pod: that of a pair has no selector, and is written with the router"
            : origin.PodSpec.Select(member => member.Key.ToString()).FirstOrDefault(_own.Contains) is string member
                ? $"the pod has {member}, which a pair sets itself"
            : origin.Containers.Concat(origin.InitContainers).Any(container => container.Text("name") == ContainerName)
                ? $"the pod has a container {ContainerName}, which is that of a pair"
            : origin.Volumes.Select(volume => volume.Text("name")).FirstOrDefault(name => name is VolumeName or TokenVolume) is string taken
                ? $"the pod has a volume {taken}, which is that of a pair"
            : null;
    }

    /// <summary>The members of the pod's specification.</summary>
    /// <param name="name">The router's name, quoted if needed.</param>
    /// <param name="labels">The labels of the pods.</param>
    public static string PodMembers(string name, YamlNode labels) => $$"""
              serviceAccountName: {{name}}
              # Only the container hold has the token of the account.
              automountServiceAccountToken: false
              # A node that is lost takes one of the two.
              affinity:
                podAntiAffinity:
                  requiredDuringSchedulingIgnoredDuringExecution:
                    - topologyKey: kubernetes.io/hostname
                      labelSelector:
        {{YamlWords.Members([new("matchLabels", labels)], 16)}}
        """;

    /// <summary>The container that takes and gives up the addresses.</summary>
    public static string Container(LegacyRouter router, YamlMappingNode labels, string image)
    {
        string selector = string.Join(",", labels.Children.Select(label => $"{label.Key}={label.Value}"));
        string[] arguments =
        [
            "hold", $"--service={router.Name.Text}", $"--selector={selector}", $"--key-file=/etc/{VolumeName}/key",
            .. router.Addresses.Select(address => $"--address={address.Text}"),
            .. router.Gateways.Select(gateway => $"--gateway={gateway.Text}"),
        ];
        return $$"""
                    - name: {{ContainerName}}
                      image: {{YamlWords.Quoted(image)}}
                      args:
            {{string.Concat(arguments.Select(argument => $"            - {YamlWords.Quoted(argument)}\n"))}}          env:
                        - name: POD_NAME
                          valueFrom: { fieldRef: { fieldPath: metadata.name } }
                      livenessProbe:
                        httpGet: { path: /healthz, port: {{HealthPort}} }
                        periodSeconds: 5
                        timeoutSeconds: 2
                      readinessProbe:
                        httpGet: { path: /readyz, port: {{HealthPort}} }
                        periodSeconds: 2
                      # Capabilities count only for root.
                      securityContext:
                        allowPrivilegeEscalation: false
                        readOnlyRootFilesystem: true
                        runAsUser: 0
                        capabilities: { drop: [ALL], add: [NET_ADMIN, NET_RAW] }
                        seccompProfile: { type: RuntimeDefault }
                      resources:
                        requests: { cpu: 20m, memory: 48Mi }
                        limits: { memory: 128Mi }
                      volumeMounts:
                        - { name: {{VolumeName}}, mountPath: /etc/{{VolumeName}}, readOnly: true }
                        - { name: {{TokenVolume}}, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true }

            """;
    }

    /// <summary>The volume with the key.</summary>
    /// <param name="name">The router's name, quoted if needed.</param>
    public static string Volume(string name) => $$"""
                # The key by which the pods know each other:
                # kubectl create secret generic {{name}} --from-literal=key="$(openssl rand -hex 32)"
                - name: {{VolumeName}}
                  secret: { secretName: {{name}}, defaultMode: 0400 }
                - name: {{TokenVolume}}
                  projected:
                    sources:
                      - serviceAccountToken: { path: token }
                      - configMap: { name: kube-root-ca.crt, items: [{ key: ca.crt, path: ca.crt }] }
                      - downwardAPI: { items: [{ path: namespace, fieldRef: { fieldPath: metadata.namespace } }] }

        """;

    /// <summary>The account of the pods, and what it may do.</summary>
    /// <param name="metadata">The lines with the router's name and namespace.</param>
    public static string Rights(LegacyRouter router, string metadata)
    {
        string name = YamlWords.Quoted(router.Name.Text);
        string slices = $"[{YamlWords.Quoted($"{router.Name.Text}-ipv4")}, {YamlWords.Quoted($"{router.Name.Text}-ipv6")}]";
        return $$"""
            ---
            apiVersion: v1
            kind: ServiceAccount
            metadata:
            {{metadata}}---
            # What the container hold may do, and no more. Only Leases and events may be made under any name.
            apiVersion: rbac.authorization.k8s.io/v1
            kind: Role
            metadata:
            {{metadata}}rules:
              - { apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create] }
              - { apiGroups: [coordination.k8s.io], resources: [leases], resourceNames: [{{name}}], verbs: [get, update] }
              - { apiGroups: [""], resources: [pods], verbs: [list, watch] }
              - { apiGroups: [""], resources: [services], resourceNames: [{{name}}], verbs: [get] }
              # hold deletes none. OpenShift's OwnerReferencesPermissionEnforcement asks for that right where an owner is written.
              - apiGroups: [discovery.k8s.io]
                resources: [endpointslices]
                resourceNames: {{slices}}
                verbs: [create, patch, delete]
              # OpenShift asks for it, because the address of a pod is of the cluster network.
              - apiGroups: [discovery.k8s.io]
                resources: [endpointslices/restricted]
                resourceNames: {{slices}}
                verbs: [create]
              - { apiGroups: [""], resources: [events], verbs: [create] }
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: RoleBinding
            metadata:
            {{metadata}}roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: {{name}} }
            subjects:
              - { kind: ServiceAccount, name: {{name}}, namespace: {{YamlWords.Quoted(router.Namespace!)}} }

            """;
    }
}
