using EgressOperator.Controller;
using Kubernetes;
using Microsoft.AspNetCore.Builder;

namespace EgressOperator.Hold;

/// <summary>Runs the parts of a pod's holder.</summary>
internal sealed class HoldService(HoldContext context, string selector, int peerPort, byte[] key, int port)
{
    /// <summary>Works until it is stopped, and then hands over.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        // First this pod hands over, then the rest ends.
        using var handOver = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var end = new CancellationTokenSource();
        var pods = new Reflector<PairPod>(
            context.Api, Resource.Pods, new Selection(context.Namespace, selector), PairPod.Read, context.Log, context.Clock);
        using var holder = new Holder(context, end.Token);
        using var lease = new LeaseKeeper(context, holder);
        using var peer = new PeerLink(context, holder, peerPort, key, Others);
        using var endpoints = new EndpointWriter(context, holder, Own);
        var events = new TakeoverEvents(context, Own);
        context.Metrics.Look = () =>
        {
            PairState state = holder.State;
            return (
                context.Now - state.RenewedFrom, state.IsLinkHealthy, state.IsApiAway, peer.AnswerAge, Others().Length,
                !holder.Held.IsEmpty && holder.IsEndpoint);
        };
        holder.Took += endpoints.Hurry;
        holder.Taken += events.Tell;
        holder.LetGo += () => peer.Send();
        holder.LetGo += lease.Hurry;
        holder.LetGo += endpoints.LetGo;
        lease.Released += () => peer.Send();
        peer.PeerReleased += lease.Hurry;
        await using WebApplication health = await HealthServer.StartAsync(
            port, () => holder.NotReady, context.Metrics.Registry, () => holder.IsStuck);
        context.Log.Information(
            "{Program:l} holder of pod {Pod:l} starts, port {Port}", [BuildInfo.Text, context.Pod, HealthServer.PortOf(health)]);
        Task steps = Runs.InThread(() => holder.Run(handOver.Token));
        Task election = lease.RunAsync(LetGoAsync(), handOver.Token);
        Task links = Runs.InThread(() => new LinkHealth(context, holder).Run(end.Token));
        Task[] others =
        [
            pods.RunAsync(end.Token), peer.RunAsync(end.Token), peer.ListenAsync(end.Token), endpoints.RunAsync(end.Token),
            events.RunAsync(end.Token),
        ];
        Task first = await Task.WhenAny([election, steps, links, .. others]);
        await handOver.CancelAsync();
        await election;
        await end.CancelAsync();
        await Task.WhenAll([links, .. others]).ContinueWith(_ => { }, TaskScheduler.Default);
        await first;

        // Without a pod that could take over, the Service is to lead nowhere. While the Lease is this pod's, the other one writes nothing.
        async Task LetGoAsync()
        {
            await steps;
            bool canPeerServe = holder.State.IsPeerAble(context.Now) && !Others().All(pod => pod.IsDeleted);
            if (holder.HeldUntilStopped && !canPeerServe)
            {
                await endpoints.ClearAsync();
            }
        }

        PairPod? Own() => pods.Objects.FirstOrDefault(pod => pod.Name == context.Pod);

        PairPod[] Others() =>
            [.. pods.Objects.Where(pod => pod.Name != context.Pod && !pod.HasEnded && !pod.Addresses.IsEmpty)];
    }
}
