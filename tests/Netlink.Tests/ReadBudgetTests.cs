using static Netlink.Tests.ScriptedTransport;

namespace Netlink.Tests;

/// <summary>Dumps of a namespace that its owner has filled: the kept objects and the time are limited.</summary>
public class ReadBudgetTests
{
    private const int MessageBytes = 4;

    private static readonly TimeSpan _long = TimeSpan.FromHours(1);

    [Fact]
    public void More_than_may_be_kept_is_an_error_that_names_the_list_and_the_socket_begins_anew()
    {
        var transport = new ScriptedTransport(Messages(Item(), Item(), Item()), Messages(Item(), Done()));
        var socket = new NetlinkSocket(transport, new ReadBudget(2 * (MessageBytes + ReadBudget.ObjectBytes), _long));
        NetlinkException refused = Assert.Throws<NetlinkException>(() => socket.Ask(List(isKept: true)));
        Assert.Equal(Errno.E2BIG, refused.Number);
        Assert.Equal("list: the namespace holds more than the 0 MiB that are read of one (E2BIG)", refused.Message);
        Assert.Equal(1, transport.Reopened);
        // The next dump has the whole budget.
        socket.Ask(List(isKept: true));
    }

    [Fact]
    public void What_is_not_kept_may_be_any_number()
    {
        var socket = new NetlinkSocket(
            new ScriptedTransport(Messages([.. Enumerable.Repeat(Item(), 100), Done()])), new ReadBudget(0, _long));
        socket.Ask(List(isKept: false));
    }

    [Fact]
    public void A_list_that_is_read_again_counts_once_and_all_lists_count_together_until_the_next_reading()
    {
        var budget = new ReadBudget(2 * (MessageBytes + ReadBudget.ObjectBytes), _long);
        NetlinkSocket Socket(params Answer[] script) => new(new ScriptedTransport(script), budget);
        Socket(Messages(Item(), Done(2 | 0x10)), Messages(Item(), Done(2 | 0x10)), Messages(Item(), Done())).Ask(List(isKept: true));
        Socket(Messages(Item(), Done())).Ask(List(isKept: true));
        Assert.Throws<NetlinkException>(() => Socket(Messages(Item(), Done())).Ask(List(isKept: true)));
        budget.Restart();
        Socket(Messages(Item(), Item(), Done())).Ask(List(isKept: true));
    }

    [Fact]
    public void A_list_that_takes_too_long_is_an_error()
    {
        var transport = new ScriptedTransport([.. Enumerable.Repeat(Messages(Item()), 1_000)]);
        var socket = new NetlinkSocket(transport, new ReadBudget(long.MaxValue, TimeSpan.FromMilliseconds(20)));
        NetlinkRequest slow = List(isKept: false, () => Thread.Sleep(5));
        NetlinkException refused = Assert.Throws<NetlinkException>(() => socket.Ask(slow));
        Assert.Equal("list: reading this namespace has taken more than 0.02 s (ETIMEDOUT)", refused.Message);
        Assert.True(transport.Left > 900);
        Assert.Equal(1, transport.Reopened);
    }

    [Fact]
    public void Single_objects_and_sockets_without_a_budget_are_not_bounded()
    {
        NetlinkRequest one = NetlinkRequest.Get("one", [], _ => { });
        one.Request.BeginMessage(18, 0);
        one.Request.EndMessage();
        new NetlinkSocket(new ScriptedTransport(Messages(Item(flags: 0))), new ReadBudget(0, TimeSpan.Zero)).Ask(one);
        new NetlinkSocket(new ScriptedTransport(Messages(Item(), Done()))).Ask(List(isKept: true));
    }

    private static Func<uint, byte[]> Item(ushort flags = 2) => Message(16, new byte[MessageBytes], flags);

    private static NetlinkRequest List(bool isKept, Action? each = null)
    {
        NetlinkRequest list = NetlinkRequest.Dump("list", () => { }, _ =>
        {
            each?.Invoke();
            return isKept;
        });
        list.Request.BeginMessage(18, 0);
        list.Request.EndMessage();
        return list;
    }
}
