using System.Collections.Immutable;
using System.Net;
using EgressIp;
using EgressRouter.Tools.Audit;

namespace EgressOperator.Agent.Audit;

/// <summary>Which pod has an address, and which ones had it before: a connection may end long after its pod.</summary>
/// <param name="labels">The labels of pods that lines have.</param>
internal sealed class PodOwners(ImmutableArray<string> labels, TimeProvider clock) : IDisposable
{
    /// <summary>The most addresses of pods that are gone. The first to be forgotten are those that went first.</summary>
    public const int MostGone = 10_000;

    private readonly Lock _lock = new();

    private readonly ManualResetEvent _isKnown = new(initialState: false);

    private readonly Dictionary<IPAddress, List<(Pod Pod, DateTimeOffset Until)>> _gone = [];

    private readonly Queue<IPAddress> _order = [];

    private Dictionary<IPAddress, Pod> _now = [];

    /// <summary>Takes the pods that there are now. One that has finished is gone: another may have its address already.</summary>
    public void Set(IEnumerable<Pod> pods)
    {
        var now = new Dictionary<IPAddress, Pod>();
        foreach (Pod pod in pods.Where(pod => pod.IsServed()))
        {
            foreach (IPAddress address in pod.IPs)
            {
                now[address] = pod;
            }
        }

        lock (_lock)
        {
            foreach ((IPAddress address, Pod pod) in _now)
            {
                if (now.GetValueOrDefault(address)?.Uid != pod.Uid)
                {
                    Remember(address, pod);
                }
            }

            _now = now;
        }

        _isKnown.Set();
    }

    /// <summary>Waits for the first pods; false: it is stopped before.</summary>
    public bool WaitUntilKnown(CancellationToken stop) => WaitHandle.WaitAny([_isKnown, stop.WaitHandle]) == 0;

    /// <summary>The pod that had an address when a connection began; null: none is known.</summary>
    /// <param name="since">When the connection began; null: unknown.</param>
    public AuditPod? Find(IPAddress address, DateTimeOffset? since)
    {
        Pod? pod;
        lock (_lock)
        {
            List<(Pod Pod, DateTimeOffset Until)> gone = _gone.GetValueOrDefault(address, []);
            pod = gone.Find(one => since <= one.Until).Pod ?? _now.GetValueOrDefault(address) ?? gone.LastOrDefault().Pod;
        }

        return pod is null ? null : new AuditPod(
            pod.Namespace, pod.Name, [.. labels.Where(pod.Labels.ContainsKey).Select(label => (label, pod.Labels[label]))]);
    }

    public void Dispose() => _isKnown.Dispose();

    private void Remember(IPAddress address, Pod pod)
    {
        if (!_gone.TryGetValue(address, out List<(Pod, DateTimeOffset)>? pods))
        {
            _gone[address] = pods = [];
        }

        pods.Add((pod, clock.GetUtcNow()));
        _order.Enqueue(address);
        if (_order.Count > MostGone)
        {
            IPAddress oldest = _order.Dequeue();
            _gone[oldest].RemoveAt(0);
            if (_gone[oldest].Count == 0)
            {
                _gone.Remove(oldest);
            }
        }
    }
}
