using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Shared;

namespace SystemTests.Reliability;

/// <summary>Many pods at once, one pod very often, and two calls for one container at the same time.</summary>
public class LoadTests
{
    private const int AtOnce = 16;

    [RootFact]
    public void Many_pods_are_added_checked_and_deleted_at_once()
    {
        int count = Sampling.Count(200, 32);
        using var lab = new Lab(bare: true);
        Snapshot node = lab.NodeSnapshot();
        Pod[] pods = [.. Enumerable.Range(0, count)
            .Select(number => new Pod(lab.AddNamespace("load" + number.ToString(CultureInfo.InvariantCulture)), number))];
        Snapshot empty = new(Lab.PathOf(pods[0].Name));
        var milliseconds = new List<double>();
        var results = new JsonObject[count];
        Each(pods, pod =>
        {
            long start = Stopwatch.GetTimestamp();
            results[pod.Number] = lab.Add(pod.Json, "net1", pod.With);
            lock (milliseconds)
            {
                milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        });
        Assert.Equal(count, results.Select(result => (string?)result["interfaces"]![0]!["mac"]).Distinct().Count());
        Each(pods, pod =>
        {
            JsonObject config = JsonNode.Parse(pod.Json)!.AsObject();
            config["prevResult"] = results[pod.Number].DeepClone();
            lab.Run("CHECK", config.ToJsonString(), "net1", pod.With).AssertSilentSuccess();
        });
        Each(pods, pod => lab.Delete(pod.Json, "net1", pod.With));
        Assert.All(Sampling.Sample(pods, 8), pod => new Snapshot(Lab.PathOf(pod.Name)).AssertSameAs(empty));
        lab.NodeSnapshot().AssertSameAs(node);
        milliseconds.Sort();
        Figures.Note(string.Create(CultureInfo.InvariantCulture,
            $"load: {count} pods, {AtOnce} at once: ADD, CHECK, DEL with 0 errors; ADD took {milliseconds[count / 2]:0} ms in the middle, {milliseconds[count * 95 / 100]:0} ms at 95 %"));
    }

    [RootFact]
    public void Many_cycles_leave_nothing()
    {
        int count = Sampling.Count(2000, 100);
        using var lab = new ReliabilityLab();
        (long Files, long Memory) before = NodeUse();
        for (int cycle = 0; cycle < count; cycle++)
        {
            JsonObject result = lab.Lab.Add(lab.Json);
            lab.Lab.Check(lab.Json, result).AssertSilentSuccess();
            lab.Lab.Delete(lab.Json);
            if (cycle % 50 == 0)
            {
                lab.AssertClean();
            }
        }

        lab.AssertClean();
        (long Files, long Memory) after = NodeUse();
        Figures.Note(string.Create(CultureInfo.InvariantCulture,
            $"load: {count} cycles of ADD, CHECK and DEL with 0 errors; the node's open files {before.Files} -> {after.Files}, unreclaimable slab {before.Memory} -> {after.Memory} KiB"));
        // Others work on this machine too; a leak of one file or of a kibibyte in each cycle would be more.
        Assert.InRange(after.Files - before.Files, long.MinValue, Math.Max(count / 2, 500));
        Assert.InRange(after.Memory - before.Memory, long.MinValue, 64 * 1024);
    }

    /// <summary>As when a runtime gives up waiting for ADD: whatever came first, a last DEL leaves nothing.</summary>
    [RootFact]
    public void ADD_and_DEL_of_one_container_at_the_same_time()
    {
        int count = Sampling.Count(500, 40);
        using var lab = new ReliabilityLab();
        var random = new Random(20261121);
        var findings = new Findings("load: ADD races DEL of the same container");
        for (int round = 0; round < count; round++)
        {
            int delay = random.Next(60);
            findings.Try(() => $"round {round}, DEL after {delay} ms", () =>
            {
                Task<CommandResult> add = Task.Run(() => lab.Lab.Run("ADD", lab.Json));
                Thread.Sleep(delay);
                CommandResult delete = lab.Lab.Run("DEL", lab.Json);
                if (delete.ExitCode != 0)
                {
                    delete.AssertError(100);
                }

                CommandResult added = add.GetAwaiter().GetResult();
                if (added.ExitCode != 0)
                {
                    added.AssertError(11, 100, 101);
                }

                lab.AssertDeletes();
            });
        }

        findings.AssertNone(atLeast: count);
    }

    private static void Each(Pod[] pods, Action<Pod> work) =>
        Parallel.ForEach(pods, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, work);

    /// <summary>All open files of the machine, and the kernel's memory that it cannot take back.</summary>
    private static (long Files, long Memory) NodeUse() => (
        long.Parse(File.ReadAllText("/proc/sys/fs/file-nr").Split('\t')[0], CultureInfo.InvariantCulture),
        long.Parse(
            File.ReadLines("/proc/meminfo").First(
                line => line.StartsWith("SUnreclaim:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture));

    private sealed record Pod(string Name, int Number)
    {
        public string Json { get; } = Config.Changed(
            config => config["ip"]!["addresses"] = new JsonArray(
                string.Create(CultureInfo.InvariantCulture, $"192.168.12.{20 + (Number % 50)}/24")));

        public (string, string?)[] With => [("CNI_NETNS", Lab.PathOf(Name)), ("CNI_CONTAINERID", Name)];
    }
}
