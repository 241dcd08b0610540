using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;
using EgressOperator.Controller;
using EgressOperator.Objects;
using Kubernetes;
using Serilog;

namespace EgressOperator.Routers;

/// <summary>Copies of EgressRouters and of what is made of them. A key is the namespace and the name of an EgressRouter.</summary>
internal sealed class RouterCache
{
    private readonly Dictionary<Resource, Reflector<MadeObject?>> _made;

    private readonly Reflector<RouterPod?> _pods;

    private readonly Reflector<SandboxFailure?> _failures;

    private readonly ConcurrentDictionary<string, ImmutableDictionary<string, RouterPod>> _podsOf = [];

    /// <summary>By the namespace and the uid of the pod: the newest failure, and the key of its event.</summary>
    private readonly ConcurrentDictionary<string, (string Event, string Message)> _failureOf = [];

    private readonly ConcurrentDictionary<string, string> _routerOf = [];

    public RouterCache(IKubernetesApi api, ILogger log, TimeProvider clock)
    {
        var reader = new ObjectReader(api, log, clock);
        var own = new Selection(LabelSelector: RouterLabels.Selector);
        Routers = reader.Reflect<WatchedRouter>(
            RouterResources.EgressRouters, (source, before) => WatchedRouter.Read(source, before?.Rendered, Images));
        _made = RouterResources.Made.ToDictionary(
            kind => kind, kind => reader.Reflect(kind, source => MadeObject.Read(kind, source), own));
        _pods = reader.Reflect(
            Resource.Pods, source => RouterPod.Read(KubernetesObject.Of(Resource.Pods, source)), own);
        _failures = reader.Reflect(
            Resource.Events, source => SandboxFailure.Read(KubernetesObject.Of(Resource.Events, source)),
            new Selection(FieldSelector: SandboxFailure.Selector));

        foreach (Reflector<MadeObject?> made in _made.Values)
        {
            made.Changed += change => Changed?.Invoke(change.Key);
        }

        _pods.Changed += OnPodChanged;
        _failures.Changed += OnFailureChanged;
    }

    /// <summary>Told with the key of an EgressRouter when something changes that was made of it.</summary>
    public event Action<string>? Changed;

    /// <summary>Those of the pods that are made. Set before the objects are read.</summary>
    public RouterImages Images { get; set; } = new();

    public Reflector<WatchedRouter?> Routers { get; }

    public Reflector<MadeObject?> Attachments => _made[RouterResources.Attachments];

    /// <summary>Ends when all lists are complete that decide on something: events only explain.</summary>
    public Task Synced => Task.WhenAll([Routers.Synced, .. _made.Values.Select(made => made.Synced), _pods.Synced]);

    public Task RunAsync(CancellationToken cancellation) => Task.WhenAll(
        [Routers.RunAsync(cancellation), .. _made.Values.Select(made => made.RunAsync(cancellation)), _pods.RunAsync(cancellation),
            _failures.RunAsync(cancellation)]);

    /// <summary>An object with the name of an EgressRouter; null if none has the label of this program.</summary>
    public MadeObject? Find(Resource kind, string key) => _made[kind].Find(key)?.Object;

    /// <summary>Takes over the answer to a write.</summary>
    public void Observe(Resource kind, JsonElement source) => _made[kind].Observe(source);

    public IReadOnlyCollection<RouterPod> PodsOf(string key) =>
        _podsOf.TryGetValue(key, out ImmutableDictionary<string, RouterPod>? pods) ? [.. pods.Values] : [];

    /// <summary>Why the network of a pod could not be made; null if no event tells.</summary>
    public string? FailureOf(RouterPod pod) => _failureOf.TryGetValue(pod.Identity, out (string Event, string Message) failure)
        ? failure.Message : null;

    private void OnPodChanged(Change<RouterPod?> change)
    {
        if (change.After is RouterPod after)
        {
            _podsOf.AddOrUpdate(
                after.Router, _ => ImmutableDictionary<string, RouterPod>.Empty.Add(change.Key, after),
                (_, pods) => pods.SetItem(change.Key, after));
            _routerOf[after.Identity] = after.Router;
        }

        if (change.Before is RouterPod before)
        {
            if (change.After?.Identity != before.Identity)
            {
                _routerOf.TryRemove(before.Identity, out _);
            }

            if (change.After?.Router != before.Router)
            {
                Remove(before.Router, change.Key);
            }
        }

        foreach (string router in ((string?[])[change.Before?.Router, change.After?.Router]).OfType<string>().Distinct())
        {
            Changed?.Invoke(router);
        }
    }

    /// <summary>Pods change one at a time, so no other one comes in between.</summary>
    private void Remove(string router, string pod)
    {
        ImmutableDictionary<string, RouterPod> left = _podsOf[router].Remove(pod);
        if (left.IsEmpty)
        {
            _podsOf.TryRemove(router, out _);
        }
        else
        {
            _podsOf[router] = left;
        }
    }

    private void OnFailureChanged(Change<SandboxFailure?> change)
    {
        if (change.After is SandboxFailure after)
        {
            _failureOf[after.Pod] = (change.Key, after.Message);
        }
        else if (change.Before is SandboxFailure before
            && _failureOf.TryGetValue(before.Pod, out (string Event, string Message) known) && known.Event == change.Key)
        {
            _failureOf.TryRemove(before.Pod, out _);
        }

        if ((change.After ?? change.Before) is SandboxFailure failure && _routerOf.TryGetValue(failure.Pod, out string? router))
        {
            Changed?.Invoke(router);
        }
    }
}
