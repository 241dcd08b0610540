using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using EgressRouter.Config;
using EgressRouter.Legacy;
using EgressRouter.Tools;
using static Tmds.Linux.LibC;

namespace EgressRouterCtl.Proxies;

/// <summary>The program that a proxy command runs.</summary>
/// <param name="Name">The program's name.</param>
/// <param name="ConfigName">The name of its configuration file.</param>
/// <param name="Check">The arguments that check a configuration, without its path.</param>
/// <param name="Run">The arguments that run in the foreground, without the configuration's path.</param>
/// <param name="ReloadSignal">Makes the program read its configuration again.</param>
/// <param name="StopSignal">Makes the program exit when its connections have ended, or after a while.</param>
internal sealed record ProxyProgram(string Name, string ConfigName, string[] Check, string[] Run, int ReloadSignal, int StopSignal)
{
    /// <summary>A constant file that the configuration refers to.</summary>
    public (string Name, string Text)? Script { get; init; }

    private static readonly string[] _folders = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"];

    public static ProxyProgram Squid { get; } =
        new("squid", "squid.conf", ["-k", "parse", "-f"], ["-N", "-d", "0", "-f"], SIGHUP, SIGTERM);

    public static ProxyProgram Haproxy { get; } =
        new("haproxy", "haproxy.cfg", ["-c", "-f"], ["-W", "-f"], SIGUSR2,
            SIGUSR1)
        { Script = (HaproxyConfig.ScriptName, HaproxyConfig.Script) };

    /// <summary>
    /// The working directory. haproxy refuses to start in a folder that its user may not enter, such as root's home, because it could not
    /// return to it.
    /// </summary>
    private const string Folder = "/";

    /// <summary>How long connections may continue after a termination signal.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    private string Executable => _folders.Select(folder => $"{folder}/{Name}").FirstOrDefault(File.Exists)
        ?? throw new UsageException($"{Name} is not installed in {string.Join(", ", _folders)}");

    /// <summary>Writes a configuration after the program itself has checked it.</summary>
    /// <param name="directory">The folder's absolute path.</param>
    /// <param name="text">The configuration.</param>
    /// <param name="pod">The configuration's pod; its egress addresses are saved for <see cref="SourcesOf"/>.</param>
    /// <returns>The path of the configuration.</returns>
    /// <exception cref="UsageException">The program refuses the configuration; an earlier one stays unchanged.</exception>
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
        // haproxy writes to one stream that the configuration is valid or what it lacks, and errors to the other.
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

    /// <summary>Returns a configuration to print, with its script as comments.</summary>
    public string Printed(string text) =>
        text.TrimEnd('\n') + (Script is var (name, script) && text.Contains(name, StringComparison.Ordinal)
            ? $"\n\n# {name}:\n{string.Join('\n', script.TrimEnd('\n').Split('\n').Select(line => $"# {line}".TrimEnd()))}" : "");

    /// <summary>Returns the egress addresses of the configuration in a folder.</summary>
    /// <exception cref="UsageException">Another program changed the file that holds them.</exception>
    public ImmutableArray<IPAddress> SourcesOf(string directory) =>
    [
        .. File.ReadLines(SourcesPath(directory)).Select(line => IPAddress.TryParse(line, out IPAddress? source)
            ? source : throw new UsageException($"{SourcesPath(directory)}: it holds a line that is not an IP address")),
    ];

    private string SourcesPath(string directory) => $"{directory}/{ConfigName}.sources";

    /// <summary>Replaces this process by the program.</summary>
    /// <exception cref="UsageException">The program cannot be run.</exception>
    public void Exec(string configPath)
    {
        string executable = Executable;
        // .NET ignores SIGPIPE, and an ignored signal stays ignored after exec.
        _ = Libc.Signal(SIGPIPE, 0);
        Directory.SetCurrentDirectory(Folder);
        _ = Libc.Execv(executable, [executable, .. Run, configPath, null]);
        throw new UsageException($"cannot run {executable}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>
    /// Runs the program as a child and forwards signals: SIGHUP as <see cref="ReloadSignal"/> after <paramref name="reload"/> has
    /// rewritten its configuration, termination signals as <see cref="StopSignal"/>.
    /// </summary>
    /// <param name="configPath">The path of the configuration.</param>
    /// <param name="signals">The signals, including earlier ones.</param>
    /// <param name="reload">Rewrites the configuration; returns false if it is unchanged.</param>
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
                    // Connections that do not end by themselves are closed. haproxy's hard-stop-after would also close them at each reload.
                    new Thread(() =>
                    {
                        Thread.Sleep(_patience);
                        _ = kill(child.Id, SIGTERM);
                    })
                    { IsBackground = true }.Start();
                    break;
                case ProxySignal.ChildEnded:
                    // If it is stopped during its start, it ends by the signal, or squid with 1 because no port is open: both are success.
                    return isEnding ? ExitCode.Ok : child.ExitCode;
            }
        }
    }

    /// <summary>
    /// A program that does not catch the signal yet would be killed by it. Does not wait if the program is to end.
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
            // SigCgt:	00000000000a1201; the lowest bit is signal 1.
            string? line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(
                line => line.StartsWith("SigCgt:", StringComparison.Ordinal));
            return ulong.TryParse(
                line.AsSpan(Math.Min(7, line?.Length ?? 0)).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture,
                out ulong mask) && (mask >> (signal - 1) & 1) == 1;
        }
        catch (IOException)
        {
            // The process has ended.
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
