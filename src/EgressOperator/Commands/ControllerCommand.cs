using System.Runtime.InteropServices;
using CommandLine;
using EgressOperator.Controller;
using EgressRouter.Config;
using EgressRouter.Logging;
using EgressRouter.Tools;
using k8s;
using Kubernetes;
using Microsoft.AspNetCore.Builder;
using Serilog;

namespace EgressOperator.Commands;

[Verb("controller",
    HelpText = "Assign the addresses of EgressIPs to nodes, write their status and tell events. Several may run: one of them leads. "
        + "Refuses a cluster in which OVN-Kubernetes manages EgressIP.")]
[Examples("egress-operator controller", "egress-operator controller --kubeconfig ~/.kube/config --namespace egress-system --port 9440")]
internal sealed class ControllerCommand : ClusterCommand
{
    private const string LeaseName = "egress-operator";

    private const string NamespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

    [Option("namespace", MetaValue = "NAME",
        HelpText = "The namespace of the Lease by which the leader is elected. Without it: that of the pod, or kube-system.")]
    public string? Namespace { get; set; }

    [Option("port", MetaValue = "PORT", Default = 9440, HelpText = "The port of /healthz, /readyz and /metrics.")]
    public int Port { get; set; }

    [Option("log-level", MetaValue = "error|warning|info|debug", Default = "info", HelpText = "The least that is logged, on stderr.")]
    public string Level { get; set; } = "info";

    protected override int Run(CommandContext context) => RunAsync().GetAwaiter().GetResult();

    private async Task<int> RunAsync()
    {
        InRange("port", Port, 0, ushort.MaxValue);
        LogLevel level = LogLevels.Parse(Level)
            ?? throw new UsageException($"--log-level {Level}: it must be error, warning, info or debug");
        ILogger log = TextLog.Create(level.ToSerilog(), Console.Error);
        KubernetesClientConfiguration configuration = Configuration();
        string space = Namespace ?? (File.Exists(NamespaceFile) ? (await File.ReadAllTextAsync(NamespaceFile)).Trim() : "kube-system");
        string identity = $"{Environment.MachineName}_{Guid.NewGuid():N}";

        using var stop = new CancellationTokenSource();
        // The copies end after the leader's last write.
        using var end = new CancellationTokenSource();
        using PosixSignalRegistration term = StopOn(PosixSignal.SIGTERM);
        using PosixSignalRegistration interrupt = StopOn(PosixSignal.SIGINT);
        using var api = new KubernetesApi(configuration, BuildInfo.Name);
        var cache = new ClusterCache(api, log, TimeProvider.System);
        var election = new LeaderElection(api, space, LeaseName, identity, log, TimeProvider.System);
        var metrics = new ControllerMetrics { IsLeader = () => election.IsLeader };
        var shared = new ControllerContext(
            api, cache, new EventRecorder(api, LeaseName, identity, TimeProvider.System), metrics, log, TimeProvider.System);
        await using WebApplication health = await HealthServer.StartAsync(
            Port,
            () => cache.Synced.IsCompletedSuccessfully ? null : "the objects of the cluster have not been read yet",
            metrics.Registry);
        log.Information("{Program:l} starts as {Identity:l}, port {Port}", [BuildInfo.Text, identity, HealthServer.PortOf(health)]);
        try
        {
            string? subresource = await WhenAnsweredAsync(log, () => RequireKindsAsync(api, stop.Token), stop.Token);
            Task copies = cache.RunAsync(end.Token);
            await await Task.WhenAny(cache.Synced, copies).WaitAsync(stop.Token);
            OvnKubernetes.Refuse(cache);
            await await Task.WhenAny(
                copies, election.RunAsync(token => new Term(shared, election, subresource).RunAsync(token), stop.Token));
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

        PosixSignalRegistration StopOn(PosixSignal signal) => PosixSignalRegistration.Create(signal, received =>
        {
            received.Cancel = true;
            stop.Cancel();
        });
    }

    /// <summary>Asks until the API server answers: a node may start before it.</summary>
    private static async Task<T> WhenAnsweredAsync<T>(ILogger log, Func<Task<T>> ask, CancellationToken cancellation)
    {
        var pause = new Backoff(TimeSpan.FromSeconds(0.8), TimeSpan.FromSeconds(15));
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (ApiException failure)
            {
                TimeSpan wait = pause.Next(failure);
                log.Warning("{Failure:l}; trying again in {Pause:0.0} s", [failure.Message, wait.TotalSeconds]);
                await Task.Delay(wait, cancellation);
            }
        }
    }
}
