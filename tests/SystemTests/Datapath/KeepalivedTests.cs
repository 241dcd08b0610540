using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Shared;

namespace SystemTests;

/// <summary>Two pods with Debian's keepalived and its configuration of docs/failover.md: one takes over from the other.</summary>
public sealed class KeepalivedTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;
    private readonly List<BackgroundProcess> _daemons = [];
    private readonly Lab _first = new();
    private readonly Lab _second;

    public KeepalivedTests() => _second = new Lab(beside: _first);

    /// <summary>The gap between the last connection by the old master and the first one by the new master.</summary>
    [RootTheory]
    [InlineData("SIGTERM", 0.5)]
    [InlineData("a silent cut", 1.5)]
    public void The_other_pod_takes_over(string how, double limit)
    {
        Lab[] labs = [_first, _second];
        File.WriteAllText(Path.Combine(_folder, "keepalived.conf"), Documents.Blocks(Repository.PathOf("docs", "failover.md"))
            .Single(block => block.Text.StartsWith("global_defs", StringComparison.Ordinal)).Text);
        foreach ((int index, Lab lab) in labs.Index())
        {
            lab.Add(Config.HighAvailability, "net1", ("CNI_CONTAINERID", $"pod{index}"));
            _daemons.Add(new BackgroundProcess(
                lab.Pod, "keepalived", "--dont-fork", "--log-console", "--vrrp", "--use-file", Path.Combine(_folder, "keepalived.conf"),
                "--pid", Path.Combine(_folder, $"{index}.pid"), "--vrrp_pid", Path.Combine(_folder, $"{index}.vrrp")));
        }

        _first.Serve(Protocol.Tcp, "192.168.12.91", 80);
        _first.Serve(Protocol.Tcp, "2001:db8:12::91", 80);
        Eventually.IsTrue(() => labs.Count(HasAddress) == 1, "not one pod has the address");
        int master = Array.FindIndex(labs, HasAddress);

        var answers = new ConcurrentBag<(long Time, int Pod)>();
        using (new Repeating(() => Connect(labs[0], 0, answers)))
        using (new Repeating(() => Connect(labs[1], 1, answers)))
        {
            Eventually.IsTrue(() => answers.Count(answer => answer.Pod == master) > 5, "the master serves nobody");
            if (how == "SIGTERM")
            {
                _daemons[master].End();
            }
            else
            {
                // Neither end of the cable sees it: the port of the switch forwards nothing.
                Lab.In(_first.Lan, "bridge", "link", "set", "dev", $"node{master}", "state", "disabled");
            }

            Eventually.IsTrue(() => answers.Count(answer => answer.Pod != master) > 5, "the other pod does not take over");
        }

        TimeSpan gap = Stopwatch.GetElapsedTime(
            answers.Where(answer => answer.Pod == master).Max(answer => answer.Time),
            answers.Where(answer => answer.Pod != master).Min(answer => answer.Time));
        Assert.InRange(gap.TotalSeconds, 0, limit);
        Lab now = labs[1 - master];
        Assert.Equal("192.168.12.99", now.Connect(Protocol.Tcp, 80)?.Source);
        Assert.Equal("2001:db8:12::99", now.Connect(Protocol.Tcp, 80, Lab.PodAddress6)?.Source);

        if (how != "SIGTERM")
        {
            // Both have the address. After the cut one of them gives way, and the neighbors know the other.
            Lab.In(_first.Lan, "bridge", "link", "set", "dev", $"node{master}", "state", "forwarding");
            Eventually.IsTrue(() => labs.Count(HasAddress) == 1, "both pods keep the address");
            string mac = AnnounceTests.Text(Lab.MacOf(labs.Single(HasAddress).Pod, "net1"));
            Eventually.IsTrue(
                () => Lab.In(_first.Lan, "ip", "neighbor", "show", "192.168.12.99").Contains(mac, StringComparison.Ordinal),
                "a neighbor has the wrong pod");
        }
    }

    public void Dispose()
    {
        foreach (BackgroundProcess daemon in _daemons)
        {
            // Ended by itself, it ends its child and takes its addresses away.
            _ = Command.Run("kill", ["-TERM", string.Create(CultureInfo.InvariantCulture, $"{daemon.Id}")]);
        }

        _ = Eventually.Becomes(() => Directory.GetFiles(_folder, "*.pid").Length == 0);
        _daemons.ForEach(daemon => daemon.Dispose());
        _second.Dispose();
        _first.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static bool HasAddress(Lab lab) =>
        Lab.In(lab.Pod, "ip", "-o", "address", "show", "dev", "net1").Contains("192.168.12.99/", StringComparison.Ordinal);

    /// <summary>A connection of the pod's client, every 20 ms; an unanswered one is given up after 100 ms.</summary>
    private static void Connect(Lab lab, int pod, ConcurrentBag<(long Time, int Pod)> answers)
    {
        long start = Stopwatch.GetTimestamp();
        if (EchoServer.Ask(Lab.PathOf(lab.Client), Protocol.Tcp, Lab.PodAddress, 80, null, TimeSpan.FromMilliseconds(100)) is not null)
        {
            answers.Add((start, pod));
        }

        Thread.Sleep(TimeSpan.FromMilliseconds(20));
    }
}
