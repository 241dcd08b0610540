using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Shared;

namespace SystemTests.EgressIp;

/// <summary>A running <c>egress-operator</c>. It works in the namespace that it is given, and itself stays in that of the test.</summary>
internal sealed partial class OperatorProcess : IDisposable
{
    /// <summary>The native executable.</summary>
    public static string Program { get; } = Repository.PathOf("out", "egress-operator");

    private readonly StringBuilder _log = new();

    private readonly Process _process;

    public OperatorProcess(params string[] arguments)
        : this([], arguments)
    {
    }

    /// <summary>Starts it by a tracer, which is given as its words, and ends with it.</summary>
    public OperatorProcess(string[] tracer, string[] arguments)
    {
        string[] words = [.. tracer, Program, .. arguments];
        _process = Process.Start(new ProcessStartInfo(words[0], words[1..])
        {
            RedirectStandardError = true,
            RedirectStandardInput = true,
        })!;
        _process.StandardInput.Close();
        _process.ErrorDataReceived += (_, line) =>
        {
            lock (_log)
            {
                _log.AppendLine(line.Data);
            }
        };
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public string Log
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    public bool HasEnded => _process.HasExited;

    /// <summary>Whether an agent says at /readyz that the kernel of its node is as it is to be.</summary>
    public bool IsReady()
    {
        using HttpResponseMessage? answer = Get("readyz");
        return answer is { IsSuccessStatusCode: true };
    }

    /// <summary>The address at which it answers Prometheus.</summary>
    public string Endpoint => Port().Match(Log) is { Success: true } port ? $"127.0.0.1:{port.Groups[1].Value}"
        : throw new InvalidOperationException($"it does not listen yet: {Log}");

    /// <summary>All metrics, as Prometheus reads them.</summary>
    public string Metrics()
    {
        using HttpResponseMessage answer = Get("metrics") ?? throw new InvalidOperationException($"it does not listen yet: {Log}");
        return answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync().GetAwaiter().GetResult();
    }

    /// <summary>The value of a metric, given with its labels; 0 if it is not told.</summary>
    public double Metric(string name)
    {
        string? line = Metrics().Split('\n').FirstOrDefault(line => line.StartsWith(name + " ", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line[(name.Length + 1)..], CultureInfo.InvariantCulture);
    }

    public void Signal(string name) => Command.Must("kill", ["-s", name, Id.ToString(CultureInfo.InvariantCulture)]);

    /// <summary>Waits until it has ended.</summary>
    /// <returns>The exit code.</returns>
    public int UntilItEnds()
    {
        Assert.True(_process.WaitForExit(TimeSpan.FromSeconds(10)), $"it does not end: {Log}");
        return _process.ExitCode;
    }

    /// <summary>Ends it, if it has not ended.</summary>
    public void Kill()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.WaitForExit();
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    /// <returns>Null if it does not listen yet.</returns>
    private HttpResponseMessage? Get(string path)
    {
        if (!Port().IsMatch(Log))
        {
            return null;
        }

        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        return client.GetAsync(new Uri($"http://{Endpoint}/{path}")).GetAwaiter().GetResult();
    }

    [GeneratedRegex(@" starts(?: as \S+)?, port (\d+)$", RegexOptions.Multiline)]
    private static partial Regex Port();
}
