using Netlink.NetFilter;
using Netlink.Routing;
using static Netlink.Tests.ScriptedTransport;

namespace Netlink.Tests;

/// <summary>A monitor against a kernel that tells of changes, loses some, and tells nonsense.</summary>
public class MonitorTests
{
    private const ushort NewLink = 16;
    private const ushort NewAddress = 20;
    private const ushort DeleteAddress = 21;
    private const ushort DeleteRule = 33;
    private const byte AnyFamily = 0;
    private const byte IPv4 = 2;
    private const byte Bridge = 7;

    private static readonly TimeSpan _noWait = TimeSpan.Zero;

    [Fact]
    public void Changes_are_told_in_order()
    {
        using ChangeMonitor<RoutingChange> monitor = MonitorOf(
            Messages(Address(1)), Messages(Link(AnyFamily, index: 5), Address(1, DeleteAddress)), ScriptedTransport.Errno(Errno.EINTR));
        HeardChanges<RoutingChange> heard = monitor.Wait(_noWait);
        Assert.False(heard.WereLost);
        Assert.Equal(["+10.0.0.1", "+5", "-10.0.0.1"], heard.Changes.Select(Text));
        Assert.Empty(monitor.Wait(_noWait).Changes);
    }

    [Fact]
    public void Rules_are_told()
    {
        using ChangeMonitor<RoutingChange> monitor = MonitorOf(
            Messages(Message(DeleteRule, [IPv4, 0, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0, 8, 0, 6, 0, 77, 0, 0, 0])));
        RuleChange change = Assert.IsType<RuleChange>(Assert.Single(monitor.Wait(_noWait).Changes));
        Assert.Equal((77u, true), (change.Rule.Priority, change.IsGone));
    }

    [Fact]
    public void Parameters_of_links_are_told()
    {
        using ChangeMonitor<RoutingChange> monitor = MonitorOf(Messages(Message(80, [IPv4, 0, 0, 0]), Message(80, [10, 0, 0, 0])));
        Assert.IsType<ParameterChange>(Assert.Single(monitor.Wait(_noWait).Changes));
    }

    /// <summary>Messages of nf_tables: a new rule, the end of a batch, and one that names no table.</summary>
    [Fact]
    public void Changes_of_tables_are_told()
    {
        using ChangeMonitor<TableChange> monitor = TableMonitorOf(
            Messages(Message(0x0a06, [1, 0, 0, 0, 6, 0, 1, 0, (byte)'t', 0, 0, 0]), Message(0x0a0f, [0, 0, 0, 0, 8, 0, 1, 0, 0, 0, 0, 9])));
        Assert.Equal([new TableChange(TableFamily.Inet, "t", Port: 0)], monitor.Wait(_noWait).Changes);
        using ChangeMonitor<TableChange> malformed = TableMonitorOf(Messages(Message(0x0a06, [1, 0, 0, 0])));
        Assert.Equal(Errno.EPROTO, Assert.Throws<NetlinkException>(() => malformed.Wait(_noWait)).Number);
    }

    /// <summary>A link that leaves its bridge is told of by a message as if it were deleted.</summary>
    [Fact]
    public void Messages_about_something_else_are_not_told()
    {
        using ChangeMonitor<RoutingChange> monitor = MonitorOf(
            Messages(Link(Bridge, index: 5), Message(68, [IPv4, 0, 0, 0]), Error(0), Address(1)));
        Assert.Equal(["+10.0.0.1"], monitor.Wait(_noWait).Changes.Select(Text));
    }

    /// <summary>What is queued when changes are lost is older than these, and would be taken for news after reading everything.</summary>
    [Fact]
    public void Lost_changes_are_told_and_older_ones_discarded()
    {
        using ChangeMonitor<RoutingChange> monitor = MonitorOf(
            Messages(Address(1)), ScriptedTransport.Errno(Errno.ENOBUFS), Messages(Address(2)), ScriptedTransport.Errno(Errno.EAGAIN),
            Messages(Address(3)));
        HeardChanges<RoutingChange> heard = monitor.Wait(_noWait);
        Assert.True(heard.WereLost);
        Assert.Empty(heard.Changes);
        heard = monitor.Wait(_noWait);
        Assert.False(heard.WereLost);
        Assert.Equal(["+10.0.0.3"], heard.Changes.Select(Text));
    }

    [Fact]
    public void A_change_that_is_cut_off_is_lost()
    {
        using ChangeMonitor<RoutingChange> monitor = MonitorOf(Messages(Address(1)), Bytes(new byte[40_000]));
        HeardChanges<RoutingChange> heard = monitor.Wait(_noWait);
        Assert.True(heard.WereLost);
        Assert.Empty(heard.Changes);
    }

    [Fact]
    public void A_wait_ends_even_if_changes_do_not()
    {
        using ChangeMonitor<RoutingChange> monitor = MonitorOf([.. Enumerable.Repeat(Messages(Address(1)), 1_001)]);
        Assert.Equal(1_000, monitor.Wait(_noWait).Changes.Count);
        Assert.Single(monitor.Wait(_noWait).Changes);
    }

    /// <summary>A flood is told of as lost until all of it is discarded.</summary>
    [Fact]
    public void A_flood_stays_lost_in_the_next_wait()
    {
        using ChangeMonitor<RoutingChange> monitor = MonitorOf(
            [ScriptedTransport.Errno(Errno.ENOBUFS), .. Enumerable.Repeat(Messages(Address(1)), 1_001)]);
        Assert.Equal([true, true, false], Enumerable.Range(0, 3).Select(_ => monitor.Wait(_noWait)).Select(heard => heard.WereLost));
    }

    [Fact]
    public void A_refusal_or_a_malformed_message_is_an_error()
    {
        using ChangeMonitor<RoutingChange> refused = MonitorOf(ScriptedTransport.Errno(Errno.EPERM));
        Assert.Equal(Errno.EPERM, Assert.Throws<NetlinkException>(() => refused.Wait(_noWait)).Number);
        using ChangeMonitor<RoutingChange> malformed = MonitorOf(Messages(Message(NewLink, [])));
        Assert.Equal(Errno.EPROTO, Assert.Throws<NetlinkException>(() => malformed.Wait(_noWait)).Number);
    }

    private static ChangeMonitor<RoutingChange> MonitorOf(params Answer[] script) =>
        new(new ScriptedTransport(script), "monitor", RoutingChange.Read);

    private static ChangeMonitor<TableChange> TableMonitorOf(params Answer[] script) =>
        new(new ScriptedTransport(script), "monitor", TableChange.Read);

    private static Func<uint, byte[]> Address(byte last, ushort type = NewAddress) =>
        Message(type, [IPv4, 32, 0, 0, 2, 0, 0, 0, 8, 0, 2, 0, 10, 0, 0, last]);

    private static Func<uint, byte[]> Link(byte family, byte index) =>
        Message(family == Bridge ? (ushort)(NewLink + 1) : NewLink, [family, 0, 0, 0, index, .. new byte[11]]);

    private static string Text(RoutingChange change) => (change.IsGone ? "-" : "+") + change switch
    {
        LinkChange link => $"{link.Link.Index}",
        AddressChange address => $"{address.Address.Address}",
        _ => "?",
    };
}
