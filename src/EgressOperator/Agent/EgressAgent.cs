using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using EgressDataPath.Desired;
using EgressDataPath.Kernel;
using EgressIp;
using EgressOperator.Agent.Handover;
using EgressOperator.Controller;
using Netlink;

namespace EgressOperator.Agent;

/// <summary>
/// The work on a node. Whenever the cluster, the other agents or the kernel change, all is decided anew: which addresses this node takes
/// and releases, and what its kernel is to have.
/// </summary>
internal sealed class EgressAgent : IDisposable
{
    /// <summary>Changes within this time make one step.</summary>
    private static readonly TimeSpan _gathering = TimeSpan.FromMilliseconds(10);

    /// <summary>The kernel is compared at least this often, also if no monitor has told of a change.</summary>
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(30);

    /// <summary>A step that failed is tried again.</summary>
    private static readonly TimeSpan _retry = TimeSpan.FromSeconds(1);

    private readonly AgentContext _context;

    private readonly AutoResetEvent _woken = new(initialState: false);

    private readonly NodeKernel _kernel;

    private readonly AddressKeeper _keeper;

    private readonly DutiesOfNode _duties;

    private readonly PeerLog _peerLog;

    private readonly AnnouncementSchedule _announcements;

    private readonly CancellationToken _stop;

    private readonly ConcurrentQueue<TaskCompletionSource> _waiting = [];

    /// <summary>Those who wait for this step, or for the next one if it fails.</summary>
    private readonly List<TaskCompletionSource> _due = [];

    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private bool _isDraining;

    private bool _hasAdopted;

    /// <summary>The addresses that the kernel had after the newest step.</summary>
    private ImmutableHashSet<IPAddress> _held = [];

    public EgressAgent(AgentContext context, CancellationToken stop)
    {
        (_context, _stop) = (context, stop);
        _kernel = new NodeKernel(context.Namespace, context.Settings, context.Log);
        Connections = new ConnectionCarrier(context, _kernel, Wake);
        _kernel.Released = Connections.HandOver;
        var neighborhood = new Neighborhood(context.Namespace, context.Log);
        _keeper = new AddressKeeper(neighborhood.Ask, context.Log, context.Clock, Wake, stop);
        _announcements = new AnnouncementSchedule(neighborhood, context.Clock);
        _duties = new DutiesOfNode(context.Node, context.Excluded);
        _peerLog = new PeerLog(context.Log);
    }

    /// <summary>Carries connections along when an egress address moves.</summary>
    public ConnectionCarrier Connections { get; }

    /// <summary>Whether the kernel is as the newest step wants it.</summary>
    public bool IsReady { get; private set; }

    /// <summary>Why the newest step has failed; null if it has not.</summary>
    public string? Fault { get; private set; }

    /// <summary>Why the kernel is not as it is to be; null if it is.</summary>
    public string? NotReady => IsReady ? null : Fault ?? "the agent has just started";

    /// <summary>The addresses of pods in the kernel's maps, by the newest step that has succeeded.</summary>
    public ImmutableHashSet<IPAddress> Served { get; private set; } = [];

    /// <summary>Ends when the node holds no addresses any more, after <see cref="BeginDrain"/>.</summary>
    public Task Drained => _drained.Task;

    /// <summary>Asks the controller to give the addresses of this node to others.</summary>
    /// <returns>Whether this is the first time.</returns>
    public bool BeginDrain()
    {
        bool isFirst = !Interlocked.Exchange(ref _isDraining, true);
        Wake();
        return isFirst;
    }

    /// <summary>Something may be different now.</summary>
    public void Wake() => _woken.Set();

    /// <summary>Ends when a step has succeeded that has begun after this call.</summary>
    public Task NextStepAsync()
    {
        var step = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting.Enqueue(step);
        Wake();
        return step.Task;
    }

    /// <summary>Works until it is stopped, in the calling thread.</summary>
    public void Run()
    {
        TimeSpan pause = TimeSpan.Zero;
        while (!_stop.IsCancellationRequested)
        {
            if (WaitHandle.WaitAny([_woken, _stop.WaitHandle], pause) == 0)
            {
                _stop.WaitHandle.WaitOne(_gathering);
            }

            pause = Step();
        }
    }

    public void Dispose()
    {
        _kernel.Dispose();
        _woken.Dispose();
    }

    /// <returns>How long to wait for a change.</returns>
    private TimeSpan Step()
    {
        try
        {
            while (_waiting.TryDequeue(out TaskCompletionSource? waiting))
            {
                _due.Add(waiting);
            }

            Decide();
            (IsReady, Fault) = (true, null);
            _due.ForEach(waiting => waiting.SetResult());
            _due.Clear();
            return new[] { _keeper.UntilNext, _announcements.UntilNext, _longestPause }.Min();
        }
        catch (Exception fault) when (fault is NetlinkException or NumbersExhaustedException or CollisionException)
        {
            IsReady = false;
            LetGo();
            _context.Reporter.ReportFault(fault.Message);
            if (fault.Message != Fault)
            {
                _context.Log.Error("the node is not as it is to be: {Fault:l}", [fault.Message]);
                Fault = fault.Message;
            }

            return _retry;
        }
    }

    /// <summary>Two nodes must never have one address, not even if this one can do nothing else.</summary>
    private void LetGo()
    {
        try
        {
            _kernel.LetGo(_keeper.Held);
        }
        catch (NetlinkException failure)
        {
            _context.Log.Error("egress addresses stay that the node is not to hold: {Failure:l}", [failure.Message]);
        }
    }

    private void Decide()
    {
        long began = _context.Clock.GetTimestamp();
        NodeNetworks networks = _kernel.ReadNetworks();
        if (!_hasAdopted)
        {
            _keeper.Adopt(_kernel.Observe().Addresses.Select(address => address.Address));
            _held = _keeper.Held;
            _hasAdopted = true;
        }

        IReadOnlyDictionary<string, WatchedNode> nodes = _context.Cache.Nodes;
        CopyPods(nodes.GetValueOrDefault(_context.Node));
        WatchedEgressIP[] watched = [.. _context.Cache.EgressIPs.Objects.OfType<WatchedEgressIP>()];
        Connections.Take();
        _context.Peers.SetPeers();
        PeerView peers = _context.Peers.View();
        Cluster cluster = _context.Pods.Apply(() => _context.Cache.Snapshot(watched.Select(one => one.Source)));
        _context.Owners?.Set(cluster.Pods);
        var view = ClusterView.Of(cluster, watched.ToDictionary(one => one.Source.Name), nodes, peers);

        ViewedAddress[] all = [.. view.Objects.SelectMany(served => served.Addresses)];
        ViewedAddress[] own = [.. all.Where(address => address.Owner == _context.Node)];
        bool isAlone = _context.Peers.IsIsolated;
        _peerLog.Tell(peers.Missing, peers.Dead, isAlone);
        HashSet<IPAddress> kept = [.. own.Where(_ => !isAlone).Select(address => address.Address)];
        bool mayTake = !isAlone && _context.Peers.MayTake && _context.Cache.AllPods.IsCompletedSuccessfully;
        HashSet<IPAddress> free = [.. own.Where(address => mayTake
            && (address.Holder is null || address.Holder == _context.Node || peers.Dead.Contains(address.Holder)))
            .Select(address => address.Address)];
        HashSet<IPAddress> unassigned = [.. all.Where(address => address.Owner is null).Select(address => address.Address)];
        _keeper.Step(free, kept, unassigned, networks.LinkFor);

        Connections.View = view;
        Duties duties = _duties.Of(view, networks, _keeper.Held);
        IPAddress? tunnel = nodes.GetValueOrDefault(_context.Node)?.Tunnel;
        ImmutableArray<Step> steps = _kernel.Reconcile(duties, TunnelMtu(networks, tunnel));
        _context.Metrics.Reconciled(steps.Length);
        Count(duties.Held, began);
        Connections.Give(duties);
        Served = [.. duties.Objects.SelectMany(served => served.Pods)];
        ImmutableArray<HeldAddress> held = duties.Held;
        _announcements.Set(held.Select(address => (address.Address, address.Link)));
        ImmutableArray<(IPAddress Address, MacAddress Mac)> conflicts =
            [.. _keeper.Conflicts.Where(conflict => !IsHeldElsewhere(peers, conflict.Address))];
        Publish(view, networks, held, conflicts);
        _context.Metrics.Serves(Served.Count, _held, conflicts.Select(conflict => conflict.Address));
        // Nobody would lead this node's pods to the next holder later.
        if (_isDraining && held.IsEmpty && own.Length == 0
            && view.Objects.Where(served => served.Members.Any(member => member.Node == _context.Node))
            .All(served => served.Addresses.All(address => address.Owner == address.Holder)))
        {
            _drained.TrySetResult();
        }
    }

    private void Count(ImmutableArray<HeldAddress> held, long began)
    {
        ImmutableHashSet<IPAddress> now = [.. held.Select(address => address.Address)];
        foreach (IPAddress taken in now.Except(_held))
        {
            _context.Metrics.Assigned(_keeper.WantedFor(taken));
        }

        foreach (IPAddress released in _held.Except(now))
        {
            _context.Metrics.Unassigned(_context.Clock.GetElapsedTime(began));
        }

        _held = now;
    }

    /// <summary>
    /// An egress node serves pods of all nodes. One that has addresses already waits for these pods, so that it does not drop any.
    /// </summary>
    private void CopyPods(WatchedNode? own)
    {
        if (own?.Node.IsAssignable == true || _keeper.Held.Count > 0)
        {
            _context.Cache.CopyAllPods();
        }

        if (_keeper.Held.Count > 0)
        {
            _context.Cache.AllPods.Wait(_stop);
        }
    }

    private void Publish(
        ClusterView view, NodeNetworks networks, ImmutableArray<HeldAddress> held,
        ImmutableArray<(IPAddress Address, MacAddress Mac)> conflicts)
    {
        Takeover[] taken = [.. held.Select(address => (address.Address, From: TakenFrom(view, address.Address)))
            .Where(one => one.From is not null).Select(one => new Takeover(one.Address, one.From!))];
        _context.Peers.SetHoldings([.. held.Select(address =>
            new HeldBy(address.Address, taken.FirstOrDefault(one => one.Address.Equals(address.Address))?.From))]);
        _context.Reporter.Report(new NodeReport(
            networks.Networks,
            [.. held.Select(address => address.Address)],
            [.. taken],
            conflicts,
            [.. _context.Peers.Missing],
            Fault: null,
            _kernel.Obstacles,
            _isDraining,
            _kernel.Unencrypted));
    }

    /// <summary>
    /// Whether another node has the address, by its last word. Its kernel answers for it also while its agent does not run: that is no
    /// conflict, and the address must not be taken from it.
    /// </summary>
    private bool IsHeldElsewhere(PeerView peers, IPAddress address) => peers.Holdings.Any(
        node => node.Key != _context.Node && node.Value.Any(held => held.Address.Equals(address)));

    /// <summary>The node that the status still names as the holder of an address that this node has.</summary>
    private string? TakenFrom(ClusterView view, IPAddress address) => view.Objects
        .SelectMany(served => served.Watched.Source.Items)
        .FirstOrDefault(item => item.EgressIP == address.ToString() && item.Node != _context.Node)?.Node;

    /// <summary>What the tunnel leaves of the MTU: outer IP header, UDP and VXLAN with 8 bytes each.</summary>
    private static int TunnelMtu(NodeNetworks networks, IPAddress? tunnel)
    {
        const int ethernet = 1500;
        int underlay = (tunnel is null ? null : networks.MtuAt(tunnel)) ?? ethernet;
        bool isIPv6 = tunnel?.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        return underlay - (isIPv6 ? 56 : 36);
    }
}
