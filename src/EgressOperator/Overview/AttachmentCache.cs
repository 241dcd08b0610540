using EgressOperator.Controller;
using EgressOperator.Objects;
using EgressOperator.Routers;
using Kubernetes;
using Serilog;

namespace EgressOperator.Overview;

/// <summary>Copies of what tells which pods have an interface of the plugin. They begin when somebody looks for the first time.</summary>
internal sealed class AttachmentCache
{
    /// <summary>How often a cluster without such attachments is asked whether it has got them.</summary>
    private static readonly TimeSpan _pause = TimeSpan.FromMinutes(1);

    private readonly TimeProvider _clock;

    private readonly Discovery _discovery;

    private readonly Reflector<AttachedPod?> _pods;

    private readonly Reflector<string?> _networks;

    private readonly TaskCompletionSource _isWanted = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly TaskCompletionSource _isComplete = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public AttachmentCache(IKubernetesApi api, ILogger log, TimeProvider clock)
    {
        (_clock, _discovery) = (clock, new Discovery(api, log, clock));
        var reader = new ObjectReader(api, log, clock);
        _pods = reader.Reflect(
            Resource.Pods, source => AttachedPod.Read(KubernetesObject.Of(Resource.Pods, source)), ClusterCache.RunningPods);
        _networks = reader.Reflect(
            RouterResources.Attachments, source => RouterAttachment.ReadNetwork(KubernetesObject.Of(RouterResources.Attachments, source)));
    }

    /// <summary>How often what <see cref="Read"/> returns may have changed.</summary>
    public long ChangeCount => _pods.ChangeCount + _networks.ChangeCount + (_isComplete.Task.IsCompleted ? 1 : 0);

    /// <summary>Begins with the copies. The task ends when they are complete, or if the cluster has no such attachments.</summary>
    public Task WantAsync()
    {
        _isWanted.TrySetResult();
        return _isComplete.Task;
    }

    /// <summary>Null: not all have been read yet.</summary>
    public IReadOnlyList<RouterAttachment>? Read() =>
        _isComplete.Task.IsCompleted ? RouterAttachment.Of(_pods.Objects, _networks.Objects) : null;

    public async Task RunAsync(CancellationToken cancellation)
    {
        await _isWanted.Task.WaitAsync(cancellation);
        while (!(await _discovery.NamesAsync(RouterResources.Attachments, cancellation)).Contains(RouterResources.Attachments.Plural))
        {
            _isComplete.TrySetResult();
            await Task.Delay(_pause, _clock, cancellation);
        }

        Task copies = Task.WhenAll(_pods.RunAsync(cancellation), _networks.RunAsync(cancellation));
        await await Task.WhenAny(copies, Task.WhenAll(_pods.Synced, _networks.Synced));
        _isComplete.TrySetResult();
        await copies;
    }
}
