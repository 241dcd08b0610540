using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using AgentProtocol;
using CommandLine;
using EgressDataPath.Kernel;
using EgressOperator.Agent;
using EgressOperator.Agent.Audit;
using EgressOperator.Agent.Handover;
using EgressOperator.Controller;
using EgressOperator.Gate;
using EgressOperator.Heartbeats;
using EgressRouter.Config;
using EgressRouter.Tools;
using EgressRouter.Tools.Audit;
using Kubernetes;
using Microsoft.AspNetCore.Builder;
using Netlink;
using Serilog;
using Settings = EgressDataPath.Settings;

namespace EgressOperator.Commands;

[Verb("agent",
    HelpText = "Lead the packets of the pods of a node to the egress nodes, and hold egress addresses if the node is one. "
        + "Runs on every node.")]
[Examples("egress-operator agent --node node1", "egress-operator agent --node node1 --exclude 10.96.0.0/12 --mark-mask 0x7f0000")]
internal sealed class AgentCommand : AuditedCommand
{
    public const int DefaultPort = 9441;

    /// <summary>Less than the thirty seconds that a kubelet waits.</summary>
    /// <summary>How long the last lines of the audit log may take.</summary>
    private static readonly TimeSpan _longestWrite = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan _longestDrain = TimeSpan.FromSeconds(20);

    private static readonly Settings _defaults = new();

    [Option("node", MetaValue = "NAME", Required = true, HelpText = "The name of the node in the API.")]
    public string Node { get; set; } = "";

    [Option("netns", MetaValue = "PATH", HelpText = "The network namespace of the node. Without it: that of this process.")]
    public string? Namespace { get; set; }

    [Option("drain",
        HelpText = "At SIGTERM, first give the egress addresses of the node to other nodes. Without it, they stay until it starts again.")]
    public bool Drain { get; set; }

    [Option("cleanup", HelpText = "Remove all that agents have made on the node, and end. Stop its agent before.")]
    public bool Cleanup { get; set; }

    [Option("exclude", MetaValue = "CIDR",
        HelpText = "A network that pods reach without an egress address. Nodes, their spec.podCIDRs and link-local addresses are always "
            + "excluded: name the network of the pods if it is another one. May be given more than once.")]
    public IEnumerable<string> Exclude { get; set; } = [];

    [Option("mark-mask", MetaValue = "MASK", Default = "0x7f",
        HelpText = "The bits of packets' marks that no other program of the node uses.")]
    public string MarkMask { get; set; } = "0x7f";

    [Option("connection-mark-mask", MetaValue = "MASK", Default = "0xfff00000",
        HelpText = "The bits of connections' marks that no other program of the node uses.")]
    public string ConnectionMarkMask { get; set; } = "0xfff00000";

    [Option("vni", MetaValue = "NUMBER", Default = 77, HelpText = "The VXLAN network identifier of the tunnel, equal on all nodes.")]
    public int Vni { get; set; } = 77;

    [Option("tunnel-port", MetaValue = "PORT", Default = 4790, HelpText = "The UDP port of the tunnel, equal on all nodes.")]
    public int TunnelPort { get; set; } = 4790;

    [Option("heartbeat-port", MetaValue = "PORT", Default = 4792, HelpText = "The UDP port of the heartbeats, equal on all nodes.")]
    public int HeartbeatPort { get; set; } = 4792;

    [Option("heartbeat-key", MetaValue = "FILE",
        HelpText = "A file with a key, equal on all nodes, by which agents know each other. Without it: by their addresses.")]
    public string? HeartbeatKey { get; set; }

    [Option("first-table", MetaValue = "NUMBER", Default = 7100, HelpText = "The number before that of the first routing table.")]
    public int FirstTable { get; set; } = 7100;

    [Option("rule-priority", MetaValue = "NUMBER", Default = 40, HelpText = "The priority of the routing rules.")]
    public int RulePriority { get; set; } = 40;

    [Option("gate-socket", MetaValue = "PATH", Default = PodQuestion.DefaultSocket,
        HelpText = "The socket on which the CNI plugin asks whether the node is prepared for a pod; none for no socket.")]
    public string GateSocket { get; set; } = PodQuestion.DefaultSocket;

    [Option("port", MetaValue = "PORT", Default = DefaultPort, HelpText = "The port of /healthz, /readyz and /metrics.")]
    public int Port { get; set; }

    protected override async Task<int> RunAsync()
    {
        InRange("port", Port, 0, ushort.MaxValue);
        if (GateSocket is not (GateListener.None or ['/', ..]))
        {
            throw new UsageException($"--gate-socket {GateSocket}: it must be an absolute path, or {GateListener.None}");
        }

        Settings settings = ReadSettings();
        AuditRequest? request = ReadAudit();
        ImmutableArray<IPNetwork> excluded = [.. Exclude.Select(text => ReadNetwork("exclude", text))];
        ILogger log = CreateLog();

        using NetNamespace node = Namespace is null ? NetNamespace.OpenCurrent() : NetNamespace.Open(Namespace);
        if (Cleanup)
        {
            using var kernel = new NodeKernel(node, settings, log);
            log.Information("{Count} steps, and nothing is left", [kernel.Remove().Length]);
            return ExitCode.Ok;
        }

        using var stop = new CancellationTokenSource();
        using var api = new KubernetesApi(Configuration(), BuildInfo.Name);
        var cache = new ClusterCache(api, log, TimeProvider.System, Node);
        var reporter = new NodeReporter(
            api, Node, () => cache.Nodes.GetValueOrDefault(Node)?.Uid, log, TimeProvider.System);
        var metrics = new AgentMetrics(new PacketCounters(node), new ConnectionCounts(node, settings));
        byte[]? key = HeartbeatKey is null ? null : HeartbeatOptions.ReadKey(HeartbeatKey);
        using var heartbeats = new HeartbeatService(
            new HeartbeatOptions(Node)
            {
                Port = HeartbeatPort,
                Space = node,
                Key = key,
            },
            metrics.Heartbeats,
            log);
        var pods = new PodRecords(Node, GateListener.FolderOf(GateSocket) is string folder ? new PodRecordStore(folder, log) : null);
        using PodOwners? owners = request is null ? null : new PodOwners(AuditOptions.ReadLabels(AuditLabels), TimeProvider.System);
        using NodeAudit? audit = owners is null ? null : new NodeAudit(request!, Node, node, settings, owners, metrics.Registry, log);
        using var agent = new EgressAgent(
            new AgentContext(
                Node, node, settings, excluded, cache, pods, owners, new HeartbeatPeers(Node, cache, heartbeats), reporter,
                new HandoverSender(node, HeartbeatPort, key, log), metrics, log, TimeProvider.System),
            stop.Token);
        using PosixSignalRegistration term = On(PosixSignal.SIGTERM, End);
        using PosixSignalRegistration interrupt = On(PosixSignal.SIGINT, End);
        await using WebApplication health = await HealthServer.StartAsync(Port, () => agent.NotReady, metrics.Registry);
        log.Information("{Program:l} agent of node {Node:l} starts, port {Port}", [BuildInfo.Text, Node, HealthServer.PortOf(health)]);
        try
        {
            cache.Changed += agent.Wake;
            cache.EgressIPs.Changed += _ => agent.Wake();
            Task copies = cache.RunAsync(stop.Token);
            await await Task.WhenAny(cache.Synced, copies).WaitAsync(stop.Token);
            OvnKubernetes.Refuse(cache);
            heartbeats.Changed += _ => agent.Wake();
            heartbeats.Start();
            using var watch = new KernelWatch(node);
            Task steps = Runs.InThread(agent.Run);
            Task listening = Runs.InThread(() => watch.Run(agent.Wake, stop.Token));
            // Without an audit log there is nothing more to wait for.
            Task auditing = audit is null ? listening : Runs.InThread(() => audit.Run(stop.Token));
            var handovers = new HandoverListener(
                node, HeartbeatPort, key, address => cache.Nodes.Values.Any(other => other.Addresses.Contains(address)),
                agent.Connections.TakeOver, log);
            var gate = new PodGate(Node, node, cache, pods, agent);
            cache.Changed += gate.Wake;
            Task ended = await Task.WhenAny(
                copies, handovers.RunAsync(stop.Token), reporter.RunAsync(stop.Token), steps, listening, auditing,
                new GateListener(GateSocket, gate.AnswerAsync, log).RunAsync(stop.Token));
            await stop.CancelAsync();
            agent.Wake();
            await Task.WhenAll(steps, listening);
            if (await Task.WhenAny(auditing, Task.Delay(_longestWrite, CancellationToken.None)) == auditing)
            {
                await auditing;
            }
            else
            {
                log.Error("the last lines of the audit log are missing: nobody reads them");
            }

            await ended;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            log.Information("{Program:l} agent ends; the data path stays", [BuildInfo.Name]);
        }
        finally
        {
            // Before the agent, which its thread wakes.
            heartbeats.Dispose();
        }

        return ExitCode.Ok;

        // The second signal ends it at once.
        void End()
        {
            if (Drain && agent.BeginDrain())
            {
                log.Information("the egress addresses are given to other nodes");
                _ = agent.Drained.WaitAsync(_longestDrain).ContinueWith(_ => stop.Cancel(), TaskScheduler.Default);
            }
            else
            {
                stop.Cancel();
            }
        }
    }

    private Settings ReadSettings()
    {
        Settings settings = _defaults with
        {
            PacketMask = Mask("mark-mask", MarkMask),
            ConnectionMask = Mask("connection-mark-mask", ConnectionMarkMask),
            TunnelId = (uint)Math.Max(0, Vni),
            TunnelPort = TunnelPort,
            HeartbeatPort = HeartbeatPort,
            FirstTable = (uint)Math.Max(0, FirstTable),
            RulePriority = (uint)Math.Max(0, RulePriority),
        };
        return settings.Fault() is string fault ? throw new UsageException(fault) : settings;
    }

    private static uint Mask(string option, string text) =>
        text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
        && uint.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint mask)
            ? mask
            : throw new UsageException($"--{option} {text}: it must be hexadecimal, such as 0x7f");
}
