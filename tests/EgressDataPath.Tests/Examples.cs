using System.Collections.Immutable;
using System.Net;
using EgressDataPath.Desired;
using EgressDataPath.Kernel;
using Netlink.Routing;

namespace EgressDataPath.Tests;

/// <summary>Duties of a node that serves pods and holds addresses, and the states that follow from them.</summary>
internal static class Examples
{
    public const int TunnelMtu = 1464;

    public static Settings Defaults { get; } = new();

    public static Duties Full { get; } = new(
        [Ip("192.0.2.12"), Ip("192.0.2.13"), Ip("fd00:2::12")],
        [Net("10.244.0.0/16"), Net("10.244.1.0/24"), Net("192.0.2.11/32"), Net("192.0.2.12/32"), Net("fd00:244::/32"), Net("224.0.0.0/3")],
        [
            new ServedObject(
                "prod",
                [Ip("10.244.1.2"), Ip("fd00:244:1::2")],
                [
                    new EgressAddress(Ip("192.0.2.100"), new Way.Here(null)),
                    new EgressAddress(Ip("192.0.2.101"), new Way.Tunnel(Ip("192.0.2.12"))),
                    new EgressAddress(Ip("fd00:2::100"), new Way.Hold()),
                ],
                [Net("203.0.113.0/24")],
                FailsOpen: false),
            new ServedObject(
                "billing-eu", [Ip("10.244.1.3")], [new EgressAddress(Ip("198.51.100.7"), new Way.Here("eth1"))], [], FailsOpen: true),
        ],
        [
            new HeldAddress(
                Ip("192.0.2.100"), "eth0", HasOwnWay: false,
                [new Member(Ip("10.244.1.2"), null), new Member(Ip("10.244.2.2"), Ip("192.0.2.12"))]),
            new HeldAddress(
                Ip("198.51.100.7"), "eth1", HasOwnWay: true,
                [new Member(Ip("10.244.1.3"), null), new Member(Ip("10.244.3.2"), Ip("192.0.2.13"))]),
        ])
    {
        OutsideLinks = ["eth0"],
        Links = [new LinkRoutes("eth1", [new Route
        {
            Family = System.Net.Sockets.AddressFamily.InterNetwork,
            Destination = Ip("198.51.100.0"),
            PrefixLength = 24,
            OutputInterface = 3,
            Scope = RouteScope.Link,
        }])],
    };

    public static IReadOnlyDictionary<string, int> Indexes { get; } =
        new Dictionary<string, int> { ["lo"] = 1, ["eth0"] = 2, ["eth1"] = 3, [Settings.Link] = 4 };

    public static IPAddress Ip(string text) => IPAddress.Parse(text);

    public static IPNetwork Net(string text) => IPNetwork.Parse(text);

    public static DesiredState StateOf(Duties duties, NodeNumbers? numbers = null) =>
        DesiredState.Of(duties, Defaults, numbers ?? new NodeNumbers(Defaults), TunnelMtu, Indexes);

    /// <summary>A kernel that has exactly the desired state.</summary>
    public static ObservedState Observed(DesiredState desired) => new(
        [.. Indexes.Select(link => new Link
        {
            Index = link.Value,
            Name = link.Key,
            Kind = link.Key == Settings.Link ? new Vxlan(4790) : null,
            Settings = new LinkSettings { Mtu = TunnelMtu, IsUp = true },
        })],
        [new LinkAddress(4, Settings.LinkAddress, 32)],
        desired.Addresses,
        desired.Routes,
        desired.Rules,
        desired.Table);

    /// <summary>A node on which nothing was made yet.</summary>
    public static ObservedState Empty { get; } = Observed(StateOf(Duties.None)) with
    {
        Addresses = [],
        Routes = [],
        Rules = [],
        Table = null,
    };

    public static ImmutableArray<Step> PlanFor(Duties duties, ObservedState observed, NodeNumbers numbers, params int[] freed) =>
        Plan.For(StateOf(duties, numbers), observed, Defaults, numbers.Slots.Numbers, freed, isFirst: false);
}
