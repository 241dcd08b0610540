using CommandLine;
using EgressOperator.Controller;
using EgressRouter.Logging;
using EgressRouter.Tools;
using k8s;
using Kubernetes;
using Serilog.Events;

namespace EgressOperator.Commands;

/// <summary>A command that asks a cluster.</summary>
internal abstract class ClusterCommand : Command
{
    private const string TokenPath = "/var/run/secrets/kubernetes.io/serviceaccount/token";

    private const string NamespacePath = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    [Option("kubeconfig", MetaValue = "FILE",
        HelpText = "How to reach the cluster. Without it: $KUBECONFIG, the service account of the pod, or ~/.kube/config.")]
    public string? Kubeconfig { get; set; }

    /// <summary>The namespace of the pod in which this program runs; null: it runs in none.</summary>
    protected static string? NamespaceOfPod() => File.Exists(NamespacePath) ? File.ReadAllText(NamespacePath).Trim() : null;

    /// <exception cref="UsageException">There is no usable configuration.</exception>
    protected KubernetesClientConfiguration Configuration()
    {
        string? file = Kubeconfig ?? Environment.GetEnvironmentVariable("KUBECONFIG");
        if (string.IsNullOrEmpty(file) && KubernetesClientConfiguration.IsInCluster())
        {
            KubernetesClientConfiguration inCluster = KubernetesClientConfiguration.InClusterConfig();
            inCluster.TokenProvider = new TokenFile(TokenPath);
            return inCluster;
        }

        file = string.IsNullOrEmpty(file) ? KubernetesClientConfiguration.KubeConfigDefaultLocation : file;
        try
        {
            return KubernetesClientConfiguration.BuildConfigFromConfigFile(file);
        }
#pragma warning disable CA1031 // The reader throws what its parsers throw, also NullReferenceException for a missing part.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            throw new UsageException(fault is IOException ? fault.Message : $"{file}: it is no usable kubeconfig: {fault.Message}");
        }
    }

    /// <summary>Refuses a cluster that lacks one of the kinds of EgressIP.</summary>
    /// <exception cref="UsageException">A CustomResourceDefinition is missing.</exception>
    protected static async Task RequireKindsAsync(IKubernetesApi api, CancellationToken cancellation)
    {
        if (await NeededKinds.MissingAsync(
            kind => api.ResourceNamesAsync(kind, cancellation), ClusterCache.EgressIPResource, ClusterCache.EgressNodeResource)
            is string missing)
        {
            throw new UsageException(missing);
        }
    }

    /// <summary>Reads the cluster once.</summary>
    /// <exception cref="UsageException">It lacks one of the kinds, or its API server is too slow.</exception>
    protected static async Task<T> ReadAsync<T>(IKubernetesApi api, Func<ClusterCache, T> read)
    {
        using var end = new CancellationTokenSource();
        await RequireKindsAsync(api, end.Token);
        var cache = new ClusterCache(api, TextLog.Create(LogEventLevel.Warning, Console.Error), TimeProvider.System);
        Task copies = cache.RunAsync(end.Token);
        try
        {
            await await Task.WhenAny(cache.Synced, copies).WaitAsync(_limit);
            return read(cache);
        }
        catch (TimeoutException)
        {
            throw new UsageException($"the API server has not sent all objects within {_limit.TotalSeconds:0} s");
        }
        finally
        {
            await end.CancelAsync();
        }
    }
}
