using System.Text.Json.Nodes;
using System.Threading.Channels;
using EgressOperator.Overview;
using Kubernetes;

namespace EgressOperator.Hold;

/// <summary>Tells, as an event of the pod, that it has taken the addresses. Nothing depends on it, so a failure is only logged.</summary>
/// <param name="pod">This pod; null if the API has not told of it.</param>
internal sealed class TakeoverEvents(HoldContext context, Func<PairPod?> pod)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(5);

    private readonly EventRecorder _recorder = new(context.Api, ToldEvent.Component, context.Pod, context.Clock);

    private readonly Channel<bool> _taken =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Tell() => _taken.Writer.TryWrite(true);

    /// <summary>Writes until it is stopped.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (true)
        {
            await _taken.Reader.ReadAsync(stop);
            string message = $"{string.Join(", ", context.Addresses.Select(shared => shared.Address))}: pod {context.Pod} "
                + $"{(pod()?.Node is string node ? $"on node {node} " : "")}holds them";
            var involved = new ObjectMeta(context.Namespace, context.Pod, pod()?.Uid ?? "", ResourceVersion: "");
            if (_recorder.New(Resource.Pods, involved, "Normal", "Reassigned", message, message) is not JsonObject made)
            {
                continue;
            }

            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
            limit.CancelAfter(_limit);
            try
            {
                await _recorder.WriteAsync(made, limit.Token);
            }
            catch (Exception failure) when (failure is ApiException
                || (failure is OperationCanceledException && !stop.IsCancellationRequested))
            {
                context.Log.Warning("no event tells of it: {Failure:l}", [failure.Message]);
            }
        }
    }
}
