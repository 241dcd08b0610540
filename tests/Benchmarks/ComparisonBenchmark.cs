using System.Text.Json.Nodes;
using SystemTests;

namespace Benchmarks;

/// <summary>Each verb, and ADD beside others that make the same, or nearly.</summary>
internal static class ComparisonBenchmark
{
    private const int Rounds = 25;

    public static void Run(CancellationToken stop)
    {
        using var lab = new Lab();
        using var peers = new Peers(lab, Config.Redirect, PluginEnvironment.Of);
        string floor = Meter.Compile("floor");
        string log = $"/var/tmp/egress-router-bench-{Environment.ProcessId}.log";
        string logging = peers.PathOf("logging.json");
        File.WriteAllText(logging, Config.Changed(json => json["log_file"] = (JsonNode)log));
        var version = new Meter("VERSION");
        var add = new Meter("ADD");
        var check = new Meter("CHECK");
        var delete = new Meter("DEL");
        var addLogging = new Meter("ADD with a log file");
        var silent = new Meter("ADD, nothing announced (no carrier)");
        var script = new Meter("shell script: ip -batch, nft -f");
        var macvlan = new Meter("containernetworking: macvlan, static");
        var least = new Meter("the same netlink messages, from C");
        using var mute = new Lab();
        Lab.Batch(mute.Lan, "link set node0 down");
        for (int round = -1; round < Rounds; round++)
        {
            stop.ThrowIfCancellationRequested();
            bool counts = round >= 0;
            using (var pod = new FreshPod(lab))
            {
                version.Run(lab.Node, peers.Config, PluginEnvironment.Of(pod, "VERSION"), [Lab.Plugin], counts);
                add.Run(lab.Node, peers.Config, PluginEnvironment.Of(pod, "ADD"), [Lab.Plugin], counts);
                check.Run(lab.Node, ResultOf(lab, peers, pod), PluginEnvironment.Of(pod, "CHECK"), [Lab.Plugin], counts);
                delete.Run(lab.Node, peers.Config, PluginEnvironment.Of(pod, "DEL"), [Lab.Plugin], counts);
            }

            InFresh(lab, pod => addLogging.Run(lab.Node, logging, PluginEnvironment.Of(pod, "ADD"), [Lab.Plugin], counts));
            InFresh(mute, pod => silent.Run(mute.Node, peers.Config, PluginEnvironment.Of(pod, "ADD"), [Lab.Plugin], counts));
            InFresh(
                lab, pod => script.Run(lab.Node, "/dev/null", PluginEnvironment.Of(pod, ""), ["/bin/sh", peers.Script, pod.Name], counts));
            InFresh(
                lab,
                pod => macvlan.Run(
                    lab.Node, peers.Macvlan, PluginEnvironment.Of(pod, "ADD"), [PluginEnvironment.Plugins + "/macvlan"], counts));
            InFresh(lab, pod => least.Run(lab.Node, "/dev/null", PluginEnvironment.Of(pod, ""), [floor, pod.Path, peers.Record], counts));
        }

        File.Delete(log);
        Report.Heading(
            $"One run, {Rounds} times each, interleaved, each in a fresh pod", "median ms", "minimum ms", "CPU ms", "memory MiB");
        foreach (Meter meter in (Meter[])[version, add, addLogging, silent, check, delete, script, macvlan, least])
        {
            Report.Line(
                meter.Name, meter.Times.Median.TotalMilliseconds, meter.Times.Minimum.TotalMilliseconds,
                meter.Processor.Median.TotalMilliseconds, meter.Memory);
        }

        Report.Heading("Ratio", "of medians", "of minima", "of CPU");
        foreach (Meter ours in (Meter[])[add, silent])
        {
            foreach (Meter other in (Meter[])[script, macvlan, least])
            {
                Report.Line(
                    $"{ours.Name} : {other.Name}",
                    ours.Times.Median / other.Times.Median, ours.Times.Minimum / other.Times.Minimum,
                    ours.Processor.Median / other.Processor.Median);
            }
        }

        Count(lab, peers, floor);
    }

    /// <summary>System calls and programs, which are the same in each run.</summary>
    private static void Count(Lab lab, Peers peers, string floor)
    {
        Report.Heading("Counted by strace", "calls", "from netlink", "programs");
        Line("ADD", peers.Config, "ADD", _ => [Lab.Plugin]);
        Line("shell script: ip -batch, nft -f", "/dev/null", "", pod => ["/bin/sh", peers.Script, pod.Name]);
        Line("containernetworking: macvlan, static", peers.Macvlan, "ADD", _ => [PluginEnvironment.Plugins + "/macvlan"]);
        Line("the same netlink messages, from C", "/dev/null", "", pod => [floor, pod.Path, peers.Record]);

        void Line(string name, string stdin, string verb, Func<FreshPod, string[]> command) => InFresh(lab, pod =>
        {
            string trace = peers.PathOf("count");
            Command.Run(
                "nsenter", ["--net=" + Lab.PathOf(lab.Node), "strace", "-f", "-o", trace, .. command(pod)],
                File.ReadAllText(stdin == "/dev/null" ? peers.Config : stdin), environment: PluginEnvironment.Of(pod, verb))
                    .AssertSuccessful(name);
            string[] calls = [.. File.ReadLines(trace)
                .Where(line => line.Contains('(', StringComparison.Ordinal) && !line.Contains("resumed", StringComparison.Ordinal))];
            int first = Array.FindIndex(calls, line => line.Contains("socket(AF_NETLINK", StringComparison.Ordinal));
            Report.Line(
                name, calls.Length, calls.Length - first,
                calls.Count(line => line.Contains("execve(", StringComparison.Ordinal) && line.EndsWith("= 0", StringComparison.Ordinal)));
        });
    }

    private static void AssertSuccessful(this CommandResult result, string name) => Assert.True(result.ExitCode == 0, $"{name}: {result}");

    private static void InFresh(Lab lab, Action<FreshPod> run)
    {
        using var pod = new FreshPod(lab);
        run(pod);
    }

    /// <summary>What the runtime gives to CHECK: the configuration with the result of ADD.</summary>
    private static string ResultOf(Lab lab, Peers peers, FreshPod pod)
    {
        string mac = string.Join(':', Lab.MacOf(pod.Name, "net1").ToString().Chunk(2).Select(pair => new string(pair)));
        JsonObject config = JsonNode.Parse(File.ReadAllText(peers.Config))!.AsObject();
        config["prevResult"] = JsonNode.Parse("""
            {"cniVersion":"0.4.0","interfaces":[{"name":"net1"}],
             "ips":[{"version":"4","interface":0,"address":"192.168.12.99/24","gateway":"192.168.12.1"}],"routes":[{"dst":"0.0.0.0/0","gw":"192.168.12.1"}],"dns":{}}
            """);
        JsonNode link = config["prevResult"]!["interfaces"]![0]!;
        (link["mac"], link["sandbox"]) = (mac, pod.Path);
        string file = peers.PathOf("check.json");
        File.WriteAllText(file, config.ToJsonString());
        return file;
    }
}
