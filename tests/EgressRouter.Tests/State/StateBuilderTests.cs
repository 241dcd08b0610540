using EgressRouter.State;
using Netlink.Routing;
using Shared;

namespace EgressRouter.Tests.State;

/// <summary>Desired states and the plans to them, as golden files.</summary>
public class StateBuilderTests
{
    private static readonly ForgetConnections _forgotten = new(Example.Net1, [System.Net.IPAddress.Parse("192.168.12.99")]);

    [Fact]
    public void The_documented_attachment() => Verify("redirect", Example.Present("192.168.12.91/32"));

    [Fact]
    public void Ports_ranges_and_a_fallback() => Verify(
        "ports", Example.Present("80 UDP 10.100.3.0/30", "8080 TCP 203.0.113.26/30 80", "9000-9100 sctp 203.0.113.27", "192.168.12.91"));

    [Fact]
    public void Ipv6() => Verify("ipv6", StateBuilder.Present(
        Example.Attachment6("80 tcp 2001:db8:12::91 8080", "2001:db8:12::92"),
        (Example.Pod with { MainDefaults = [Example.PodDefault, Example.PodDefault6] }).Facts(Example.Net1, Example.Unset)));

    [Fact]
    public void Both_families_and_several_addresses() => Verify("dual-stack", StateBuilder.Present(
        Example.Attachment("80 tcp 192.168.12.91", "2001:db8:12::91") with
        {
            Addresses = [.. new[] { "192.168.12.99", "192.168.12.98", "2001:db8:12::99", "2001:db8:13::99" }
                .Select(text => System.Net.IPAddress.Parse(text))
                .Select(address => new AddressState(address, address.ToString().Contains(':', StringComparison.Ordinal) ? 64 : 24))],
            Gateways = [System.Net.IPAddress.Parse("192.168.12.1"), System.Net.IPAddress.Parse("fe80::1")],
            AllowInbound = true,
        },
        (Example.Pod with { MainDefaults = [Example.PodDefault, Example.PodDefault6] }).Facts(Example.Net1, Example.Unset)));

    /// <summary>No egress address is assigned. What needs none is there: an own IPv4 address, routes without a source, rules.</summary>
    [Fact]
    public void High_availability() => Verify("high-availability", StateBuilder.Present(
        Example.Attachment("80 tcp 192.168.12.91", "2001:db8:12::91") with
        {
            HighAvailability = true,
            Addresses = [.. new[] { ("192.168.12.98", 24), ("192.168.12.99", 24), ("2001:db8:12::99", 64) }
                .Select(address => new AddressState(System.Net.IPAddress.Parse(address.Item1), address.Item2))],
            Gateways = [System.Net.IPAddress.Parse("192.168.12.1"), System.Net.IPAddress.Parse("fe80::1")],
        },
        (Example.Pod with { MainDefaults = [Example.PodDefault, Example.PodDefault6] }).Facts(Example.Net1, Example.Unset)));

    /// <summary>Holder and standby are as desired; not a missing own address, or an egress address of a former configuration.</summary>
    [Theory]
    [InlineData("", "")]
    [InlineData("192.168.12.99/24", "")]
    [InlineData("192.168.12.99/32", "")]
    [InlineData("192.168.12.98/24", "address 192.168.12.98/24 should not be there")]
    [InlineData("none", "address 169.254.95.163/32 is missing")]
    public void High_availability_accepts_both_states(string there, string difference)
    {
        NetworkState Desired(params string[] addresses) => StateBuilder.Present(
            Example.Attachment("192.168.12.91") with
            {
                HighAvailability = true,
                Addresses = [.. addresses.Select(address => new AddressState(System.Net.IPAddress.Parse(address), 24))],
            },
            Example.Facts);
        NetworkState former = Desired("192.168.12.98", "192.168.12.99");
        NetworkState desired = Desired("192.168.12.99") with { Table = former.Table };
        NetworkState observed = former with
        {
            Addresses = there switch
            {
                "" => former.Addresses,
                "none" => [],
                _ => [.. former.Addresses, new AddressState(System.Net.IPAddress.Parse(there[..^3]), int.Parse(there[^2..], null))],
            },
        };
        Assert.Equal(difference, string.Join("; ", Difference.Between(desired, observed)));
    }

    /// <summary>Without high availability again, the own address goes and the egress address comes.</summary>
    [Fact]
    public void An_own_address_goes_with_high_availability()
    {
        NetworkState before = StateBuilder.Present(Example.Attachment("192.168.12.91") with { HighAvailability = true }, Example.Facts);
        AddressDifference[] addresses = [.. Difference.Between(Example.Present("192.168.12.91"), before).OfType<AddressDifference>()];
        Assert.Equal([before.Addresses[0], null], addresses.Select(address => address.Observed).OrderBy(address => address is null));
    }

    /// <summary>An IPv6 default route from a router advertisement: eth0 continues to accept advertisements.</summary>
    [Fact]
    public void Advertised_routes() => Verify("advertised", StateBuilder.Present(
        Example.Attachment6("2001:db8:12::91"),
        (Example.Pod with { MainDefaults = [Example.PodDefault6 with { Origin = Netlink.Routing.RouteProtocol.RouterAdvertisement }] })
            .Facts(Example.Net1, sysctl => sysctl.Name == "accept_ra" ? 1 : 0)));

    [Fact]
    public void The_source_address_only() => Verify("source-address-only", Example.Present());

    /// <summary>Everything is as with a macvlan, except the link.</summary>
    [Fact]
    public void An_ipvlan_differs_in_its_link_alone()
    {
        NetworkState ipvlan = StateBuilder.Present(
            Example.Attachment("192.168.12.91") with { Kind = new Ipvlan(IpvlanMode.L3s) }, Example.Facts);
        Difference difference = Assert.Single(Difference.Between(ipvlan, Example.Present("192.168.12.91")));
        Assert.Equal("link net1: kind is macvlan of mode bridge, not ipvlan of mode l3s", difference.ToString());
    }

    /// <summary>cnitool's namespace: no cluster interface, no default route, no IPv6 in the kernel.</summary>
    [Fact]
    public void A_bare_namespace() => Verify("bare", StateBuilder.Present(
        Example.Attachment("192.168.12.91"),
        new PodSnapshot { Links = [Example.Link(1, "lo")] }.Facts(Example.Net1, _ => null)));

    [Fact]
    public void An_address_without_a_subnet() => Verify("host-address", StateBuilder.Present(
        Example.Attachment("192.168.12.91") with { Addresses = [new AddressState(System.Net.IPAddress.Parse("192.168.12.99"), 32)] },
        Example.Facts));

    [Fact]
    public void The_number_of_rules_does_not_grow_with_the_destinations()
    {
        static int Rules(int count) =>
            Example.Present([.. Enumerable.Range(1, count).Select(port => $"{port} tcp 192.168.12.91")]).Table!.Rules.Length;
        Assert.Equal(Rules(1), Rules(10_000));
    }

    [Fact]
    public void The_plan_to_the_documented_attachment()
    {
        NetworkState desired = Example.Present("192.168.12.91/32");
        NetworkState before = NetworkState.Absent with { Routes = [Example.PodDefault] };
        Golden.Verify(string.Join('\n', Plan.ToPresent(Difference.Between(desired, before), desired.Link!)), "states", "redirect-plan-add");
    }

    [Fact]
    public void The_plan_back()
    {
        NetworkState present = Example.Present("192.168.12.91/32");
        PodSnapshot pod = Example.Pod with
        {
            MainDefaults = [present.Routes.First(route => route.IsDefault && route.Table == Netlink.Routing.Route.MainTable)],
            Attachments = [new InstalledAttachment("net1", SavedState.Read(present.Table!.Rules), [])],
        };
        SavedState saved = pod.ToRestore(Example.Net1);
        // The interface is deleted before the plan, and its addresses and routes with it.
        NetworkState left = present with
        {
            Link = null,
            Addresses = [],
            Routes = [.. present.Routes.Where(route => route.Device != Example.Net1.Interface)],
        };
        Golden.Verify(
            string.Join('\n', Plan.ToRemoved(Difference.Between(StateBuilder.Removed(saved), left), saved.Sysctls, _forgotten)),
            "states", "redirect-plan-delete");
    }

    /// <summary>Writing IPv6 forwarding of "all" writes every link's value: a link's own value is set after it.</summary>
    [Fact]
    public void Ipv6_forwarding_of_single_links_comes_back_after_that_of_all()
    {
        PodFacts facts = (Example.Pod with { MainDefaults = [Example.PodDefault6] }).Facts(
            Example.Net1, sysctl => sysctl == Sysctl.Ipv6Forwarding("eth0") ? 1 : 0);
        NetworkState present = StateBuilder.Present(Example.Attachment6(), facts);
        SavedState saved = SavedState.Read(present.Table!.Rules);
        string[] steps = [.. Plan.ToRemoved(Difference.Between(StateBuilder.Removed(saved), present), saved.Sysctls, _forgotten)
            .OfType<SetSysctl>().Select(step => step.ToString())];
        Assert.Equal(["set sysctl net/ipv6/conf/all/forwarding=0", "set sysctl net/ipv6/conf/eth0/forwarding=1"], steps);
    }

    private static void Verify(string name, NetworkState state) => Golden.Verify(Example.Text(state), "states", name);
}
