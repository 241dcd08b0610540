using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kubernetes;

namespace EgressOperator.Hold;

/// <summary>Makes the pod that holds the addresses the endpoint of the Service, in an EndpointSlice for each family.</summary>
/// <param name="pod">This pod; null if the API has not told of it.</param>
internal sealed class EndpointWriter(HoldContext context, Holder holder, Func<PairPod?> pod) : IDisposable
{
    public const string Manager = "egress-router-pair";

    private static readonly Resource _slices = new("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice");

    /// <summary>The same again changes nothing at the server, unless another program has changed it.</summary>
    private static readonly TimeSpan _again = TimeSpan.FromSeconds(5);

    /// <summary>As long as a request of the pod that held the addresses before can be late.</summary>
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan _longestClearing = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _gate = new(initialCount: 1);

    private TimeSpan _hurriedAt;

    /// <summary>Ends when this pod lets the addresses go.</summary>
    private volatile CancellationTokenSource _term = new();

    private readonly SemaphoreSlim _urgent = new(initialCount: 0);

    private JsonElement? _service;

    private string? _failure;

    /// <summary>Writes at once: this pod begins to hold the addresses.</summary>
    public void Hurry()
    {
        holder.IsEndpoint = false;
        (_hurriedAt, _term, _failure) = (context.Now, new CancellationTokenSource(), null);
        _urgent.Release();
    }

    /// <summary>Writes nothing more: the other pod does.</summary>
    public void LetGo() => _term.Cancel();

    /// <summary>Writes as soon as this pod begins to take the addresses, and again and again while it holds them.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        TimeSpan pause = TimeSpan.Zero;
        while (true)
        {
            // In a hurry the Service is as it was last, and is looked at right afterwards.
            bool isUrgent = await _urgent.WaitAsync(pause, stop);
            bool isDone = await WriteAsync(looks: !isUrgent, stop);
            pause = isUrgent ? TimeSpan.Zero : !isDone ? context.Timing.Renew : context.Now < _hurriedAt + _again ? _soon : _again;
        }
    }

    public void Dispose()
    {
        _urgent.Dispose();
        _gate.Dispose();
    }

    private static bool MayWrite(PairState state, TimeSpan now) => state.IsHolding && state.HasLease(now);

    /// <param name="looks">Whether the Service is read, also by a pod that stands by: it may have to write soon.</param>
    /// <returns>Whether nothing is left to be written.</returns>
    private async Task<bool> WriteAsync(bool looks, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(context.Lease);
        string? failure = null;
        try
        {
            if (looks || _service is null)
            {
                _service = await context.Api.GetAsync(Resource.Services, context.Namespace, context.Service, limit.Token);
            }

            if (!MayWrite(holder.State, context.Now))
            {
                return !holder.State.IsHolding;
            }

            if (_service.Value.Object("spec")?.Object("selector") is not null)
            {
                throw new InvalidDataException("it has a selector, so Kubernetes leads clients to both pods: remove the selector");
            }

            PairPod own = pod() ?? throw new InvalidDataException($"the API has not told of pod {context.Pod}: look at --selector");
            await ApplyAsync(own, isServing: true, limit.Token);
        }
        catch (Exception fault) when (fault is ApiException or InvalidDataException)
        {
            failure = fault.Message;
            // The API server may be away and clients get here all the same; but not if what it has leads them elsewhere.
            holder.IsEndpoint &= fault is ApiException;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            failure = holder.State.IsHolding ? "no answer in time" : null;
        }

        if (failure is not null && failure != _failure)
        {
            context.Log.Warning("the EndpointSlices of Service {Service:l}: {Failure:l}", [context.Service, failure]);
        }

        _failure = failure;
        return failure is null && (holder.IsEndpoint || !holder.State.IsHolding);
    }

    /// <summary>Takes this pod, the last one of its pair, from the Service: its address may soon be another pod's.</summary>
    public async Task ClearAsync()
    {
        if (_service is null || pod() is not PairPod own)
        {
            return;
        }

        try
        {
            // The Lease is to be given up soon, and the kubelet does not wait for long.
            using var limit = new CancellationTokenSource(_longestClearing, context.Clock);
            await ApplyAsync(own, isServing: false, limit.Token);
        }
        catch (Exception failure) when (failure is ApiException or OperationCanceledException or InvalidDataException)
        {
            context.Log.Warning("the EndpointSlices of Service {Service:l} keep this pod: {Failure:l}", [context.Service, failure.Message]);
        }
    }

    private async Task ApplyAsync(PairPod own, bool isServing, CancellationToken limit)
    {
        await _gate.WaitAsync(limit);
        try
        {
            using var bounded = CancellationTokenSource.CreateLinkedTokenSource(limit);
            if (isServing)
            {
                (PairState state, TimeSpan now) = (holder.State, context.Now);
                if (!MayWrite(state, now))
                {
                    return;
                }

                bounded.CancelAfter(state.RenewedFrom!.Value + context.Timing.Serve - now);
            }

            // What arrives after this pod has let go could undo what the other pod has written.
            using CancellationTokenRegistration ends = isServing ? _term.Token.Register(bounded.Cancel) : default;

            await Task.WhenAll(own.Addresses.DistinctBy(address => address.AddressFamily).Select(async address =>
            {
                string name = $"{context.Name}-{(address.AddressFamily == AddressFamily.InterNetwork ? "ipv4" : "ipv6")}";
                JsonObject slice = Slice(_service!.Value, own, name, address.AddressFamily, isServing ? address : null);
                await context.Api.ApplyAsync(
                    _slices, context.Namespace, name, subresource: null, slice, Manager, force: true, bounded.Token);
                context.Metrics.WroteSlice();
            }));
            holder.IsEndpoint = isServing;
        }
        finally
        {
            _gate.Release();
        }
    }

    private JsonObject Slice(JsonElement service, PairPod own, string name, AddressFamily family, IPAddress? address) => new()
    {
        ["apiVersion"] = _slices.ApiVersion,
        ["kind"] = _slices.Kind,
        ["metadata"] = new JsonObject
        {
            ["name"] = name,
            ["namespace"] = context.Namespace,
            // It goes with the Service.
            ["ownerReferences"] = new JsonArray(new JsonObject
            {
                ["apiVersion"] = Resource.Services.ApiVersion,
                ["kind"] = Resource.Services.Kind,
                ["name"] = context.Service,
                ["uid"] = ObjectMeta.Of(service).Uid,
            }),
            ["labels"] = new JsonObject
            {
                ["kubernetes.io/service-name"] = context.Service,
                ["endpointslice.kubernetes.io/managed-by"] = Manager,
            },
        },
        ["addressType"] = family == AddressFamily.InterNetwork ? "IPv4" : "IPv6",
        ["ports"] = new JsonArray([.. (service.Object("spec")?.Items("ports") ?? []).Select(port => Port(port, own))]),
        ["endpoints"] = address is null ? new JsonArray() : new JsonArray(new JsonObject
        {
            ["addresses"] = new JsonArray(address.ToString()),
            ["conditions"] = new JsonObject { ["ready"] = true },
            ["nodeName"] = own.Node,
            ["targetRef"] = new JsonObject
            {
                ["kind"] = "Pod",
                ["namespace"] = context.Namespace,
                ["name"] = own.Name,
                ["uid"] = own.Uid,
            },
        }),
    };

    /// <summary>A port of the Service with the number that its targetPort stands for.</summary>
    private static JsonObject Port(JsonElement port, PairPod own)
    {
        int? number = port.Text("targetPort") is string name
            ? own.Ports.TryGetValue(name, out int named) ? named
                : throw new InvalidDataException($"no container has a port of the name {name}")
            : port.Number("targetPort") ?? port.Number("port");
        return new JsonObject
        {
            ["name"] = port.Text("name") ?? "",
            ["protocol"] = port.Text("protocol") ?? "TCP",
            ["port"] = number,
        };
    }
}
