using System.Net;
using EgressOperator.Heartbeats;

namespace EgressOperator.Tests.Heartbeats;

/// <summary>Tables that talk over a network which loses, delays and cuts as the test wants. Its time is its own.</summary>
internal sealed class VirtualCluster
{
    private readonly Random _random;
    private readonly PriorityQueue<Action, (TimeSpan, long)> _arrivals = new();
    private readonly HashSet<(string From, string To)> _cuts = [];
    private long _count;

    /// <summary>A cluster of nodes with these names. One that begins with "pod" is not an egress node.</summary>
    public VirtualCluster(int seed, params string[] names)
    {
        _random = new Random(seed);
        Machines = [.. names.Select((name, index) => new VirtualMachine(
            new PeerNode(
                name, [new IPAddress([10, 0, 0, (byte)index])], IsEgressNode: !name.StartsWith("pod", StringComparison.Ordinal),
                IsVoter: true)))];
        foreach (VirtualMachine machine in Machines)
        {
            Start(machine);
        }
    }

    public static HeartbeatTiming Timing => HeartbeatTiming.Default;

    public List<VirtualMachine> Machines { get; }

    /// <summary>Not zero at the start: nothing may depend on that.</summary>
    public TimeSpan Now { get; private set; } = TimeSpan.FromSeconds(1000);

    public double Loss { get; set; }

    public Action AfterEachStep { get; set; } = () => { };

    public int Messages { get; private set; }

    public VirtualMachine this[string name] => Machines.Single(machine => machine.Node.Name == name);

    public void Run(double seconds)
    {
        TimeSpan end = Now + TimeSpan.FromSeconds(seconds);
        while (true)
        {
            VirtualMachine? next = Machines.Where(machine => machine.IsRunning).MinBy(machine => machine.NextStep);
            bool arrives = _arrivals.TryPeek(out _, out (TimeSpan At, long) first) && (next is null || first.At <= next.NextStep);
            TimeSpan at = arrives ? first.At : next?.NextStep ?? end;
            if (at >= end)
            {
                Now = end;
                return;
            }

            Now = at > Now ? at : Now;
            if (arrives)
            {
                _arrivals.Dequeue()();
            }
            else
            {
                Step(next!);
            }

            AfterEachStep();
        }
    }

    /// <summary>Starts the process of a machine, or starts it anew.</summary>
    public void Start(VirtualMachine machine, long? incarnation = null)
    {
        machine.Start(Now, incarnation);
        machine.Table!.SetPeers([.. Machines.Select(one => one.Node)], Now);
    }

    public void Pause(VirtualMachine machine, TimeSpan time) => machine.PausedUntil = Now + time;

    /// <summary>All processes learn at once that a node has changed.</summary>
    public void Change(VirtualMachine machine, Func<PeerNode, PeerNode> change)
    {
        machine.Node = change(machine.Node);
        foreach (VirtualMachine one in Machines.Where(one => one.IsRunning))
        {
            one.Table!.SetPeers([.. Machines.Select(other => other.Node)], Now);
        }

        foreach (VirtualMachine one in Machines.Where(one => one.IsRunning && one.PausedUntil <= Now))
        {
            Step(one);
        }
    }

    public void Hold(string node, params HeldAddress[] addresses)
    {
        this[node].Table!.SetHoldings(addresses);
        Step(this[node]);
    }

    public void Cut(string from, string to) => _cuts.Add((from, to));

    /// <summary>Cuts all links between the nodes of these names and the others.</summary>
    public void Part(params string[] names)
    {
        foreach (string other in Machines.Select(machine => machine.Node.Name).Except(names))
        {
            foreach (string name in names)
            {
                Cut(name, other);
                Cut(other, name);
            }
        }
    }

    public void Join(string from, string to) => _cuts.Remove((from, to));

    public void Heal()
    {
        _cuts.Clear();
        Loss = 0;
    }

    private void Step(VirtualMachine machine)
    {
        foreach (Outgoing sent in machine.Step(Now, Timing))
        {
            Messages++;
            VirtualMachine to = this[sent.To.Name];
            if (!_cuts.Contains((machine.Node.Name, to.Node.Name)) && _random.NextDouble() >= Loss)
            {
                _arrivals.Enqueue(
                    () => Arrive(machine.Node, to, sent.Message), (Now + (_random.NextDouble() * Timing.Delay), _count++));
            }
        }
    }

    private void Arrive(PeerNode from, VirtualMachine to, HeartbeatMessage message)
    {
        if (to.IsRunning)
        {
            to.Inbox.Enqueue((from.Addresses[0], message));
            if (to.PausedUntil <= Now)
            {
                Step(to);
            }
        }
    }
}

/// <summary>A node of a <see cref="VirtualCluster"/>.</summary>
internal sealed class VirtualMachine(PeerNode node)
{
    private TimeSpan _deadline;
    private TimeSpan _lastStep;
    private long _incarnation = 1_000_000;

    public PeerNode Node { get; set; } = node;

    /// <summary>Null: the process does not run.</summary>
    public PeerTable? Table { get; private set; }

    public bool IsRunning => Table is not null;

    public TimeSpan StartedAt { get; private set; }

    public TimeSpan PausedUntil { get; set; }

    public TimeSpan NextStep => Inbox.Count == 0 && _deadline > PausedUntil ? _deadline : PausedUntil;

    public HeartbeatView View => Table!.View;

    public Queue<(IPAddress Source, HeartbeatMessage Message)> Inbox { get; } = [];

    /// <summary>The last answers of <see cref="PeerTable.Receive"/> to what it did not use.</summary>
    public List<DropReason> Dropped { get; } = [];

    public void Start(TimeSpan now, long? incarnation)
    {
        Inbox.Clear();
        _incarnation = incarnation ?? _incarnation + 1;
        StartedAt = now;
        PausedUntil = TimeSpan.Zero;
        _deadline = now;
        _lastStep = now;
        Table = new PeerTable(Node.Name, _incarnation, VirtualCluster.Timing, now);
    }

    public void Crash() => Table = null;

    /// <summary>What the service does when it wakes.</summary>
    public List<Outgoing> Step(TimeSpan now, HeartbeatTiming timing)
    {
        if (now > _deadline + timing.Lateness)
        {
            Table!.Skip(now - _lastStep);
            Inbox.Clear();
        }

        _lastStep = now;

        while (Inbox.TryDequeue(out (IPAddress Source, HeartbeatMessage Message) next))
        {
            if (Table!.Receive(next.Source, next.Message, now) is DropReason reason)
            {
                Dropped.Add(reason);
            }
        }

        Table!.Look(now);
        List<Outgoing> sent = [.. Table.TakeBeats(now), .. Table.TakeHoldings(now)];
        _deadline = Table.NextDeadline;
        return sent;
    }
}
