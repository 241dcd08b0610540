using System.Text.Json.Nodes;
using SystemTests;

namespace Benchmarks;

/// <summary>Each command, beside others that make and remove the same, or nearly.</summary>
internal static class ComparisonBenchmark
{
    private const int Rounds = 50;

    private const string Macvlan = PluginEnvironment.Plugins + "/macvlan";

    private static readonly string[] _commands = ["VERSION", "ADD", "CHECK", "DEL"];

    public static void Run(CancellationToken stop)
    {
        using var lab = new Lab();
        using var mute = new Lab();
        Lab.Batch(mute.Lan, "link set node0 down");
        using var peers = new Peers(lab, Config.Redirect, PluginEnvironment.Of);
        string floor = Meter.Compile("floor");
        string logging = peers.PathOf("logging.json");
        File.WriteAllText(logging, Config.Changed(json => json["log_file"] = (JsonNode)peers.PathOf("log")));
        Attacher Of(string name, string path) => new(name, lab, peers.Config, _commands, (_, _) => [path]);
        Attacher ours = Of("egress-router", Lab.Plugin);
        Attacher[] others =
        [
            .. Executables.Plugins[1..].Select(plugin => Of(plugin.Name, plugin.Path)),
            new("containernetworking: macvlan, static", lab, peers.Macvlan, _commands[1..], (_, _) => [Macvlan]),
            new("shell script: ip -batch, nft -f", lab, "/dev/null", ["ADD", "DEL"],
                (pod, command) => ["/bin/sh", command == "ADD" ? peers.AddScript : peers.DeleteScript, pod.Name]),
            new("the same netlink messages, from C", lab, "/dev/null", ["ADD"], (pod, _) => [floor, pod.Path, peers.Record]),
        ];
        Attacher[] all =
        [
            ours,
            new("egress-router with a log file", lab, logging, ["ADD"], (_, _) => [Lab.Plugin]),
            new("egress-router, nothing announced (no carrier)", mute, peers.Config, ["ADD"], (_, _) => [Lab.Plugin]),
            .. others,
        ];

        // Every round has an order of its own: the kernel removes the pod of the one before meanwhile.
        var random = new Random(1);
        for (int round = -1; round < Rounds; round++)
        {
            Attacher[] order = [.. all];
            random.Shuffle(order);
            foreach (Attacher attacher in order)
            {
                stop.ThrowIfCancellationRequested();
                attacher.Run(peers.PathOf(""), round >= 0);
            }
        }

        Report.Heading(
            $"One run, {Rounds} times each, interleaved, each in a fresh pod", "median ms", "minimum ms", "CPU ms", "memory MiB");
        foreach (Meter meter in _commands.SelectMany(command => all.Select(attacher => attacher.Of(command)).OfType<Meter>()))
        {
            Report.Line(
                meter.Name, meter.Times.Median.TotalMilliseconds, meter.Times.Minimum.TotalMilliseconds,
                meter.Processor.Median.TotalMilliseconds, meter.Memory);
        }

        Report.Heading("Ratio of egress-router to", "of medians", "of minima", "of CPU");
        foreach (string command in _commands)
        {
            Meter meter = ours.Of(command)!;
            foreach (Meter other in others.Select(attacher => attacher.Of(command)).OfType<Meter>())
            {
                Report.Line(
                    other.Name, meter.Times.Median / other.Times.Median, meter.Times.Minimum / other.Times.Minimum,
                    meter.Processor.Median / other.Processor.Median);
            }
        }

        Report.Heading("Size", "MB");
        foreach (var (name, path) in Executables.Plugins)
        {
            Report.Line(name, new FileInfo(path).Length / 1e6);
        }

        Count(lab, peers, floor);
    }

    /// <summary>System calls and programs, which are the same in each run.</summary>
    private static void Count(Lab lab, Peers peers, string floor)
    {
        Report.Heading("ADD, counted by strace", "calls", "from netlink", "programs");
        Line("egress-router", peers.Config, "ADD", _ => [Lab.Plugin]);
        Line("containernetworking: macvlan, static", peers.Macvlan, "ADD", _ => [Macvlan]);
        Line("shell script: ip -batch, nft -f", "/dev/null", "", pod => ["/bin/sh", peers.AddScript, pod.Name]);
        Line("the same netlink messages, from C", "/dev/null", "", pod => [floor, pod.Path, peers.Record]);

        void Line(string name, string stdin, string verb, Func<FreshPod, string[]> command)
        {
            using var pod = new FreshPod(lab);
            string trace = peers.PathOf("count");
            CommandResult result = Command.Run(
                "nsenter", ["--net=" + Lab.PathOf(lab.Node), "strace", "-f", "-o", trace, .. command(pod)],
                File.ReadAllText(stdin), environment: PluginEnvironment.Of(pod, verb));
            Assert.True(result.ExitCode == 0, $"{name}: {result}");
            string[] calls = [.. File.ReadLines(trace)
                .Where(line => line.Contains('(', StringComparison.Ordinal) && !line.Contains("resumed", StringComparison.Ordinal))];
            int first = Array.FindIndex(calls, line => line.Contains("socket(AF_NETLINK", StringComparison.Ordinal));
            Report.Line(
                name, calls.Length, calls.Length - first,
                calls.Count(line => line.Contains("execve(", StringComparison.Ordinal) && line.EndsWith("= 0", StringComparison.Ordinal)));
        }
    }
}
