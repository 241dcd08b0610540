using EgressRouterCni.Proxies;

namespace EgressRouterCni.CommandLine;

/// <summary>Every verb, with its options and examples.</summary>
internal static class Verbs
{
    private static readonly Option _output = new("output", "text|json", "For people (the default), or for programs.");

    private static readonly Option _args = new("args", "KEY=VALUE;...", "What the runtime would give in CNI_ARGS: K8S_POD_NAME=web-0 chooses an entry of podIP, IP=192.168.12.99 an address.");

    private static readonly Option _network = new("network", "NAME", "The network that is meant, where FILE has several.");

    private static readonly Option[] _space =
    [
        new("netns", "PATH", "The pod's network namespace, such as /run/netns/NAME."),
        new("pid", "N", "The namespace of this process."),
    ];

    private static readonly Option[] _pod =
    [
        .. _space,
        new("container", "ID", "The namespace of the container's router; the beginning of the id is enough."),
    ];

    private static readonly Option _interface = new("interface", "NAME", "The name of the egress interface in the pod; net1 is the default.");

    private static readonly Option _directory = new("directory", "PATH", "Where its configuration and socket are; /run/egress-router is the default.");

    private static readonly Option[] _proxy =
    [
        new("file", "PATH", "The list, in the place of the variable's. It is read again on SIGHUP, without an end to connections."),
        new("interface", "NAME", "The name of the egress interface; found by itself where it is a router's, net1 or macvlan0."),
        _directory,
        new("print", null, "Print the configuration, and run nothing."),
    ];

    /// <summary>The verbs, in the order in which one needs them.</summary>
    public static Verb[] All(Stream stdin) =>
    [
        new(
            "validate", "FILE...", "Say everything that is wrong with network configurations, and where: JSON, lists, or NetworkAttachmentDefinitions in YAML.",
            [_output],
            ["egress-router validate nad.yaml", "kubectl get network-attachment-definitions -A -o yaml | egress-router validate -"],
            (arguments, screen) => ValidateVerb.Run(arguments, screen, stdin)),
        new(
            "explain", "FILE", "Show what ADD would make of a configuration: the way of a packet, every step, the nftables text. It changes nothing and needs no privilege.",
            [new("node", null, "Use what this node knows (links, routes, addresses) in the place of assumptions."), _interface, _network, _args, _output],
            ["egress-router explain nad.yaml", "egress-router explain --node --args K8S_POD_NAME=web-0 nad.yaml"],
            (arguments, screen) => ExplainVerb.Run(arguments, screen, stdin)),
        new(
            "status", "[FILE]", "Show the routers of this node, or of one pod: destinations with their connections, packets and bytes, the connection table, and, with FILE, what differs from it.",
            [
                .. _pod, _interface, _network, _args,
                new("watch", null, "Show it again and again, until it is interrupted."),
                new("interval", "SECONDS", "How often; 2 is the default."),
                new("count", "N", "So often, and then no more."),
                new("output", "text|json|prometheus", "For people (the default), for programs, or for Prometheus (the textfile collector of node-exporter)."),
            ],
            ["egress-router status", "egress-router status --container 4f1d nad.yaml", "egress-router status --output prometheus > /var/lib/node_exporter/egress-router.prom"],
            (arguments, screen) => StatusVerb.Run(arguments, screen, stdin)),
        new(
            "probe", "FILE", "Find out from inside the pod which hop is wrong: the first line names it.",
            [.. _pod, _interface, _network, _args, new("timeout", "MS", "How long to wait for answers of each kind, 20 to 10000; 1000 is the default."), _output],
            ["egress-router probe --netns /run/netns/web-0 nad.yaml"],
            (arguments, screen) => ProbeVerb.Run(arguments, screen, stdin)),
        new(
            "repair", "FILE", "Make a router what FILE says, be that what it was made with or not. Connections to destinations that stay live on.",
            // Not by the container: a pod could claim to be another, and get its address.
            [.. _space, _interface, _network, _args, new("dry-run", null, "Show what differs and what would be done, and do nothing."), _output],
            ["egress-router repair --dry-run --netns /run/netns/web-0 nad.yaml", "egress-router repair --netns /run/netns/web-0 nad.yaml"],
            (arguments, screen) => RepairVerb.Run(arguments, screen, stdin)),
        new(
            "convert", "[FILE]", "Write NetworkAttachmentDefinition, Deployment and Service of each legacy egress router (a Pod, or KEY=VALUE) or EgressRouter object in FILE.",
            [
                new("from-env", null, "FILE has lines KEY=VALUE, the environment of a legacy image; without FILE it is that of this program."),
                new("name", "NAME", "The router's name, for --from-env; egress-router is the default."),
                new("namespace", "NAME", "The namespace, where the input names none."),
                new("image", "IMAGE", "The image of the pod: one that only has to stay up, where registry.k8s.io/pause:3.10 is the default, or that of the proxy."),
            ],
            ["egress-router convert legacy-pod.yaml | kubectl apply -f -", "kubectl get egressrouters -A -o yaml | egress-router convert - > routers.yaml", "egress-router convert --from-env --name db legacy.env"],
            (arguments, screen) => ConvertVerb.Run(arguments, screen, stdin)),
        new(
            "install", "", "Copy this executable to where the container runtime looks for CNI plugins, or take it away from there.",
            [
                new("to", "DIR", "The folder of the plugins; /opt/cni/bin on most nodes."),
                new("uninstall", null, "Remove it."),
                new("stay", null, "When it is installed, wait for SIGTERM: for a DaemonSet, whose pods must not end."),
            ],
            ["egress-router install --to /opt/cni/bin", "egress-router install --to /opt/cni/bin --uninstall"],
            InstallVerb.Run),
        new(
            "init", "", "In a pod, as its init container: make net1 or macvlan0 its egress interface, as the variables of the legacy image say (EGRESS_SOURCE, EGRESS_GATEWAY, EGRESS_DESTINATION, EGRESS_ROUTER_MODE).",
            [new("interface", "NAME", "The interface, where it has another name."), new("dry-run", null, "Show what would be done, and do nothing.")],
            ["EGRESS_SOURCE=192.168.12.99/24 EGRESS_GATEWAY=192.168.12.1 EGRESS_DESTINATION='80 tcp 192.168.12.91' EGRESS_ROUTER_MODE=init egress-router init"],
            (arguments, screen) => InitVerb.Run(arguments, screen)),
        new(
            "http-proxy", "", "In a pod with an egress interface: become squid on port 8080, with the destinations of EGRESS_HTTP_PROXY_DESTINATION. EGRESS_HTTP_PROXY_DEBUG logs requests.",
            _proxy, ["EGRESS_HTTP_PROXY_DESTINATION='*.example.com' egress-router http-proxy", "egress-router http-proxy --file /etc/egress/destinations"],
            (arguments, screen) => ProxyVerb.RunHttp(arguments, screen, stdin)),
        new(
            "dns-proxy", "", "In a pod with an egress interface: become haproxy, with the ports and destinations of EGRESS_DNS_PROXY_DESTINATION. EGRESS_DNS_PROXY_DEBUG logs connections.",
            [.. _proxy, new("idle-timeout", "SECONDS", "How long a connection may be idle, 1 to 2147483; 86400, a day, is the default.")],
            ["EGRESS_DNS_PROXY_DESTINATION='5432 db.example.com' egress-router dns-proxy", "egress-router dns-proxy --file /etc/egress/destinations"],
            (arguments, screen) => ProxyVerb.RunDns(arguments, screen, stdin)),
        new(
            "proxy-health", "http-proxy|dns-proxy", "Say whether the proxy of this pod can serve clients: for a readiness probe.",
            [new("interface", "NAME", "The name of the egress interface, as for the proxy."), _directory, new("timeout", "SECONDS", "How long to wait, 1 to 60; 2 is the default.")],
            ["egress-router proxy-health http-proxy"],
            (arguments, screen) => ProxyHealthVerb.Run(arguments, screen)),
    ];
}
