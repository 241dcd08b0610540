using System.Collections.Immutable;
using System.Net;
using AgentProtocol;
using Cni;
using EgressDataPath.Kernel;
using EgressIp;
using EgressOperator.Agent;
using EgressOperator.Controller;
using Netlink;
using Netlink.NetFilter;

namespace EgressOperator.Gate;

/// <summary>
/// Answers the CNI plugin. A pod's ADD ends when the maps in the kernel hold the pod, so that its first packet is led as all others.
/// </summary>
internal sealed class PodGate(string node, NetNamespace space, ClusterCache cache, PodRecords records, EgressAgent agent)
{
    /// <summary>CHECK found differences: the code that the plugin has for it.</summary>
    private const CniErrorCode StateDiffers = (CniErrorCode)102;

    private const int LongestContainerId = 200;

    private TaskCompletionSource _changed = NewSignal();

    /// <summary>The cluster has changed.</summary>
    public void Wake() => Interlocked.Exchange(ref _changed, NewSignal()).SetResult();

    /// <exception cref="OperationCanceledException">The agent ends.</exception>
    public Task<PodAnswer> AnswerAsync(PodQuestion question, CancellationToken cancellation) => question.Command switch
    {
        CniCommand.Add => AddAsync(question, cancellation),
        CniCommand.Delete => Task.FromResult(Delete(question)),
        CniCommand.Check => Task.FromResult(Check(question)),
        _ => Task.FromResult(Status()),
    };

    private async Task<PodAnswer> AddAsync(PodQuestion question, CancellationToken cancellation)
    {
        if (!Identifiers.IsValid(question.Container) || question.Container.Length > LongestContainerId)
        {
            return new PodAnswer(CniErrorCode.InvalidEnvironment, "CNI_CONTAINERID cannot be the name of a file");
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(question.Limit);
        bool isKnown = false;
        try
        {
            (Pod pod, Namespace owner) = await UntilKnownAsync(question, limit.Token);
            isKnown = true;
            if (pod.HostNetwork)
            {
                return PodAnswer.Yes;
            }

            records.Add(new PodRecord(question.Container, pod.Namespace, pod.Name, pod.Uid, question.Addresses, pod.IPs));
            // The maps may still have the address for a pod that has ended.
            if (IsSelected(pod, owner) || agent.Served.Overlaps(question.Addresses))
            {
                await agent.NextStepAsync().WaitAsync(limit.Token);
            }

            return PodAnswer.Yes;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new PodAnswer(CniErrorCode.TryAgainLater, $"the agent cannot remember the pod: {failure.Message}");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            string reason = !isKnown ? $"the agent of node {node} has not heard of the pod from the API server"
                : agent.Fault is string fault ? $"the node is not as it is to be: {fault}"
                : "the node is not yet prepared";
            return new PodAnswer(
                CniErrorCode.TryAgainLater,
                $"pod {SafeText.Short(question.Namespace)}/{SafeText.Short(question.Name)}: after {question.Limit.TotalSeconds:0.#} s, {reason}");
        }
    }

    private PodAnswer Delete(PodQuestion question)
    {
        try
        {
            if (records.End(question.Container, record =>
                cache.FindPod(record.Namespace, record.Name) is Pod pod && record.IsOf(pod) ? pod.IPs : record.Before))
            {
                agent.Wake();
            }

            return PodAnswer.Yes;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new PodAnswer(CniErrorCode.TryAgainLater, $"the agent cannot remember the end of the pod's network: {failure.Message}");
        }
    }

    private PodAnswer Check(PodQuestion question)
    {
        string name = $"pod {SafeText.Short(question.Namespace)}/{SafeText.Short(question.Name)}";
        if (Find(question) is not Pod pod)
        {
            return new PodAnswer(StateDiffers, $"{name}: the agent does not know it");
        }

        ImmutableArray<IPAddress> known = records.AddressesOf(pod);
        if (!pod.HostNetwork && question.Addresses.Except(known).Any())
        {
            return new PodAnswer(
                StateDiffers, $"{name} has {string.Join(", ", question.Addresses)}; the agent knows {string.Join(", ", known.DefaultIfEmpty())}");
        }

        Table? table;
        try
        {
            table = space.Run(() =>
            {
                using NetlinkSocket socket = NetlinkSocket.OpenNetFilter();
                return ObservedState.ReadTable(socket);
            });
        }
        catch (NetlinkException failure)
        {
            return new PodAnswer(CniErrorCode.TryAgainLater, $"{name}: the agent cannot read the node's table: {failure.Message}");
        }

        ImmutableArray<IPAddress> missing = [.. question.Addresses.Where(address => agent.Served.Contains(address)
            && PodElements.Find(table, address) is null)];
        return missing.IsEmpty ? PodAnswer.Yes
            : new PodAnswer(StateDiffers, $"{name}: the node's table has no {string.Join(", ", missing)}");
    }

    private PodAnswer Status() => agent.NotReady is not string reason ? PodAnswer.Yes : new PodAnswer(
        CniErrorCode.PluginNotAvailable, $"the node is not as it is to be: {reason}");

    /// <summary>Waits until the copy has the pod: the runtime may have heard of it before.</summary>
    private async Task<(Pod Pod, Namespace Owner)> UntilKnownAsync(PodQuestion question, CancellationToken limit)
    {
        while (true)
        {
            Task changed = Volatile.Read(ref _changed).Task;
            if (Find(question) is Pod pod && cache.FindNamespace(pod.Namespace) is Namespace owner)
            {
                return (pod, owner);
            }

            await changed.WaitAsync(limit);
        }
    }

    /// <summary>The pod on this node. One of the same name with another UID is older.</summary>
    private Pod? Find(PodQuestion question) =>
        cache.FindPod(question.Namespace, question.Name) is Pod pod && pod.Node == node
            && (question.Uid.Length == 0 || question.Uid == pod.Uid)
            ? pod
            : null;

    private bool IsSelected(Pod pod, Namespace owner) =>
        cache.EgressIPs.Objects.OfType<WatchedEgressIP>().Any(one => one.Source.Selects(pod, owner));

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
