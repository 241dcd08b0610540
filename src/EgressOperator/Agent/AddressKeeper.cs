using System.Collections.Immutable;
using System.Net;
using EgressRouter.State;
using Netlink;
using Serilog;
using Serilog.Events;

namespace EgressOperator.Agent;

/// <summary>
/// Takes the addresses that this node is to hold, after asking its neighbors whether they are free, and lets go of the others. Not
/// thread-safe: only a probe runs beside, and its result is fetched.
/// </summary>
/// <param name="ask">Asks the neighbors of a link who has the addresses.</param>
/// <param name="wake">Called when an answer is there.</param>
internal sealed class AddressKeeper(
    Func<string, ImmutableArray<IPAddress>, TimeSpan, CancellationToken, ImmutableArray<AddressConflict>> ask,
    ILogger log,
    TimeProvider clock,
    Action wake,
    CancellationToken stop,
    ProbeTiming? timing = null,
    LogEventLevel level = LogEventLevel.Information)
{
    private const int SoonAttempts = 10;

    private readonly ProbeTiming _timing = timing ?? new ProbeTiming();

    private readonly Dictionary<IPAddress, State> _states = [];

    private Probe? _running;

    /// <summary>The addresses that this node has taken.</summary>
    public ImmutableHashSet<IPAddress> Held =>
        [.. _states.Where(state => state.Value.IsHeld).Select(state => state.Key)];

    /// <summary>Addresses that another machine has, and its hardware address.</summary>
    public ImmutableArray<(IPAddress Address, MacAddress Mac)> Conflicts =>
        [.. _states.Where(state => state.Value.IsConflict).Select(state => (state.Key, state.Value.Other!.Value))];

    /// <summary>How long this node has had to hold an address.</summary>
    public TimeSpan WantedFor(IPAddress address) => clock.GetElapsedTime(_states[address].Began);

    /// <summary>How long until something is to be done, if nothing changes. The answer to a probe wakes.</summary>
    public TimeSpan UntilNext => (_running is not null ? [] : _states.Values.Where(state => state is { IsHeld: false, Link: not null }))
        .Select(state => state.Next - clock.GetElapsedTime(0)).Append(_timing.Idle).Min() is TimeSpan least && least > TimeSpan.Zero
            ? least : TimeSpan.FromMilliseconds(1);

    /// <summary>Takes over what the kernel has from before this agent started.</summary>
    public void Adopt(IEnumerable<IPAddress> addresses)
    {
        foreach (IPAddress address in addresses)
        {
            _states[address] = new State(clock.GetTimestamp()) { IsHeld = true };
        }
    }

    /// <summary>Lets go of what is not wanted, and goes on with what is.</summary>
    /// <param name="wanted">The addresses that this node is to hold, and that no other node holds.</param>
    /// <param name="kept">The addresses that it keeps if it has them.</param>
    /// <param name="unassigned">
    /// The addresses that no node is to hold. If another machine has one, that is why: its end is waited for, and told.
    /// </param>
    /// <param name="linkOf">The link for an address; null: none fits.</param>
    public void Step(
        IReadOnlySet<IPAddress> wanted, IReadOnlySet<IPAddress> kept, IReadOnlySet<IPAddress> unassigned, Func<IPAddress, string?> linkOf)
    {
        Fetch(wanted);
        foreach (IPAddress gone in _states.Keys.Where(address => !wanted.Contains(address)
            && !(kept.Contains(address) && _states[address].IsHeld)
            && !(unassigned.Contains(address) && _states[address].IsConflict && linkOf(address) is not null)).ToArray())
        {
            if (_states[gone].IsHeld)
            {
                log.Write(level, "egress address {Address:l} is released", [gone.ToString()]);
            }

            _states.Remove(gone);
        }

        foreach (IPAddress address in wanted.Where(address => !_states.ContainsKey(address)))
        {
            _states.Add(address, new State(clock.GetTimestamp()));
        }

        if (_running is null)
        {
            Begin(linkOf);
        }
    }

    private void Begin(Func<IPAddress, string?> linkOf)
    {
        TimeSpan now = clock.GetElapsedTime(0);
        foreach ((IPAddress address, State state) in _states)
        {
            state.Link = linkOf(address);
        }

        ILookup<string, IPAddress> due = _states
            .Where(state => state.Value is { IsHeld: false, Link: not null } && state.Value.Next <= now)
            .ToLookup(state => state.Value.Link!, state => state.Key);
        if (due.Count == 0)
        {
            return;
        }

        Task<ImmutableArray<AddressConflict>> answer = Task.Run(
            () => due.SelectMany(link => ask(link.Key, [.. link], _timing.Window, stop)).ToImmutableArray(), stop);
        _ = answer.ContinueWith(_ => wake(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        _running = new Probe([.. due.SelectMany(link => link)], answer);
    }

    private void Fetch(IReadOnlySet<IPAddress> wanted)
    {
        if (_running is not { Answer.IsCompleted: true } probe)
        {
            return;
        }

        _running = null;
        TimeSpan now = clock.GetElapsedTime(0);
        if (!probe.Answer.IsCompletedSuccessfully)
        {
            log.Warning("egress addresses are not taken: {Failure:l}",
                [probe.Answer.Exception?.GetBaseException().Message ?? "the probe was stopped"]);
        }

        foreach (IPAddress address in probe.Addresses.Where(_states.ContainsKey))
        {
            State state = _states[address];
            if (!probe.Answer.IsCompletedSuccessfully)
            {
                state.Next = now + _timing.Soon;
            }
            else if (probe.Answer.Result.FirstOrDefault(one => one.Address.Equals(address)) is AddressConflict conflict)
            {
                if (state.Attempts is 0 or SoonAttempts)
                {
                    log.Warning("egress address {Address:l} is not taken: {Mac:l} has it", [address.ToString(), conflict.Other.ToString()]);
                }

                state.Other = conflict.Other;
                state.Next = now + (++state.Attempts < SoonAttempts ? _timing.Soon : _timing.Again);
            }
            else if (wanted.Contains(address))
            {
                log.Write(level, "egress address {Address:l} is taken", [address.ToString()]);
                (state.IsHeld, state.Other) = (true, null);
            }
            else
            {
                _states.Remove(address);
            }
        }
    }

    private sealed record Probe(ImmutableArray<IPAddress> Addresses, Task<ImmutableArray<AddressConflict>> Answer);

    private sealed class State(long began)
    {
        public long Began => began;

        public bool IsHeld { get; set; }

        /// <summary>Where to ask for it; null: no link fits, so nobody can be asked.</summary>
        public string? Link { get; set; }

        public MacAddress? Other { get; set; }

        /// <summary>Whether the other machine is no node that is about to let go.</summary>
        public bool IsConflict => Other is not null && Attempts >= SoonAttempts;

        public int Attempts { get; set; }

        public TimeSpan Next { get; set; }
    }
}

/// <summary>The times of <see cref="AddressKeeper"/>.</summary>
internal sealed record ProbeTiming
{
    /// <summary>How long a probe waits for answers. Of a failover, pods' connections wait for it.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>When an address that another machine has is asked for again.</summary>
    public TimeSpan Again { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>The same, if the machine can be a node that is about to let the address go.</summary>
    public TimeSpan Soon { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause if there is nothing to ask for.</summary>
    public TimeSpan Idle { get; init; } = TimeSpan.FromSeconds(60);
}
