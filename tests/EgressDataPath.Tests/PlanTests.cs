using System.Collections.Immutable;
using System.Net;
using EgressDataPath.Desired;
using EgressDataPath.Kernel;
using Netlink.NetFilter;
using Netlink.Routing;
using static EgressDataPath.Tests.Examples;

namespace EgressDataPath.Tests;

public class PlanTests
{
    private readonly NodeNumbers _numbers = new(Defaults);

    [Fact]
    public void Nothing_is_done_if_all_is_as_it_is_to_be() =>
        Assert.Empty(PlanFor(Full, Observed(StateOf(Full, _numbers)), _numbers));

    [Fact]
    public void From_nothing_ways_come_before_the_table()
    {
        string[] kinds = [.. PlanFor(Full, Empty, _numbers).Select(step => step.GetType().Name).Distinct()];
        // Whoever deleted the table may have left connections behind.
        Assert.Equal(["SetRoute", "AddRule", "SetTable", "AddAddress", "RebindConnections"], kinds);
    }

    [Fact]
    public void A_released_address_stops_sending_before_it_leaves_its_link()
    {
        ObservedState observed = Observed(StateOf(Full, _numbers));
        Duties after = Full with { Held = [Full.Held[1]] };
        DesiredState desired = StateOf(after, _numbers);
        Table guarded = EgressTable.Build(after with { Leaving = [Ip("192.0.2.100")] }, Defaults, _numbers, TunnelMtu);
        ImmutableArray<Step> steps = Plan.For(desired, observed, Defaults, _numbers.Slots.Numbers, [], isFirst: false, guarded);
        Assert.Equal(
            ["SetTable", "HandOver", "ForgetConnections", "DeleteAddress", "SetTable", "DeleteRoute"],
            steps.Select(step => step.GetType().Name));
        Assert.Equal([true, false], steps.OfType<Step.SetTable>().Select(step => step.Wanted.Maps.Single(map => map.Name == "addresses4")
            .Elements.Any(element => new IPAddress(element.Key.Span).Equals(Ip("192.0.2.100")))));
    }

    [Fact]
    public void Connections_are_rebound_when_their_slot_leaves_by_this_node_or_no_longer()
    {
        ObservedState observed = Observed(StateOf(Full, _numbers));
        ServedObject moved = Full.Objects[0] with
        {
            Addresses =
            [
                new EgressAddress(Ip("192.0.2.100"), new Way.Tunnel(Ip("192.0.2.12"))),
                new EgressAddress(Ip("192.0.2.101"), new Way.Here(null)),
                new EgressAddress(Ip("fd00:2::100"), new Way.Tunnel(Ip("192.0.2.12"))),
            ],
        };
        Step.RebindConnections rebound = Assert.Single(
            PlanFor(Full with { Objects = [moved, Full.Objects[1]] }, observed, _numbers).OfType<Step.RebindConnections>());
        Assert.Equal(
            [("192.0.2.100", false), ("192.0.2.101", true)],
            rebound.Slots.Select(slot => (slot.Address.ToString(), slot.IsHere)).Order());
    }

    [Fact]
    public void The_first_plan_of_a_program_rebinds_all_slots()
    {
        DesiredState desired = StateOf(Full, _numbers);
        Step step = Assert.Single(Plan.For(desired, Observed(desired), Defaults, _numbers.Slots.Numbers, [], isFirst: true));
        Assert.Equal(4, Assert.IsType<Step.RebindConnections>(step).Slots.Length);
    }

    [Fact]
    public void Connections_of_pods_that_are_no_longer_selected_are_forgotten()
    {
        ObservedState observed = Observed(StateOf(Full, _numbers));
        Step.ForgetConnections forgotten = Assert.Single(
            PlanFor(Full with { Objects = [Full.Objects[0]] }, observed, _numbers, 4).OfType<Step.ForgetConnections>());
        Assert.Equal(["10.244.1.3"], forgotten.Pods.Select(pod => pod.ToString()));
        Assert.Equal([4], forgotten.Slots);
        Assert.Empty(forgotten.Members);
        Assert.Empty(forgotten.EgressAddresses);
    }

    [Fact]
    public void What_another_program_changed_is_put_back()
    {
        ObservedState observed = Observed(StateOf(Full, _numbers));
        Assert.Equal("AddRule", Kind(observed with { Rules = observed.Rules.RemoveAt(0) }));
        Assert.Equal("SetRoute", Kind(observed with { Routes = observed.Routes.RemoveAt(0) }));
        Assert.Equal("AddAddress", Kind(observed with { Addresses = observed.Addresses.RemoveAt(0) }));
        Assert.Equal("SetTable", Kind(observed with { Table = observed.Table! with { Rules = observed.Table!.Rules.RemoveAt(3) } }));
        Assert.Equal("DeleteRoute", Kind(observed with { Routes = observed.Routes.Add(observed.Routes[0] with { Priority = 7 }) }));

        string Kind(ObservedState changed) => Assert.Single(PlanFor(Full, changed, _numbers)).GetType().Name;
    }

    [Fact]
    public void The_tunnel_is_made_mended_or_left()
    {
        ObservedState observed = Observed(StateOf(Full, _numbers));
        ObservedState without = observed with { Links = [.. observed.Links.Where(link => link.Name != "egress0")] };
        Assert.Equal(["CreateTunnel", "SetUpTunnel"], Kinds(without));
        Assert.Equal(["DeleteTunnel", "CreateTunnel", "SetUpTunnel"], Kinds(With(link => link with { Kind = new Vxlan(4789) })));
        Assert.Equal(["SetUpTunnel"], Kinds(With(link => link with { Settings = link.Settings with { IsUp = false } })));
        Assert.Equal(["SetUpTunnel"], Kinds(observed with { TunnelAddresses = [] }));
        // What comes by the tunnel is dropped from the beginning.
        Assert.Equal(["SetTable", "CreateTunnel", "SetUpTunnel"], Kinds(without with { Table = null }));

        ObservedState With(Func<Link, Link> change) =>
            observed with { Links = [.. observed.Links.Select(link => link.Name == "egress0" ? change(link) : link)] };
        string[] Kinds(ObservedState changed) => [.. Plan.ForTunnel(changed, Defaults, TunnelMtu, () => StateOf(Duties.None).Table)
            .Select(step => step.GetType().Name)];
    }

    [Fact]
    public void Removal_closes_the_tunnel_before_the_table_goes_and_leaves_nothing() => Assert.Equal(
        ["DeleteTunnel", "DeleteTable", "DeleteAddress", "DeleteRule", "DeleteRoute"],
        Plan.ForRemoval(Observed(StateOf(Full, _numbers))).Select(step => step.GetType().Name).Distinct());
}
