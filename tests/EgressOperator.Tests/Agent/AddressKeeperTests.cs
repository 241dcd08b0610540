using System.Collections.Immutable;
using System.Net;
using EgressOperator.Agent;
using EgressRouter.State;
using Netlink;
using Serilog.Core;
using Shared;

namespace EgressOperator.Tests.Agent;

/// <summary>When an agent takes an address, and when it lets go.</summary>
public class AddressKeeperTests
{
    private static readonly IPAddress _address = IPAddress.Parse("192.0.2.100");

    private readonly HashSet<IPAddress> _wanted = [_address];

    private readonly List<string> _asked = [];

    private readonly AddressKeeper _keeper;

    private Func<ImmutableArray<AddressConflict>> _answer = () => [];

    private int _woken;

    public AddressKeeperTests() => _keeper = new AddressKeeper(
        (link, addresses, _, _) =>
        {
            _asked.Add($"{link} {string.Join(' ', addresses)}");
            return _answer();
        },
        Logger.None,
        TimeProvider.System,
        () => Interlocked.Increment(ref _woken),
        CancellationToken.None);

    [Fact]
    public void An_address_is_taken_after_nobody_has_answered_and_kept_without_asking_again()
    {
        Step();
        Assert.Empty(_keeper.Held);
        UntilAnswered();
        Step();
        Step();
        Assert.Equal([_address], _keeper.Held);
        Assert.Equal(["eth0 192.0.2.100"], _asked);
        _wanted.Clear();
        Step();
        Assert.Empty(_keeper.Held);
    }

    [Fact]
    public void An_address_of_another_machine_is_not_taken_and_asked_for_again()
    {
        _answer = () => [new AddressConflict(_address, new MacAddress(1), IsProbing: false)];
        for (int attempt = 1; attempt <= 2; attempt++)
        {
            Step();
            UntilAnswered(attempt);
            Step();
            Assert.Empty(_keeper.Held);
            Assert.InRange(_keeper.UntilNext.TotalSeconds, 0.5, 1);
            Thread.Sleep(_keeper.UntilNext + TimeSpan.FromMilliseconds(20));
        }

        // A node that is about to let go answers too: only who still answers after a while is told of.
        Assert.Empty(_keeper.Conflicts);
        _answer = () => [];
        Step();
        UntilAnswered(3);
        Step();
        Assert.Equal([_address], _keeper.Held);
    }

    [Fact]
    public void Without_an_answer_from_the_link_nothing_is_taken()
    {
        _answer = () => throw new NetlinkException("ask", Errno.ENETDOWN);
        Step();
        UntilAnswered();
        Step();
        Assert.Empty(_keeper.Held);
    }

    [Fact]
    public void What_the_kernel_has_is_adopted_and_kept_while_another_still_seems_to_hold_it()
    {
        _keeper.Adopt([_address]);
        _wanted.Clear();
        _keeper.Step(_wanted, new HashSet<IPAddress> { _address }, _ => "eth0");
        Assert.Equal([_address], _keeper.Held);
        Assert.Empty(_asked);
        _keeper.Step(_wanted, new HashSet<IPAddress>(), _ => "eth0");
        Assert.Empty(_keeper.Held);
    }

    [Fact]
    public void An_address_without_a_link_waits()
    {
        _keeper.Step(_wanted, _wanted, _ => null);
        Assert.Empty(_asked);
        Assert.Empty(_keeper.Held);
    }

    private void Step() => _keeper.Step(_wanted, _wanted, _ => "eth0");

    private void UntilAnswered(int times = 1) => Eventually.IsTrue(() => Volatile.Read(ref _woken) >= times, "no answer");
}
