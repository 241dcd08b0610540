using System.Diagnostics;
using Shared;
using SystemTests.EgressIp;
using SystemTests.EgressIp.Traffic;
using Xunit.Abstractions;

namespace SystemTests.Reliability;

/// <summary>What an agent changes the kernel for.</summary>
/// <param name="Name">For the figures.</param>
/// <param name="Node">The agent's.</param>
/// <param name="Before">Makes what was before.</param>
/// <param name="Begin">Makes it happen; null: it is the start of the agent.</param>
/// <param name="After">An address, and who holds it afterwards.</param>
/// <param name="Late">
/// A pod that sends only when the table of its node selects it: before, it rightly leaves with the node's address. The others are selected
/// all the time.
/// </param>
internal sealed record AgentEvent(
    string Name, int Node, Action<AgentKill> Before, Action<AgentKill>? Begin, (string Address, int? Holder) After, string? Late = null);

/// <summary>How many changes an agent has made, whether it was killed, and the state of its node afterwards.</summary>
internal sealed record AgentRun(int Changes, bool WasKilled, string State);

/// <summary>A cluster whose pods send all the time, and whose agents can be killed.</summary>
internal sealed class AgentKill : IDisposable
{
    /// <summary>The address of an object that selects the pod a2.</summary>
    public const string More = "192.0.2.101";

    private readonly EgressCluster _cluster;

    private readonly TellingServer _server;

    private readonly ArrivalWatch _watch;

    public AgentKill(ITestOutputHelper output)
    {
        // A node holds at most one address of an object.
        _cluster = new EgressCluster(addresses: [EgressCluster.Address4], output: output);
        try
        {
            _watch = new ArrivalWatch(Network.Out);
            _server = new TellingServer(Network.Out, EgressLab.Server4);
            _cluster.SetAssignable(3, false);
            Move(1);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private EgressLab Network => _cluster.Lab;

    /// <summary>Runs until the node is as it is to be.</summary>
    /// <param name="one">What happens.</param>
    /// <param name="number">Before which change the agent is killed, and then started again; 0: it is not.</param>
    /// <param name="expected">The state afterwards; null: any that stays.</param>
    public AgentRun Run(AgentEvent one, int number = 0, string? expected = null)
    {
        foreach (int node in Enumerable.Range(1, EgressLab.Nodes).Where(node => _cluster.Agent(node).HasEnded))
        {
            _cluster.StartAgent(node);
            Eventually.IsTrue(() => _cluster.Agent(node).IsReady(), () => _cluster.Logs(), 15);
        }

        one.Before(this);
        using var tracer = new AtChange();
        using var senders = new Senders([.. Network.Pods.Where(pod => pod.Name != "a2" && pod.Name != one.Late)], _server);
        _cluster.Agent(one.Node).Dispose();
        int before = 0;
        if (one.Begin is null)
        {
            _watch.Forget();
            KillBefore(tracer, number);
            _cluster.StartAgentBy(tracer.Words, one.Node);
        }
        else
        {
            _cluster.StartAgentBy(tracer.Words, one.Node);
            UntilQuiet(one.Node, tracer);
            before = tracer.Count;
            _watch.Forget();
            KillBefore(tracer, number);
            one.Begin(this);
        }

        // With fewer connections there are fewer changes.
        bool wasKilled = number > 0 && Eventually.Becomes(() => _cluster.Agent(one.Node).HasEnded);
        if (wasKilled)
        {
            StartLate();
            senders.UntilSent(10);
            AssertNoLeak("while no agent runs");
            _cluster.StartAgent(one.Node);
        }

        Eventually.IsTrue(() => StartLate() && _cluster.HolderOf(one.After.Address) == one.After.Holder,
            () => $"{one.After.Address} is on node {_cluster.HolderOf(one.After.Address)}\n{_cluster.Logs()}", 20);
        if (expected is null)
        {
            UntilQuiet(one.Node, tracer);
        }

        string state = "";
        Eventually.IsTrue(
            () => (state = NodeState.Of(Network.Node(one.Node))) == (expected ?? state), () => Difference(expected ?? state, state), 20);
        foreach (LabPod pod in senders.Pods)
        {
            _cluster.UntilSource(pod, EgressLab.Server4, pod.Name == "a2" ? More : EgressCluster.Address4);
        }

        senders.UntilSent(10);
        AssertNoLeak("in the end");
        return new AgentRun(tracer.Count - before, wasKilled, state);

        bool StartLate() => one.Late is null || senders.Pods.Any(pod => pod.Name == one.Late)
            || (IsSelected(Network[one.Late]) && senders.Add(Network[one.Late]));

        void AssertNoLeak(string when)
        {
            string[] right = one.Late == "a2" ? [EgressCluster.Address4, More] : [EgressCluster.Address4];
            string[] wrong = [.. _watch.Packets().Keys.Except(right)];
            Assert.True(wrong.Length == 0, $"{when} packets left as {string.Join(", ", wrong)}\n{_cluster.Logs()}");
        }
    }

    /// <summary>As after a reboot: the node has nothing of the agent.</summary>
    public void CleanUp(int node)
    {
        _cluster.Agent(node).Kill();
        CommandResult result = Command.Run(
            OperatorProcess.Program,
            ["agent", "--node", $"n{node}", "--netns", SystemTests.Lab.PathOf(Network.Node(node)), "--cleanup"]);
        Assert.True(result.ExitCode == 0, $"{result}");
    }

    /// <summary>Node 1 or 2 is to have the addresses, and the other one not.</summary>
    public void BeginMove(int to)
    {
        _cluster.SetAssignable(to, true);
        _cluster.SetAssignable(3 - to, false);
    }

    public void Move(int to)
    {
        BeginMove(to);
        Eventually.IsTrue(() => _cluster.HolderOf(EgressCluster.Address4) == to, () => _cluster.Logs(), 20);
    }

    public void BeginObject() => _cluster.Apply("more", [More], app: "other");

    public void EndObject() => _cluster.Server.Delete("egressips", "more");

    public void AddObject()
    {
        BeginObject();
        _cluster.UntilSource(Network["a2"], EgressLab.Server4, More);
    }

    public void RemoveObject()
    {
        if (_cluster.Server.Get("egressips", "more") is not null)
        {
            EndObject();
        }

        _cluster.UntilSource(Network["a2"], EgressLab.Server4, EgressLab.AddressOf(1));
    }

    public void Dispose()
    {
        _server?.Dispose();
        _cluster.Dispose();
    }

    private static void KillBefore(AtChange tracer, int number)
    {
        if (number > 0)
        {
            tracer.KillBefore(number);
        }
    }

    /// <summary>Waits until an agent is ready, no agent misses another, and it has changed nothing for a second.</summary>
    private void UntilQuiet(int node, AtChange tracer)
    {
        (int count, long since) = (-1, Stopwatch.GetTimestamp());
        Eventually.IsTrue(
            () =>
            {
                if (tracer.Count != count)
                {
                    (count, since) = (tracer.Count, Stopwatch.GetTimestamp());
                }

                return Stopwatch.GetElapsedTime(since).TotalSeconds > 1 && _cluster.Agent(node).IsReady()
                    && _cluster.Server.All("egressnodes").All(one => one["status"]?["missing"] is null);
            },
            () => $"{count} changes\n{_cluster.Logs()}", 30);
    }

    /// <summary>Whether the table of its node selects a pod.</summary>
    private bool IsSelected(LabPod pod) => SystemTests.Lab.In(
        Network.Node(pod.Node), "sh", "-c", "nft list map inet egress_ip pods4 2>/dev/null || true")
        .Contains($"{pod.IPv4} ", StringComparison.Ordinal);

    private static string Difference(string expected, string state)
    {
        string[] wanted = expected.Split('\n');
        string[] found = state.Split('\n');
        return string.Join('\n',
            [.. wanted.Except(found).Select(line => $"- {line}"), .. found.Except(wanted).Select(line => $"+ {line}")]);
    }

    /// <summary>Pods that send.</summary>
    private sealed class Senders(IEnumerable<LabPod> pods, TellingServer server) : IDisposable
    {
        private readonly Dictionary<LabPod, Sender> _senders = pods.ToDictionary(pod => pod, pod => new Sender(pod, server));

        public IReadOnlyCollection<LabPod> Pods => _senders.Keys;

        public bool Add(LabPod pod) => _senders.TryAdd(pod, new Sender(pod, server));

        /// <summary>Waits until each has sent that often.</summary>
        public void UntilSent(int rounds)
        {
            var wanted = _senders.Values.ToDictionary(sender => sender, sender => sender.Rounds + rounds);
            Eventually.IsTrue(() => wanted.All(one => one.Key.Rounds >= one.Value), "a pod does not send", 10);
        }

        public void Dispose()
        {
            foreach (Sender sender in _senders.Values)
            {
                sender.Dispose();
            }
        }
    }
}
