using System.Collections.Immutable;
using System.Net;
using EgressDataPath.Kernel;
using EgressOperator.Agent;
using Netlink;
using Serilog.Events;

namespace EgressOperator.Hold;

/// <summary>Does what <see cref="PairState"/> decides: one thread runs <see cref="Run"/>, others tell what has happened.</summary>
internal sealed class Holder : IDisposable
{
    private static readonly ImmutableHashSet<IPAddress> _nothing = [];

    private static readonly TimeSpan _longestStep = TimeSpan.FromSeconds(2);

    private readonly HoldContext _context;

    private readonly AddressKernel _kernel;

    private readonly AddressKeeper _keeper;

    private readonly AnnouncementSchedule _announcements;

    private readonly ImmutableHashSet<IPAddress> _shared;

    private readonly AutoResetEvent _woken = new(initialState: false);

    private readonly Lock _lock = new();

    /// <summary>Until then this process respects a promise of which it does not know.</summary>
    private readonly TimeSpan _begins;

    private PairState _state;

    /// <summary>The authority for which the addresses have their lifetime.</summary>
    private TimeSpan? _aliveFor;

    private volatile ImmutableHashSet<IPAddress> _held = [];

    private volatile bool _announceAgain;

    private string? _fault;

    private long _steppedAt;

    public Holder(HoldContext context, CancellationToken stop)
    {
        _context = context;
        _shared = [.. context.Addresses.Select(shared => shared.Address)];
        _kernel = new AddressKernel(context);
        var neighborhood = new Neighborhood(context.Network, context.Log);
        _announcements = new AnnouncementSchedule(neighborhood, context.Clock);
        _keeper = new AddressKeeper(
            (link, addresses, window, end) =>
            {
                ImmutableArray<EgressRouter.State.AddressConflict> conflicts = neighborhood.Ask(link, addresses, window, end);
                context.Metrics.Conflicting(conflicts.Length);
                return conflicts;
            },
            context.Log, context.Clock, () => _woken.Set(), stop, Probing, LogEventLevel.Debug);
        // The Lease names a process: one that starts again is another, which knows nothing of promises that the last one gave.
        _begins = context.Now + context.Timing.Respect;
        _state = new PairState(context.Timing, $"{context.Pod}_{Guid.NewGuid():N}", _begins);
        _steppedAt = context.Now.Ticks;
        _kernel.Remove();
    }

    /// <summary>Told when this pod has let go: the peer need not wait.</summary>
    public event Action? LetGo;

    /// <summary>Told when this pod begins to take the addresses.</summary>
    public event Action? Took;

    /// <summary>Told when it has them.</summary>
    public event Action? Taken;

    public PairState State
    {
        get
        {
            lock (_lock)
            {
                return _state;
            }
        }
    }

    /// <summary>Whether the thread that works has not come back for so long that the addresses have lost their lifetime.</summary>
    public bool IsStuck => _context.Now > TimeSpan.FromTicks(Volatile.Read(ref _steppedAt)) + _longestStep;

    /// <summary>The shared addresses that this pod has.</summary>
    public ImmutableHashSet<IPAddress> Held => _held;

    /// <summary>Why the pod neither serves nor could; null if it does or could.</summary>
    public string? NotReady
    {
        get
        {
            lock (_lock)
            {
                return _fault ?? (!_state.IsLinkHealthy ? $"{_context.Interface} does not reach the egress network"
                    : _state.IsRefused ? "the kernel refuses the addresses"
                    : _state.IsHolding ? (!HasAll ? "the addresses are not taken yet"
                        : !IsEndpoint ? "the EndpointSlices are not written" : null)
                    : _context.Now < _begins ? "the process has just started"
                    : _state.LeaseVersion is null ? "the API server was not reached yet"
                    : _state.IsApiAway && !(_context.Now < _state.PeerHeardAt + _context.Timing.Fresh)
                        ? "neither the API server nor the other pod is reached"
                    : null);
            }
        }
    }

    /// <summary>Whether clients are led to this pod, since it has begun to hold the addresses.</summary>
    public bool IsEndpoint { get; set; }

    /// <summary>Whether this pod was told to end while it held the addresses, or was about to.</summary>
    public bool HeldUntilStopped { get; private set; }

    private bool HasAll => _held.Count == _shared.Count;

    /// <summary>
    /// Of a takeover, all connections wait for it. Another machine may be the peer whose kernel is about to remove the address.
    /// </summary>
    private static ProbeTiming Probing { get; } = new()
    {
        Window = TimeSpan.FromMilliseconds(100),
        Soon = TimeSpan.FromMilliseconds(250),
        Again = TimeSpan.FromMilliseconds(250),
        // Far less than the time after which the thread counts as stuck.
        Idle = TimeSpan.FromMilliseconds(250),
    };

    /// <summary>Tells what has happened, at the present time.</summary>
    public void Change(Func<PairState, TimeSpan, PairState> change)
    {
        lock (_lock)
        {
            _state = change(_state, _context.Now);
        }

        _woken.Set();
    }

    /// <summary>Tells the neighbors again: while the link was cut they may have missed it.</summary>
    public void AnnounceAgain()
    {
        _announceAgain = true;
        _woken.Set();
    }

    /// <summary>Works until it is stopped and has let go, in the calling thread.</summary>
    public void Run(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            WaitHandle.WaitAny([_woken, stop.WaitHandle], Step());
        }

        HeldUntilStopped = State.IsHolding;
        Change((state, _) => state with { IsStopping = true });
        Step();
    }

    public void Dispose()
    {
        _kernel.Dispose();
        _woken.Dispose();
    }

    /// <returns>How long to wait for an event.</returns>
    private TimeSpan Step()
    {
        ImmutableHashSet<IPAddress> before = _held;
        bool takes;
        TimeSpan next;
        lock (_lock)
        {
            TimeSpan now = _context.Now;
            EndIfNeeded(now);
            takes = _state.MayTake(now);
            _state = takes ? _state.Took() : _state;
            ImmutableHashSet<IPAddress> wanted = _state.IsHolding || _state.Prepares(now) ? _shared : [];
            _keeper.Step(wanted, kept: _nothing, unassigned: _nothing, _ => _context.Interface);
            KeepAlive();
            now = _context.Now;
            next = _state.NextChange(now) - now;
            Volatile.Write(ref _steppedAt, now.Ticks);
        }

        if (takes)
        {
            Took?.Invoke();
        }

        if (_held.IsEmpty && !before.IsEmpty)
        {
            LetGo?.Invoke();
        }
        else if (HasAll && before.Count < _held.Count)
        {
            Taken?.Invoke();
        }

        if (_announceAgain)
        {
            _announceAgain = false;
            _announcements.Forget();
        }

        _announcements.Set(_held.Select(address => (address, _context.Interface)));
        TimeSpan pause = new[] { next, _announcements.UntilNext, _keeper.UntilNext, _context.Timing.Renew }.Min();
        return pause > TimeSpan.Zero ? TimeSpan.FromMilliseconds(Math.Ceiling(pause.TotalMilliseconds)) : TimeSpan.Zero;
    }

    /// <summary>Removes the addresses without authority. As long as the kernel does not, this pod gives nothing up.</summary>
    private void EndIfNeeded(TimeSpan now)
    {
        if (!_state.IsHolding || _state.MayHold(now) || !Try(_kernel.Remove))
        {
            return;
        }

        if (!_held.IsEmpty)
        {
            (string reason, string text) = _state.IsStopping ? ("stopping", "the process ends")
                : _state.IsUnfit(now) && _state.IsRefused ? ("kernel", "the kernel refuses them, and the other pod can serve")
                : _state.IsUnfit(now) ? ("link", "the egress network is not reached, and the other pod can serve")
                : ("authority", "the Lease was not renewed in time, and the other pod has promised nothing");
            _context.Metrics.Lost(reason);
            _context.Log.Warning("the shared addresses are let go: {Reason:l}", [text]);
        }

        (_state, _held, _aliveFor) = (_state.LetGo(), [], null);
    }

    /// <summary>Adds the addresses that nobody else has, and begins the lifetime of the others anew whenever authority is new.</summary>
    private void KeepAlive()
    {
        TimeSpan? authority = _state.Authority;
        ImmutableHashSet<IPAddress> wanted = _keeper.Held;
        if ((authority == _aliveFor && wanted.SetEquals(_held)) || wanted.IsEmpty || !_state.MayAdd(_context.Now))
        {
            return;
        }

        bool isSet = Try(() => _kernel.Set(wanted));
        _state = _state with { IsRefused = !isSet };
        // The process may have paused since the check. Without authority the addresses go, and are not announced.
        EndIfNeeded(_context.Now);
        if (!isSet || !_state.IsHolding)
        {
            return;
        }

        if (_held.IsEmpty)
        {
            _context.Metrics.Taken();
            _context.Log.Information("the shared addresses are taken", []);
        }

        (_held, _aliveFor) = (wanted, authority);
    }

    private bool Try(Action work)
    {
        try
        {
            work();
            _fault = null;
            return true;
        }
        catch (NetlinkException failure)
        {
            if (_fault != failure.Message)
            {
                _context.Log.Error("{Failure:l}", [failure.Message]);
            }

            _fault = failure.Message;
            return false;
        }
    }
}
