using EgressRouter.Config;
using EgressRouter.State;
using Netlink.Routing;

namespace EgressRouter.Kernel;

/// <summary>Converts between <see cref="Route"/> with link indexes and <see cref="RouteState"/> with link names.</summary>
internal static class RouteMapping
{
    /// <summary>The index of the loopback link in every namespace.</summary>
    private const int LoopbackIndex = 1;

    public static RouteState FromKernel(this Route route, IReadOnlyDictionary<int, Link> links)
    {
        bool drops = route.Type is RouteType.Unreachable or RouteType.Blackhole or RouteType.Prohibit;
        return new RouteState
        {
            Family = route.Family,
            Table = route.Table,
            Destination = route.Destination ?? route.Family.Any(),
            PrefixLength = route.PrefixLength,
            Gateway = route.Gateway,
            // The kernel gives an IPv6 route that drops packets the loopback link as output.
            Device = drops && route.OutputInterface is null or LoopbackIndex ? null : NameOf(route.OutputInterface, links),
            Metric = route.Priority,
            Type = route.Type,
            Scope = route.Scope,
            Source = route.PreferredSource,
            TypeOfService = route.TypeOfService,
            IsOnlink = route.IsOnlink,
            Origin = route.Origin,
            Other = route.OtherAttributes,
        };
    }

    public static Route ToKernel(this RouteState route, Func<string, int> indexOf) => new()
    {
        Family = route.Family,
        Table = route.Table,
        Destination = route.PrefixLength == 0 ? null : route.Destination,
        PrefixLength = route.PrefixLength,
        Gateway = route.Gateway,
        OutputInterface = route.Device is string name ? indexOf(name) : null,
        Priority = route.Metric,
        Type = route.Type,
        Scope = route.Scope,
        PreferredSource = route.Source,
        TypeOfService = route.TypeOfService,
        IsOnlink = route.IsOnlink,
        Origin = route.Origin,
        OtherAttributes = route.Other,
    };

    private static string? NameOf(int? index, IReadOnlyDictionary<int, Link> links) =>
        index is int number ? links.GetValueOrDefault(number)?.Name ?? $"#{number}" : null;
}
