using System.Globalization;
using System.Text.Json.Nodes;
using Netlink;
using Netlink.NetFilter;
using Shared;
using SystemTests.Reliability;

namespace SystemTests.Tools;

/// <summary>The audit log of a busy router: no line is missing, or it is counted; and what it costs.</summary>
public sealed class AuditLoadTests : IDisposable
{
    private static readonly int _rate = Sampling.IsFull ? 5000 : 1000;

    private static readonly int _seconds = Sampling.IsFull ? 60 : 3;

    /// <summary>More than any machine can do.</summary>
    private const int Most = 1_000_000;

    private static readonly int _secondsOfMost = Sampling.IsFull ? 10 : 1;

    private readonly Lab _lab = new();

    private readonly string _folder = Directory.CreateTempSubdirectory("er-audit-").FullName;

    public void Dispose()
    {
        _lab.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [RootFact]
    public void Each_of_thousands_of_connections_has_a_line_or_is_counted_as_missing()
    {
        _lab.Add(Config.With("80 tcp 192.168.12.91"));
        // What has been reset is forgotten soon, so that its end comes while the test runs.
        Lab.WriteSysctl(_lab.Pod, "net/netfilter/nf_conntrack_tcp_timeout_close", "1");
        using var server = new BackgroundProcess(_lab.Lan, Tool.Connections, "serve", "192.168.12.91", "80");
        server.WaitUntil(() => Lab.In(_lab.Lan, "ss", "-Hltn").Length > 0);
        Figures.Note($"{_rate} connections a second for {_seconds} s without an audit log: {Ask(_rate, _seconds)}");
        string most = Ask(Most, _secondsOfMost);

        using NetNamespace pod = NetNamespace.Open(Lab.PathOf(_lab.Pod));
        using NetlinkSocket socket = pod.Run(() => NetlinkSocket.OpenNetFilter());
        socket.DeleteConnections(_ => true);
        string file = Path.Combine(_folder, "audit.json");
        using var audit = new BackgroundProcess(_lab.Pod, Lab.Ctl, "audit", "--file", file, "--file-size", "1000", "--rate", "100000");
        audit.WaitUntil(() => File.Exists(file) && new FileInfo(file).Length > 0);
        string counts = Ask(_rate, _seconds);
        double seconds = Seconds(audit.Id);
        long opened = Opened(counts);
        // What the kernel has not yet looked at, and a connection whose reset it did not believe.
        socket.DeleteConnections(_ => true);
        (long lines, long lost) = (0, 0);
        Eventually.IsTrue(
            () =>
            {
                (lines, lost) = Count(file);
                return lines + lost >= opened;
            },
            () => $"{opened} connections, {lines} lines, {lost} lost", 30);
        Figures.Note($"{_rate} connections a second for {_seconds} s with an audit log: {counts}; "
            + $"{lines} lines, {lost} lost {Losses(file)}, {seconds:0.00} s of CPU, "
            + $"{new FileInfo(file).Length / Math.Max(lines, 1)} bytes a line");
        Assert.Equal(opened, lines + lost);
        // Their ports are used again so soon that two connections may be one for the kernel: these are not compared.
        Figures.Note($"as many connections as possible: {Opened(most) / _secondsOfMost} a second without an audit log, "
            + $"{Opened(Ask(Most, _secondsOfMost)) / _secondsOfMost} with");
    }

    /// <summary>Opened, lost, first packets sent again, slowest in microseconds, broken, echoed.</summary>
    private string Ask(int rate, int seconds) => Command.Run(
        "nsenter",
        ["--net=" + Lab.PathOf(_lab.Client), Tool.Connections, "ask", Lab.PodAddress, "80", $"{rate}", $"{seconds * 1000}", "0"],
        limit: TimeSpan.FromSeconds(seconds + 20)).Stdout.Trim();

    private static long Opened(string counts) => long.Parse(counts.Split(' ')[0], CultureInfo.InvariantCulture);

    private static (long Lines, long Lost) Count(string file)
    {
        (long lines, long lost) = (0, 0);
        foreach (string line in File.ReadLines(file).Where(line => line.EndsWith('}')))
        {
            lines += line.Contains("\"event\":\"end\"", StringComparison.Ordinal) ? 1 : 0;
            lost += line.Contains("\"event\":\"lost\"", StringComparison.Ordinal) ? (long)JsonNode.Parse(line)!["count"]! : 0;
        }

        return (lines, lost);
    }

    private static string Losses(string file) => string.Join(' ', File.ReadLines(file)
        .Where(line => line.Contains("\"lost\"", StringComparison.Ordinal)).GroupBy(line => (string)JsonNode.Parse(line)!["reason"]!)
        .Select(reason => $"({reason.Count()} times by {reason.Key})"));

    /// <summary>The processor time of a process: the kernel counts hundredths of a second.</summary>
    private static double Seconds(int process)
    {
        string[] words = File.ReadAllText($"/proc/{process}/stat").Split(") ")[1].Split(' ');
        return (int.Parse(words[11], CultureInfo.InvariantCulture) + int.Parse(words[12], CultureInfo.InvariantCulture)) / 100.0;
    }
}
