using System.Diagnostics;
using System.Globalization;
using Shared;

namespace SystemTests;

/// <summary>A program that runs in a namespace until the test ends.</summary>
internal sealed class BackgroundProcess : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _words;

    public BackgroundProcess(string name, string program, params string[] arguments)
    {
        _process = Process.Start(new ProcessStartInfo("/usr/bin/nsenter", ["--net=" + Lab.PathOf(name), program, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _process.OutputDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        _words = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>The process id.</summary>
    public int Id => _process.Id;

    /// <summary>Waits until the program is ready; fails with its own words when it ends or takes too long.</summary>
    public void WaitUntil(Func<bool> isReady)
    {
        if (!Eventually.Becomes(() => isReady() || _process.HasExited, seconds: 10) || _process.HasExited)
        {
            Dispose();
            throw new InvalidOperationException($"{_process.StartInfo.ArgumentList[1]} did not start: {_words.GetAwaiter().GetResult()}");
        }
    }

    /// <summary>Tells the program to end, and waits until it has.</summary>
    public void End()
    {
        Command.Must("kill", ["-TERM", string.Create(CultureInfo.InvariantCulture, $"{Id}")]);
        Assert.True(_process.WaitForExit(TimeSpan.FromSeconds(5)), "it goes on");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.WaitForExit();
    }
}
