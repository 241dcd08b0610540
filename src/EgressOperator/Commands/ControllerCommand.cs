using System.Collections.Immutable;
using System.Net;
using System.Runtime.InteropServices;
using CommandLine;
using EgressOperator.Controller;
using EgressOperator.Overview;
using EgressOperator.Routers;
using EgressRouter.Tools;
using k8s;
using Kubernetes;
using Microsoft.AspNetCore.Builder;
using Serilog;

namespace EgressOperator.Commands;

[Verb("controller",
    HelpText = "Assign the addresses of EgressIPs to nodes, and make the pods of EgressRouters; write their status and tell events. "
        + "Several may run: one of them leads. Refuses a cluster in which OVN-Kubernetes or OpenShift does the same.")]
[Examples("egress-operator controller", "egress-operator controller --kubeconfig ~/.kube/config --namespace egress-system --port 9440",
    "egress-operator controller --egress-ip=false")]
internal sealed class ControllerCommand : ServiceCommand
{
    private const string LeaseName = "egress-operator";

    [Option("namespace", MetaValue = "NAME",
        HelpText = "The namespace of the Lease by which the leader is elected. Without it: that of the pod, or kube-system.")]
    public string? Namespace { get; set; }

    [Option("egress-ip", MetaValue = "true|false",
        HelpText = "Whether to serve EgressIPs. Without it: if the cluster has the kinds that are needed.")]
    public bool? ServesEgressIPs { get; set; }

    [Option("egress-router", MetaValue = "true|false",
        HelpText = "Whether to serve EgressRouters. Without it: if the cluster has the kinds that are needed.")]
    public bool? ServesEgressRouters { get; set; }

    [Option("router-image", MetaValue = "IMAGE",
        HelpText = "The image of the pods of EgressRouters, which only has to keep running. Without it: the one that convert writes.")]
    public string? RouterImage { get; set; }

    [Option("hold-image", MetaValue = "IMAGE",
        HelpText = "The image of egress-operator, for the EgressRouters that ask for a pair of pods. Without it: that of the controller's "
            + "own pod.")]
    public string? HoldImage { get; set; }

    [Option("port", MetaValue = "PORT", Default = 9440, HelpText = "The port of /healthz, /readyz, /metrics and /status/.")]
    public int Port { get; set; }

    [Option("status-from", MetaValue = "CIDR",
        HelpText = "A network whose hosts may read /status/. Without it: only the pod itself, as with kubectl port-forward. "
            + "May be given more than once.")]
    public IEnumerable<string> StatusFrom { get; set; } = [];

    [Option("agent-port", MetaValue = "PORT", Default = AgentCommand.DefaultPort,
        HelpText = "The port of the agents' metrics, which are read while somebody looks at /status/.")]
    public int AgentPort { get; set; } = AgentCommand.DefaultPort;

    protected override async Task<int> RunAsync()
    {
        InRange("port", Port, 0, ushort.MaxValue);
        InRange("agent-port", AgentPort, 1, ushort.MaxValue);
        ImmutableArray<IPNetwork> readers = [.. StatusFrom.Select(text => ReadNetwork("status-from", text))];
        if (ServesEgressIPs == false && ServesEgressRouters == false)
        {
            throw new UsageException("--egress-ip=false and --egress-router=false: nothing is left to do");
        }

        ILogger log = CreateLog();
        KubernetesClientConfiguration configuration = Configuration();
        string space = Namespace ?? NamespaceOfPod() ?? "kube-system";
        string identity = $"{Environment.MachineName}_{Guid.NewGuid():N}";

        using var stop = new CancellationTokenSource();
        // The copies end after the leader's last write.
        using var end = new CancellationTokenSource();
        using PosixSignalRegistration term = On(PosixSignal.SIGTERM, stop.Cancel);
        using PosixSignalRegistration interrupt = On(PosixSignal.SIGINT, stop.Cancel);
        using var api = new KubernetesApi(configuration, BuildInfo.Name);
        var election = new LeaderElection(api, space, LeaseName, identity, log, TimeProvider.System);
        var metrics = new ControllerMetrics { IsLeader = () => election.IsLeader };
        (IControllerService, bool)[] asked = Services(api, election, identity, metrics, log);
        IControllerService[] services = [];
        StatusPage? page = null;
        var history = new EventHistory(api, log, TimeProvider.System);
        var attachments = new AttachmentCache(api, log, TimeProvider.System);
        await using WebApplication health = await HealthServer.StartAsync(
            Port,
            () => services.Length > 0 && services.All(service => service.Synced.IsCompletedSuccessfully)
                ? null : "the objects of the cluster have not been read yet",
            metrics.Registry,
            page: request => page?.AnswerAsync(request) ?? Task.FromResult(false));
        log.Information("{Program:l} starts as {Identity:l}, port {Port}", [BuildInfo.Text, identity, HealthServer.PortOf(health)]);
        try
        {
            services = await PossibleAsync(asked, log, stop.Token);
            ClusterCache? cluster = services.OfType<EgressIPService>().FirstOrDefault()?.Cache;
            using TrafficReader? traffic = cluster is null ? null : new TrafficReader(cluster, AgentPort, TimeProvider.System);
            page = new StatusPage(
                new StatusFeed(
                    cluster, services.OfType<EgressRouterService>().FirstOrDefault()?.Cache, attachments, history, traffic,
                    TimeProvider.System),
                readers, TimeProvider.System, stop.Token);
            Task copies = Task.WhenAll(
            [
                .. services.Select(service => service.CopyAsync(end.Token)), history.RunAsync(end.Token),
                attachments.RunAsync(end.Token),
            ]);
            // One whose objects cannot be read does not keep the other from its work.
            await await Task.WhenAny([copies, .. services.Select(service => service.Synced)]).WaitAsync(stop.Token);
            await await Task.WhenAny(copies, election.RunAsync(
                token => Runs.EitherAsync(token, services.Select<IControllerService, Func<CancellationToken, Task>>(
                    service => leads => LeadAsync(service, leads))), stop.Token));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            log.Information("{Program:l} ends", [BuildInfo.Name]);
        }
        finally
        {
            await end.CancelAsync();
        }

        return ExitCode.Ok;
    }

    private static async Task LeadAsync(IControllerService service, CancellationToken cancellation)
    {
        await service.Synced.WaitAsync(cancellation);
        service.Refuse();
        await service.LeadAsync(cancellation);
    }

    /// <summary>What is asked for, and whether it is asked for by name.</summary>
    private (IControllerService Service, bool IsRequired)[] Services(
        KubernetesApi api, LeaderElection election, string identity, ControllerMetrics metrics, ILogger log)
    {
        var events = new EventRecorder(api, ToldEvent.Component, identity, TimeProvider.System);
        var services = new List<(IControllerService, bool)>();
        if (ServesEgressIPs != false)
        {
            var cache = new ClusterCache(api, log, TimeProvider.System);
            services.Add((new EgressIPService(
                new ControllerContext(api, cache, events, metrics, log, TimeProvider.System), election), ServesEgressIPs == true));
        }

        if (ServesEgressRouters != false)
        {
            var cache = new RouterCache(api, log, TimeProvider.System);
            services.Add((new EgressRouterService(
                new RouterContext(api, cache, events, new RouterMetrics(metrics.Registry), log, TimeProvider.System), election,
                new RouterImages(RouterImage, HoldImage), NamespaceOfPod()), ServesEgressRouters == true));
        }

        return [.. services];
    }

    /// <summary>Those whose kinds the cluster has.</summary>
    /// <exception cref="UsageException">None is left, or one is missing that is asked for by name.</exception>
    private static async Task<IControllerService[]> PossibleAsync(
        (IControllerService Service, bool IsRequired)[] services, ILogger log, CancellationToken cancellation)
    {
        List<IControllerService> possible = [];
        List<string> missing = [];
        foreach ((IControllerService service, bool isRequired) in services)
        {
            if (await service.WhatIsMissingAsync(cancellation) is not string reason)
            {
                possible.Add(service);
            }
            else if (isRequired)
            {
                throw new UsageException(reason);
            }
            else
            {
                missing.Add(reason);
            }
        }

        if (possible.Count == 0)
        {
            throw new UsageException(string.Join("; ", missing));
        }

        missing.ForEach(reason => log.Warning("{Reason:l}; the controller starts without", [reason]));
        return [.. possible];
    }
}
