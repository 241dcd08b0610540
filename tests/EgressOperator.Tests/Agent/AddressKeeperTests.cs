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

    private static readonly MacAddress _other = new(1);

    private readonly HashSet<IPAddress> _unassigned = [];

    private readonly List<string> _asked = [];

    private AddressKeeper _keeper;

    private string? _link = "eth0";

    private Func<ImmutableArray<AddressConflict>> _answer = () => [];

    private int _woken;

    public AddressKeeperTests() => _keeper = Keeper(timing: null);

    private AddressKeeper Keeper(ProbeTiming? timing) => new(
        (link, addresses, _, _) =>
        {
            _asked.Add($"{link} {string.Join(' ', addresses)}");
            return _answer();
        },
        Logger.None,
        TimeProvider.System,
        () => Interlocked.Increment(ref _woken),
        CancellationToken.None,
        timing);

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
        _answer = () => [new AddressConflict(_address, _other, IsProbing: false)];
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
        Assert.InRange(_keeper.UntilNext.TotalSeconds, 0.5, 1);
    }

    /// <summary>Each step of an agent reads the kernel.</summary>
    [Fact]
    public void While_an_answer_is_awaited_and_without_a_link_nothing_is_to_be_done()
    {
        using var answer = new ManualResetEventSlim();
        _answer = () =>
        {
            answer.Wait();
            return [new AddressConflict(_address, _other, IsProbing: false)];
        };
        Step();
        Assert.Equal(60, _keeper.UntilNext.TotalSeconds);
        answer.Set();
        UntilAnswered();
        _link = null;
        Step();
        Assert.Equal(60, _keeper.UntilNext.TotalSeconds);
        _link = "eth0";
        Step();
        Assert.InRange(_keeper.UntilNext.TotalSeconds, 0, 1);
    }

    [Fact]
    public void What_the_kernel_has_is_adopted_and_kept_while_another_still_seems_to_hold_it()
    {
        _keeper.Adopt([_address]);
        _wanted.Clear();
        Step(new HashSet<IPAddress> { _address });
        Assert.Equal([_address], _keeper.Held);
        Assert.Empty(_asked);
        Step(new HashSet<IPAddress>());
        Assert.Empty(_keeper.Held);
    }

    [Fact]
    public void An_address_without_a_link_waits()
    {
        _link = null;
        Step();
        Assert.Empty(_asked);
        Assert.Empty(_keeper.Held);
    }

    /// <summary>The controller takes the address away from the node. That is not the end of the conflict.</summary>
    [Fact]
    public void A_conflict_is_known_without_a_node_until_the_address_is_free()
    {
        UntilConflict();
        _wanted.Clear();
        _unassigned.Add(_address);
        StepUntil(() => _asked.Count > 12);
        Assert.Equal(_address, Assert.Single(_keeper.Conflicts).Address);
        _answer = () => [];
        StepUntil(() => _keeper.Conflicts.IsEmpty);
        Assert.Empty(_keeper.Held);

        _wanted.Add(_address);
        StepUntil(() => !_keeper.Held.IsEmpty);
    }

    [Theory]
    [InlineData(true, "eth0")]
    [InlineData(false, null)]
    public void A_conflict_is_forgotten_if_another_node_has_the_address_or_no_link_fits(bool isAssigned, string? link)
    {
        UntilConflict();
        _wanted.Clear();
        if (!isAssigned)
        {
            _unassigned.Add(_address);
        }

        _link = link;
        Step();
        Assert.Empty(_keeper.Conflicts);
    }

    /// <summary>What is free by the time of the answer may be another node's by then.</summary>
    [Fact]
    public void An_address_that_is_no_longer_wanted_is_not_taken()
    {
        Step();
        UntilAnswered();
        _wanted.Clear();
        Step(new HashSet<IPAddress> { _address });
        Assert.Empty(_keeper.Held);
    }

    private void UntilConflict()
    {
        _keeper = Keeper(new ProbeTiming { Soon = TimeSpan.FromMilliseconds(1), Again = TimeSpan.FromMilliseconds(1) });
        _answer = () => [new AddressConflict(_address, _other, IsProbing: false)];
        StepUntil(() => !_keeper.Conflicts.IsEmpty);
    }

    private void StepUntil(Func<bool> isReached) => Eventually.IsTrue(
        () =>
        {
            Step();
            return isReached();
        },
        "it is not reached");

    private void Step() => Step(_wanted);

    private void Step(IReadOnlySet<IPAddress> kept) => _keeper.Step(_wanted, kept, _unassigned, _ => _link);

    private void UntilAnswered(int times = 1) => Eventually.IsTrue(() => Volatile.Read(ref _woken) >= times, "no answer");
}
