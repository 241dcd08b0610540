using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace EgressOperator.Tests.Controller;

/// <summary>A running <c>egress-operator controller</c>.</summary>
internal sealed partial class ControllerProcess : IDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private readonly Process _process;

    private readonly StringBuilder _log = new();

    private bool _isDisposed;

    public ControllerProcess(string kubeconfig, params string[] more)
    {
        _process = Operator.Start(["controller", "--kubeconfig", kubeconfig, "--port", "0", .. more]);
        _process.ErrorDataReceived += (_, line) =>
        {
            lock (_log)
            {
                _log.AppendLine(line.Data);
            }
        };
        _process.BeginErrorReadLine();
        _process.StandardInput.Close();
    }

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

    /// <summary>Whether it has ended with a failure.</summary>
    public bool HasFailed => !_isDisposed && _process.HasExited && _process.ExitCode == 2;

    /// <summary>The bytes that it has in memory.</summary>
    public long Memory
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>Waits until it is the leader.</summary>
    public ControllerProcess UntilItLeads()
    {
        Until(() => Leads().IsMatch(Log), "it does not lead");
        return this;
    }

    /// <summary>Waits until it listens.</summary>
    public int Port()
    {
        Until(() => Listens().IsMatch(Log), "it does not listen");
        return int.Parse(Listens().Match(Log).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    /// <summary>The answer of its port.</summary>
    public async Task<(int Status, string Text)> HttpAsync(string path)
    {
        using var client = new HttpClient { Timeout = _limit };
        using HttpResponseMessage response = await client.GetAsync(new Uri($"http://127.0.0.1:{Port()}{path}"));
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Waits until it ends by itself.</summary>
    /// <returns>The exit code.</returns>
    public int UntilItEnds()
    {
        Assert.True(_process.WaitForExit(_limit), $"it does not end: {Log}");
        // Also until its log is read.
        _process.WaitForExit();
        return _process.ExitCode;
    }

    /// <summary>Ends it as the kubelet does.</summary>
    /// <returns>The exit code.</returns>
    public int Terminate()
    {
        Signal("TERM");
        return UntilItEnds();
    }

    public void Stop() => Signal("STOP");

    public void Continue() => Signal("CONT");

    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit(_limit);
    }

    public void Dispose()
    {
        // So that it gives its Lease up, and the next test need not wait for it.
        if (!_process.HasExited)
        {
            Continue();
            Signal("TERM");
            if (!_process.WaitForExit(TimeSpan.FromSeconds(5)))
            {
                Kill();
            }
        }

        _isDisposed = true;
        _process.Dispose();
    }

    private void Signal(string name)
    {
        using var kill = Process.Start("kill", ["-s", name, _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    private void Until(Func<bool> holds, string what)
    {
        long began = Stopwatch.GetTimestamp();
        while (!holds())
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < _limit && !_process.HasExited, $"{what}: {Log}");
            Thread.Sleep(10);
        }
    }

    [GeneratedRegex(@" leads$", RegexOptions.Multiline)]
    private static partial Regex Leads();

    [GeneratedRegex(@" port (\d+)$", RegexOptions.Multiline)]
    private static partial Regex Listens();
}
