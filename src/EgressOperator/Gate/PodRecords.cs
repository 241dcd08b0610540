using System.Collections.Immutable;
using System.Net;
using EgressIp;

namespace EgressOperator.Gate;

/// <summary>
/// The records of this node's pods, which the API is behind of: a kubelet tells a pod's address after its containers have started, and a
/// pod that has ended keeps its address there while another pod has got it.
/// </summary>
/// <param name="node">The name of the node.</param>
/// <param name="store">Keeps the records for the next agent; null: nothing does.</param>
internal sealed class PodRecords(string node, PodRecordStore? store = null)
{
    private readonly Lock _lock = new();

    /// <summary>The newest first; one for each pod.</summary>
    private ImmutableList<PodRecord> _records = [.. (store?.ReadAll() ?? []).DistinctBy(record => record.Key)];

    /// <summary>ADD: the pod has these addresses.</summary>
    /// <exception cref="IOException">The record cannot be kept.</exception>
    public void Add(PodRecord record)
    {
        lock (_lock)
        {
            store?.Write(record);
            if (_records.Find(other => other.Key == record.Key) is PodRecord replaced)
            {
                _records = _records.Remove(replaced);
                if (replaced.Container != record.Container)
                {
                    store?.Delete(replaced);
                }
            }

            _records = _records.Insert(0, record);
        }
    }

    /// <summary>DEL: the pod of this sandbox has no address any more.</summary>
    /// <param name="inApi">The addresses that the API has for the pod of a record.</param>
    /// <returns>Whether there is such a pod. The sandbox of a pod may have been replaced before.</returns>
    /// <exception cref="IOException">The record cannot be kept.</exception>
    public bool End(string container, Func<PodRecord, ImmutableArray<IPAddress>> inApi)
    {
        lock (_lock)
        {
            if (_records.Find(record => record.Container == container) is not PodRecord known)
            {
                return false;
            }

            PodRecord ended = known with { Addresses = [], Before = inApi(known) };
            store?.Write(ended);
            _records = _records.Replace(known, ended);
            return true;
        }
    }

    /// <summary>A pod's addresses.</summary>
    public ImmutableArray<IPAddress> AddressesOf(Pod pod)
    {
        lock (_lock)
        {
            return _records.Find(record => record.IsOf(pod))?.AddressesOf(pod) ?? pod.IPs;
        }
    }

    /// <summary>The cluster with the addresses that the node's pods have now. Forgets pods that are gone.</summary>
    /// <param name="snapshot">Takes the cluster from the API. It is called after the records are read, so that it has their pods.</param>
    public Cluster Apply(Func<Cluster> snapshot)
    {
        ImmutableList<PodRecord> records;
        lock (_lock)
        {
            records = _records;
        }

        Cluster cluster = snapshot();
        HashSet<(string, string, string)> known = [.. cluster.Pods.Where(pod => pod.Node == node)
            .Select(pod => (pod.Namespace, pod.Name, pod.Uid))];
        foreach (PodRecord gone in records.Where(record => !known.Contains((record.Namespace, record.Name, record.Uid))).ToArray())
        {
            records = records.Remove(gone);
            Forget(gone);
        }

        return records.IsEmpty ? cluster : cluster with { Pods = Apply(records, cluster.Pods) };
    }

    private void Forget(PodRecord gone)
    {
        lock (_lock)
        {
            if (_records.Contains(gone))
            {
                _records = _records.Remove(gone);
                store?.Delete(gone);
            }
        }
    }

    private ImmutableArray<Pod> Apply(ImmutableList<PodRecord> records, ImmutableArray<Pod> pods)
    {
        Dictionary<(string, string), Pod> current = pods.Where(pod => pod.Node == node).ToDictionary(PodRecord.KeyOf);
        // Of two pods with one address, the one that got it last has it.
        var holders = new Dictionary<IPAddress, (string, string)>();
        foreach (PodRecord record in records)
        {
            Pod pod = current[record.Key];
            current[record.Key] = pod = pod with { IPs = record.AddressesOf(pod) };
            foreach (IPAddress address in pod.IPs)
            {
                holders.TryAdd(address, record.Key);
            }
        }

        return [.. pods.Select(pod => pod.Node != node || pod.HostNetwork ? pod : pod with
        {
            IPs = [.. current[PodRecord.KeyOf(pod)].IPs
                .Where(address => !holders.TryGetValue(address, out (string, string) holder) || holder == PodRecord.KeyOf(pod))],
        })];
    }
}
