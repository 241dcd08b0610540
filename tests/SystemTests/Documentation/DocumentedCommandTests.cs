using System.Text.RegularExpressions;
using Shared;

namespace SystemTests;

/// <summary>
/// Every command in README, docs/ and the help of the executable is run, on a node with a router, in a folder with the files
/// that the documents speak of. A command that is not known here fails the test.
/// </summary>
public sealed partial class DocumentedCommandTests : IDisposable
{
    private const string Legacy = """
        apiVersion: v1
        kind: Pod
        metadata:
          name: legacy
          annotations: { pod.network.openshift.io/assign-macvlan: "true" }
        spec:
          initContainers:
            - name: egress-router
              image: openshift/origin-egress-router
              env:
                - { name: EGRESS_SOURCE, value: 192.168.12.99/24 }
                - { name: EGRESS_GATEWAY, value: 192.168.12.1 }
                - { name: EGRESS_DESTINATION, value: "80 tcp 192.168.12.91" }
                - { name: EGRESS_ROUTER_MODE, value: init }
          containers:
            - { name: wait, image: pause }
        """;

    private const string EgressRouter = """
        apiVersion: network.operator.openshift.io/v1
        kind: EgressRouter
        metadata: { name: db }
        spec:
          networkInterface: { macvlan: { mode: Bridge } }
          addresses: [{ ip: 192.168.12.99/24, gateway: 192.168.12.1 }]
          mode: Redirect
          redirect: { redirectRules: [{ destinationIP: 192.168.12.91, port: 80, protocol: TCP }] }
        """;

    private const string AuditLine =
        """{"time":"2026-11-27T12:03:04.567Z","event":"end","start":"2026-11-27T12:02:58.123Z","protocol":"tcp","client":"10.244.1.5","clientPort":45231,"destination":"198.51.100.10","destinationPort":443,"server":"198.51.100.10","serverPort":443,"egressIP":"192.0.2.100","egressPort":45231}""";

    /// <summary>Stands in for a cluster: gives what the documents ask for, and takes files and names that there are.</summary>
    private const string Kubectl = """
        #!/bin/sh
        case "$*" in
        "get network-attachment-definition"*) cat nad.yaml ;;
        "get egressrouters -A -o yaml") cat egressrouters.yaml ;;
        "get egressips,nodes,namespaces,pods -A -o yaml") cat packaging/operator/examples/bare-metal.yaml ;;
        "apply -f -") cat >/dev/null ;;
        "apply -f "* | "apply -k "* | "delete -k "*) test -e "$3" ;;
        "rollout status deployment "*) grep -rqx "  name: $4" packaging/manifests ;;
        "-n default rollout status deployment "* | "-n default rollout restart deployment "* | "get lease "*) grep -qx "  name: ${6:-$3}" packaging/pair/pair.yaml ;;
        "-n default create secret generic "*) test "${#7}" -ge 35 && grep -q "secretName: $6," packaging/pair/pair.yaml ;;
        "get endpointslice -l kubernetes.io/service-name=er" | "get pod -l app=er -o wide" | "logs POD -c hold --previous") ;;
        "-n default delete deployment,service "*" --cascade=foreground") grep -qx "  name: $5" packaging/pair/pair.yaml ;;
        "get endpointslices er-ipv4 -o yaml" | "delete pod POD" | "uncordon NODE") ;;
        "label namespace default --overwrite pod-security.kubernetes.io/enforce=privileged") ;;
        "-n kube-system rollout status daemonset "*) grep -qx "  name: $6" packaging/daemonset/daemonset.yaml packaging/operator/agent.yaml ;;
        "-n kube-system rollout status deployment "* | "-n kube-system delete daemonset "*) grep -rqx "  name: ${6:-$5}" packaging/operator ;;
        "-n kube-system create secret generic egress-agent --from-file=heartbeat-key")
            test "$(wc -c <heartbeat-key)" -ge 16 && grep -q "secretName: egress-agent," packaging/operator/agent.yaml ;;
        "-n kube-system delete pod -l "*) grep -q "matchLabels: { ${6%=*}: ${6#*=} }" packaging/operator/agent.yaml ;;
        "get egressip,egressnode") for kind in EgressIP EgressNode; do grep -rqx "    kind: $kind" packaging/operator/crds || exit; done ;;
        "annotate egressip "*" --overwrite egressip.egress-router-cni.io/rebalance="* | "annotate egressrouter er egress-router-cni.io/replicas="[12] | "describe egressip "* | "get egressrouter" | "describe egressrouter er" | "get egressip" | "delete egressip --all") ;;
        "-n kube-system logs -l app=egress-agent --prefix --tail=200" | "get egressnode" | "get egressnode -o yaml" | "get nodes" | "get nodes -o yaml" | "get pods -A -o wide") ;;
        "label node NODE k8s.ovn.org/egress-assignable-" | "drain") ;;
        "-n kube-system get pods -l app=egress-agent --field-selector spec.nodeName=NODE -o name") ;;
        "label node "*) for label; do :; done; grep -rq "${label%=*}: \"${label#*=}\"" packaging ;;
        "apply" | "logs" | "describe pod" | "port-forward" | "drain NODE --ignore-daemonsets" | "get pod -o wide" | "get pod POD -o yaml" | "delete pod --force" | "exec POD -- sh -c kill -HUP 1") ;;
        "-n kube-system exec AGENT -- /egress-operator trace --node NODE NAMESPACE/POD ADDRESS") ;;
        *) echo "the test knows no kubectl $*" >&2; exit 1 ;;
        esac
        """;

    private static readonly string[] _programs = ["egress-router", "egress-routerctl", "egress-operator", "/opt/cni/bin/egress-routerctl",
        "out/egress-routerctl", "out/egress-operator", "head", "ip", "kubectl", "ls", "make", "nft", "nsenter"];

    /// <summary>What is not run, and why. The files that it names are looked for all the same.</summary>
    private static readonly Dictionary<string, string> _notRun = new()
    {
        ["skopeo "] = "needs a registry",
        ["openstack "] = "needs a cloud",
        ["crictl "] = "needs a container runtime",
        ["podman "] = "needs a registry: ContainerfileTests builds the images on a base of its own",
        ["cnitool "] = "is not packaged; Runtime does as it does",
        ["tcpdump "] = "waits for packets",
        ["apt "] = "changes the machine: DebianPackageTests",
        ["dotnet test "] = "runs this",
        ["dotnet run "] = "waits for requests: ApiServer.Tests",
        ["egress-operator controller"] = "needs a cluster: ControllerScenarios",
        ["egress-operator agent"] = "is for a node of a cluster: KernelStateTests",
        ["egress-operator hold"] = "is for a pod of a pair: HoldTests",
        ["egress-routerctl audit"] = "goes on until it is ended: AuditTests",
        ["egress-operator status"] = "needs a cluster: StatusTests",
        ["kubectl -n kube-system port-forward "] = "goes on until it is ended: StatusPortTests",
        ["scripts/install-dependencies.sh "] = "is the first step of make test",
        ["scripts/test-vm.sh "] = "takes minutes: make test",
        ["for file in /var/lib/cni/multus/results/"] = "CheckTests runs it on a file of libcni",
        ["squid -k parse"] = "is what http-proxy does, on its own file",
        ["haproxy -c"] = "is what dns-proxy does, on its own file",
        ["nft -f"] = "is named only: ExplainTests gives it what explain prints",
        ["ip -batch"] = "is named only",
        ["nft flush ruleset"] = "destroys: RepairTests",
    };

    /// <summary>These find something, and say so by their exit code.</summary>
    private static readonly Dictionary<string, int> _exitCodes = new()
    {
        // There is no proxy in this pod: HttpProxyTests and DnsProxyTests ask one.
        ["egress-routerctl proxy-health http-proxy"] = 1,
        // An address of this example has no node.
        ["egress-operator simulate -f packaging/operator/examples/cloud.yaml"] = 1,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("er-documents-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [RootFact]
    public void Every_command_runs()
    {
        using var lab = new Lab();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        lab.Add(Config.With("80 tcp 192.168.12.91"));
        using var program = new BackgroundProcess(lab.Pod, "/bin/sleep", "300");
        WriteFiles(lab);
        string[] commands = [.. Documents.Files().SelectMany(Documents.Commands).Concat(Examples()).Distinct()];
        Assert.True(commands.Length >= 100, string.Join('\n', commands));
        Assert.All(
            _notRun.Keys.Concat(_exitCodes.Keys),
            beginning => Assert.Contains(commands, command => command.StartsWith(beginning, StringComparison.Ordinal)));
        Assert.Multiple([.. commands.Select(command => (Action)(() => Try(lab, program.Id, command)))]);
        Assert.Contains("egress_router_up", File.ReadAllText(Path.Combine(_folder, "egress-router.prom")), StringComparison.Ordinal);
    }

    private void Try(Lab lab, int pid, string command)
    {
        if (_notRun.Keys.Any(beginning => command.StartsWith(beginning, StringComparison.Ordinal)))
        {
            Assert.All(
                OwnFile().Matches(command),
                file => Assert.True(
                    Path.Exists(Repository.PathOf(file.Value)) || IsMade(file.Value), $"{command}: there is no {file.Value}"));
            return;
        }

        Assert.True(_programs.Contains(Documents.ProgramOf(command)), $"the test knows no command {command}");
        string place = PodCommand().IsMatch(command) ? lab.Pod : lab.Node;
        // The other tests' routers are none of this node.
        string line = $"""
            mount --bind {Lab.PathOf(lab.Pod)} '{_folder}/netns/pod' && mount --rbind '{_folder}/netns' /run/netns && cd '{_folder}' &&
            {Adapted(command, pid)}
            """;
        CommandResult result = Command.Run(
            "nsenter", ["--net=" + Lab.PathOf(place), "unshare", "--mount", "sh", "-c", line], environment: new Dictionary<string, string>
            {
                ["PATH"] = $"{_folder}/programs:{Path.GetDirectoryName(Lab.Plugin)}:/usr/sbin:/usr/bin:/sbin:/bin",
                ["EGRESS_SOURCE"] = "192.168.12.99/24",
                ["EGRESS_GATEWAY"] = "192.168.12.1",
                ["EGRESS_DESTINATION"] = "80 tcp 192.168.12.91",
                ["EGRESS_ROUTER_MODE"] = "init",
                ["EGRESS_HTTP_PROXY_DESTINATION"] = "*.example.com",
                ["EGRESS_DNS_PROXY_DESTINATION"] = "5432 db.example.com",
            });
        Assert.True(
            result.Stderr.Length == 0 && result.ExitCode == _exitCodes.GetValueOrDefault(command),
            $"{command}\n{Adapted(command, pid)}: {result}");
    }

    /// <summary>The command with what stands for something replaced by it.</summary>
    private string Adapted(string command, int pid)
    {
        if (Documents.ProgramOf(command) == "make")
        {
            // What it would do; the variables have to be those of the Makefile.
            Assert.All(
                Variable().Matches(command).Where(variable => variable.Value != "UPDATE_GOLDEN="),
                variable =>
                    Assert.Contains(
                        $"\n{variable.Value[..^1]} ?=", File.ReadAllText(Repository.PathOf("Makefile")), StringComparison.Ordinal));
            return $"{command} --dry-run --directory '{Repository.Root}'";
        }

        // Of a verb alone the text only speaks.
        string line = VerbAlone().IsMatch(command) ? command + " --help" : Proxy().IsMatch(command) ? command + " --print" : command;
        ReadOnlySpan<(string, string)> replacements =
        [
            ("NETNS", "/run/netns/pod"), ("FILE", "nad.yaml"), ("COMMAND", "status"), ("PID", $"{pid}"), ("4f1d", Lab.ContainerId),
            ("/opt/cni/bin/egress-routerctl ", "egress-routerctl "),
            ("/opt/cni/bin", _folder + "/bin"), ("/usr/share/bash-completion/completions", _folder), ("/var/lib/node_exporter", _folder),
            ("/etc/egress/destinations", line.Contains("http", StringComparison.Ordinal) ? "http.txt" : "dns.txt"),
        ];
        line = Namespace().Replace(line, "NETNS");
        foreach ((string word, string meaning) in replacements)
        {
            line = line.Replace(word, meaning, StringComparison.Ordinal);
        }

        return line;
    }

    private void WriteFiles(Lab lab)
    {
        string nad = $$"""
            apiVersion: k8s.cni.cncf.io/v1
            kind: NetworkAttachmentDefinition
            metadata: { name: egress-router }
            spec:
              config: '{{Config.With("80 tcp 192.168.12.91")}}'
            """;
        ReadOnlySpan<(string, string)> files =
        [
            ("nad.yaml", nad), ("legacy-pod.yaml", Legacy), ("pod.yaml", Legacy), ("egressrouters.yaml", EgressRouter),
            ("objects.yaml", EgressRouter), ("programs/kubectl", Kubectl),
            ("legacy.env", "EGRESS_SOURCE=192.168.12.99\nEGRESS_GATEWAY=192.168.12.1\nEGRESS_DESTINATION=192.168.12.91\n"),
            ("audit.json.1", ""), ("audit.json", AuditLine),
            ("http.txt", "*.example.com\n"), ("dns.txt", "80 db.example.com\n"), ("netns/pod", ""), ("bin/other", ""),
        ];
        foreach ((string name, string text) in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_folder, name))!);
            File.WriteAllText(Path.Combine(_folder, name), text);
        }

        File.SetUnixFileMode(Path.Combine(_folder, "programs", "kubectl"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Directory.CreateSymbolicLink(Path.Combine(_folder, "packaging"), Repository.PathOf("packaging"));
        Directory.CreateSymbolicLink(Path.Combine(_folder, "out"), Repository.PathOf("out"));
    }

    /// <summary>The examples of <c>--help</c>.</summary>
    private static IEnumerable<string> Examples()
    {
        string all = Command.Must(Lab.Ctl, ["--help"]);
        IEnumerable<string> texts = Verb().Matches(all).Select(
            verb => Command.Must(Lab.Ctl, [verb.Groups[1].Value, "--help"])).Prepend(all);
        return texts.SelectMany(
            text => text.Split('\n').SkipWhile(line => line != "Examples:").Skip(1).TakeWhile(line => line.Length > 0))
                .Select(line => line.Trim());
    }

    /// <summary>What the build makes, of this version.</summary>
    private static bool IsMade(string file)
    {
        string version = Command.Must(Lab.Ctl, ["--version"]).Split(' ')[1];
        return file == $"out/egress-router-cni-{version}.oci.tar" || file == $"out/egress-operator-{version}.oci.tar"
            || file == $"out/egress-router-cni_{version}_amd64.deb";
    }

    [GeneratedRegex("^  ([a-z][a-z-]*)  ", RegexOptions.Multiline)]
    private static partial Regex Verb();

    [GeneratedRegex("^(egress-routerctl (validate|explain|probe|repair|convert|install)|egress-operator (agent|audit|controller|simulate|status|trace))$")]
    private static partial Regex VerbAlone();

    [GeneratedRegex("egress-routerctl (http-proxy|dns-proxy)(?!.*--print)")]
    private static partial Regex Proxy();

    [GeneratedRegex("^(ip|nft) |egress-routerctl (init|http-proxy|dns-proxy|proxy-health)")]
    private static partial Regex PodCommand();

    [GeneratedRegex("/run/netns/[A-Za-z0-9-]+")]
    private static partial Regex Namespace();

    [GeneratedRegex("[A-Z_]+=")]
    private static partial Regex Variable();

    [GeneratedRegex(@"\b(out|scripts|packaging|tests|docs)/[^\s:]+")]
    private static partial Regex OwnFile();
}
