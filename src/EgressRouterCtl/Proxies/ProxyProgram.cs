using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using EgressRouter.Config;
using EgressRouter.Legacy;
using EgressRouter.Tools;
using EgressRouterCtl.Output;
using static Tmds.Linux.LibC;

namespace EgressRouterCtl.Proxies;

/// <summary>The program that a proxy verb becomes.</summary>
/// <param name="Name">Its name.</param>
/// <param name="ConfigName">The name of its configuration file.</param>
/// <param name="Check">Its arguments to check a configuration, whose path is added.</param>
/// <param name="Run">Its arguments to run in the foreground, to which the path of the configuration is added.</param>
/// <param name="ReloadSignal">What makes it read its configuration again.</param>
/// <param name="StopSignal">What makes it end when its connections have ended, or after a while.</param>
internal sealed record ProxyProgram(string Name, string ConfigName, string[] Check, string[] Run, int ReloadSignal, int StopSignal)
{
    /// <summary>A file that its configuration names, always the same: its name and its text.</summary>
    public (string Name, string Text)? Script { get; init; }

    private static readonly string[] _folders = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"];

    public static ProxyProgram Squid { get; } =
        new("squid", "squid.conf", ["-k", "parse", "-f"], ["-N", "-d", "0", "-f"], SIGHUP, SIGTERM);

    public static ProxyProgram Haproxy { get; } =
        new("haproxy", "haproxy.cfg", ["-c", "-f"], ["-W", "-f"], SIGUSR2,
            SIGUSR1)
        { Script = (HaproxyConfig.ScriptName, HaproxyConfig.Script) };

    /// <summary>
    /// Where the program starts. haproxy refuses to start where it could not come back to: in a folder that its user may not enter,
    /// as root's home.
    /// </summary>
    private const string Folder = "/";

    /// <summary>How long connections may go on after the end was asked for.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    private string Executable => _folders.Select(folder => $"{folder}/{Name}").FirstOrDefault(File.Exists)
        ?? throw new UsageException($"{Name} is not installed in {string.Join(", ", _folders)}");

    /// <summary>Writes a configuration, which the program itself has found to be right.</summary>
    /// <param name="directory">Where to: an absolute path.</param>
    /// <param name="text">The configuration.</param>
    /// <param name="pod">The pod that it was made for; its egress addresses are kept for <see cref="SourcesOf"/>.</param>
    /// <returns>The file's path.</returns>
    /// <exception cref="UsageException">The program refuses it; an earlier one stays as it is.</exception>
    public string Write(string directory, string text, ProxyPod pod)
    {
        string path = $"{directory}/{ConfigName}";
        Directory.CreateDirectory(directory);
        if (Script is var (name, script))
        {
            File.WriteAllText($"{directory}/{name}", script);
        }

        File.WriteAllText(path + ".new", text);
        using var check = new Process { StartInfo = With([.. Check, path + ".new"]) };
        check.StartInfo.RedirectStandardOutput = check.StartInfo.RedirectStandardError = true;
        Start(check);
        // haproxy says on the one that the configuration is valid, or what it lacks, and on the other what is wrong.
        Task<string> output = check.StandardOutput.ReadToEndAsync();
        string words = (check.StandardError.ReadToEnd() + output.Result).Trim();
        check.WaitForExit();
        if (check.ExitCode != 0)
        {
            throw new UsageException(
                $"{Name} refuses the configuration {path}.new: {(words.Length > 0 ? words : $"exit code {check.ExitCode}")}");
        }

        string sources = SourcesPath(directory);
        File.WriteAllLines(sources + ".new", Families.All.Select(pod.SourceOf).OfType<IPAddress>().Select(source => source.ToString()));
        File.Move(path + ".new", path, overwrite: true);
        File.Move(sources + ".new", sources, overwrite: true);
        return path;
    }

    /// <summary>A configuration for people, and as comments the script that it names.</summary>
    public string Printed(string text) =>
        text.TrimEnd('\n') + (Script is var (name, script) && text.Contains(name, StringComparison.Ordinal)
            ? $"\n\n# {name}:\n{string.Join('\n', script.TrimEnd('\n').Split('\n').Select(line => $"# {line}".TrimEnd()))}" : "");

    /// <summary>The egress addresses that the configuration in a folder was made for.</summary>
    /// <exception cref="UsageException">The file that holds them was changed by another program.</exception>
    public ImmutableArray<IPAddress> SourcesOf(string directory) =>
    [
        .. File.ReadLines(SourcesPath(directory)).Select(line => IPAddress.TryParse(line, out IPAddress? source)
            ? source : throw new UsageException($"{SourcesPath(directory)}: it holds a line that is not an IP address")),
    ];

    private string SourcesPath(string directory) => $"{directory}/{ConfigName}.sources";

    /// <summary>Becomes the program: this process is it from now on.</summary>
    /// <exception cref="UsageException">It cannot.</exception>
    public void Exec(string configPath)
    {
        string executable = Executable;
        // .NET ignores it, and what is ignored stays so.
        _ = Libc.Signal(SIGPIPE, 0);
        Directory.SetCurrentDirectory(Folder);
        _ = Libc.Execv(executable, [executable, .. Run, configPath, null]);
        throw new UsageException($"cannot run {executable}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>
    /// Runs the program as a child, and hands on the signals: SIGHUP after <paramref name="reload"/> has written its
    /// configuration anew, those to end as the one to end gracefully.
    /// </summary>
    /// <param name="configPath">Its configuration.</param>
    /// <param name="signals">The signals, also those that have come before.</param>
    /// <param name="reload">Writes the configuration anew; false: it stays as it was.</param>
    /// <returns>The program's exit code.</returns>
    public int Supervise(string configPath, ProxySignals signals, Func<bool> reload)
    {
        using var child = new Process { StartInfo = With([.. Run, configPath]) };
        signals.HasProgram = true;
        Start(child);
        new Thread(() =>
        {
            child.WaitForExit();
            signals.Add(ProxySignal.ChildEnded);
        })
        { IsBackground = true }.Start();
        bool isEnding = false;
        for (; ; )
        {
            switch (signals.Next())
            {
                case ProxySignal.Reload when WaitUntilCaught(child.Id, signals) && reload():
                    _ = kill(child.Id, ReloadSignal);
                    break;
                case ProxySignal.End:
                    isEnding = true;
                    _ = kill(child.Id, StopSignal);
                    // Connections that do not end by themselves are ended. (haproxy's hard-stop-after would end them at each reload too.)
                    new Thread(() =>
                    {
                        Thread.Sleep(_patience);
                        _ = kill(child.Id, SIGTERM);
                    })
                    { IsBackground = true }.Start();
                    break;
                case ProxySignal.ChildEnded:
                    // Told to end while it starts, it ends by the signal, or squid with 1, for want of an open port: both are well.
                    return isEnding ? ExitCode.Ok : child.ExitCode;
            }
        }
    }

    /// <summary>
    /// A program that has not come so far as to catch the signal would end by it. Where it is to end, none waits for that.
    /// </summary>
    private bool WaitUntilCaught(int process, ProxySignals signals)
    {
        const int attempts = 200;
        for (int attempt = 0; attempt < attempts && !signals.Has(ProxySignal.End) && !signals.Has(ProxySignal.ChildEnded); attempt++)
        {
            if (Catches(process, ReloadSignal))
            {
                return true;
            }

            Thread.Sleep(TimeSpan.FromMilliseconds(50));
        }

        StandardError.WriteError($"{Name} does not listen to signals: it goes on with what it had");
        return false;
    }

    private static bool Catches(int process, int signal)
    {
        try
        {
            // SigCgt:	00000000000a1201, of which the lowest bit is signal 1.
            string? line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(
                line => line.StartsWith("SigCgt:", StringComparison.Ordinal));
            return ulong.TryParse(
                line.AsSpan(Math.Min(7, line?.Length ?? 0)).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture,
                out ulong mask) && (mask >> (signal - 1) & 1) == 1;
        }
        catch (IOException)
        {
            // It has ended.
            return false;
        }
    }

    private ProcessStartInfo With(string[] arguments) => new(Executable, arguments) { WorkingDirectory = Folder };

    private void Start(Process process)
    {
        try
        {
            process.Start();
        }
        catch (Win32Exception failure)
        {
            throw new UsageException($"cannot run {Name}: {failure.Message}");
        }
    }
}
