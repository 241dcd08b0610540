using System.Collections.Immutable;
using System.Net;
using EgressDataPath.Kernel;
using EgressRouter.State;
using Netlink;
using Netlink.Routing;

namespace EgressOperator.Hold;

/// <summary>Whether the egress network is reached: the link has a carrier, and a gateway answers.</summary>
internal sealed class LinkHealth(HoldContext context, Holder holder)
{
    private const int Misses = 3;

    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan _window = TimeSpan.FromMilliseconds(100);

    private readonly Neighborhood _neighborhood = new(context.Network, context.Log);

    private int _missed;

    private bool _isHealthy = true;

    /// <summary>Looks until it is stopped, in the calling thread.</summary>
    public void Run(CancellationToken stop)
    {
        using ChangeMonitor<RoutingChange> monitor = context.Network.Run(() => RoutingChange.OpenMonitor());
        using NetlinkSocket socket = context.Network.Run(() => NetlinkSocket.OpenRoute());
        while (!stop.IsCancellationRequested)
        {
            TimeSpan began = context.Now;
            bool hasCarrier = socket.GetLink(context.Interface) is { HasCarrier: true, IsUp: true };
            _missed = !hasCarrier || !IsSilent(Gateways(socket), stop) ? 0 : _missed + 1;
            Tell(hasCarrier && _missed < Misses, hasCarrier);
            Wait(monitor, hasCarrier, began + (_missed < Misses ? _interval : _window), stop);
        }
    }

    /// <summary>Those that were given, or those of the routes that the plugin has made: they are there in both pods.</summary>
    private ImmutableArray<IPAddress> Gateways(NetlinkSocket socket)
    {
        if (!context.Gateways.IsEmpty)
        {
            return context.Gateways;
        }

        uint table = new AttachmentNames(context.Interface).EgressTable;
        return [.. socket.ListRoutes(route => route.Table == table && route.PrefixLength == 0).Select(route => route.Gateway)
            .OfType<IPAddress>().Distinct()];
    }

    private bool IsSilent(ImmutableArray<IPAddress> gateways, CancellationToken stop)
    {
        try
        {
            // Whoever has the address of a gateway is one. The other pod, which asks for it too, has not.
            return gateways.Length > 0
                && _neighborhood.Ask(context.Interface, gateways, _window, stop).All(answer => answer.IsProbing);
        }
        catch (NetlinkException)
        {
            return true;
        }
    }

    private void Tell(bool isHealthy, bool hasCarrier)
    {
        if (isHealthy == _isHealthy)
        {
            return;
        }

        _isHealthy = isHealthy;
        holder.Change((state, now) => state.Reaches(isHealthy, now));
        if (isHealthy)
        {
            holder.AnnounceAgain();
            context.Log.Information("{Interface:l} reaches the egress network", [context.Interface]);
        }
        else
        {
            context.Log.Warning(
                "{Interface:l} does not reach the egress network: {Reason:l}",
                    [context.Interface, hasCarrier ? "no gateway answers" : "it has no carrier"]);
        }
    }

    /// <summary>Until the next look, or until the carrier changes.</summary>
    private void Wait(ChangeMonitor<RoutingChange> monitor, bool hasCarrier, TimeSpan end, CancellationToken stop)
    {
        while (end - context.Now is { Ticks: > 0 } left && !stop.IsCancellationRequested)
        {
            ImmutableArray<RoutingChange> changes = [.. monitor.Wait(left).Changes];
            if (changes.OfType<LinkChange>().Any(change => change.Link.Name == context.Interface
                && (change.IsGone || !change.Link.HasCarrier || !change.Link.IsUp) == hasCarrier))
            {
                return;
            }
        }
    }
}
