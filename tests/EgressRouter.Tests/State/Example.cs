using System.Globalization;
using System.Net;
using System.Text;
using EgressRouter.Config;
using EgressRouter.State;
using EgressRouter.State.Nftables;
using Netlink.NetFilter;
using Netlink.Routing;

namespace EgressRouter.Tests.State;

/// <summary>The documented attachment in the documented pod, and any state as text for golden files.</summary>
internal static class Example
{
    public static AttachmentNames Net1 { get; } = new("net1");

    public static RouteState PodDefault { get; } = RouteState.FromSavedText("0.0.0.0/0 via 10.129.2.1 dev eth0")!;

    public static RouteState PodDefault6 { get; } = RouteState.FromSavedText("::/0 via fd00:10:129::1 dev eth0 metric 1024")!;

    public static PodSnapshot Pod { get; } = new()
    {
        Links = [Link(1, "lo"), Link(2, "eth0")],
        MainDefaults = [PodDefault],
        HasIpv6 = true,
    };

    public static PodFacts Facts => Pod.Facts(Net1, Unset);

    public static Link Link(int index, string name, uint group = 0) =>
        new() { Index = index, Name = name, Settings = new() { IsUp = true, Mtu = 1500, Group = group } };

    /// <summary>A pod in which every sysctl is 0.</summary>
    public static int? Unset(Sysctl sysctl) => 0;

    public static Attachment Attachment(params string[] destinations) => new()
    {
        Names = Net1,
        Owner = new Owner("net", "c0ffee"),
        Parent = new Parent("lan0", 7, 1500, [IPAddress.Parse("192.168.12.10")]),
        Kind = new Macvlan(MacvlanMode.Bridge),
        Settings = new() { Mtu = 1500 },
        Addresses = [new AddressState(IPAddress.Parse("192.168.12.99"), 24)],
        Gateways = [IPAddress.Parse("192.168.12.1")],
        Destinations = [.. destinations.Select(Destination)],
    };

    public static Attachment Attachment6(params string[] destinations) => Attachment(destinations) with
    {
        Addresses = [new AddressState(IPAddress.Parse("2001:db8:12::99"), 64)],
        Gateways = [IPAddress.Parse("2001:db8:12::1")],
    };

    public static Destination Destination(string text) =>
        EgressRouter.Config.Destination.TryParse(text, out Destination? destination, out string? reason) ? destination!
            : throw new FormatException(reason);

    /// <summary>The desired state of the documented attachment, as the kernel would return it.</summary>
    public static NetworkState Present(params string[] destinations) => StateBuilder.Present(Attachment(destinations), Facts);

    public static string Text(NetworkState state)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"link: {state.Link}\n");
        AppendAll(text, "address", state.Addresses);
        AppendAll(
            text, "route",
            state.Routes.Select(
                route => $"{route.Family.Text()} {route}{(route.Origin == RouteProtocol.Kernel ? " (the kernel's)" : "")}"));
        AppendAll(text, "rule", state.Rules.Select(rule => $"{rule.Family.Text()} {RuleText.Of(rule)}"));
        AppendAll(text, "sysctl", state.Sysctls.Select(sysctl => $"{sysctl.Key}={sysctl.Value}"));
        if (state.Table is Table table)
        {
            text.Append(CultureInfo.InvariantCulture, $"table {table.Family} {table.Name}\n");
            foreach (Map map in table.Maps)
            {
                text.Append(CultureInfo.InvariantCulture, $"map {map.Name}{(map.IsInterval ? " (intervals)" : "")}\n");
                AppendAll(text, "  element", map.Elements.Select(MapText.Of));
            }

            foreach (Chain chain in table.Chains)
            {
                text.Append(CultureInfo.InvariantCulture, $"chain {chain.Name} {chain.Base}\n");
                AppendAll(text, "  rule", table.Rules.Where(rule => rule.Chain == chain.Name));
            }
        }

        return text.ToString();
    }

    private static void AppendAll<T>(StringBuilder text, string what, IEnumerable<T> items)
    {
        foreach (T item in items)
        {
            text.Append(CultureInfo.InvariantCulture, $"{what}: {item}\n");
        }
    }
}
