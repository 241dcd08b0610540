using System.Diagnostics;
using System.Globalization;
using System.Text;
using Shared;

namespace SystemTests.Legacy;

/// <summary>
/// A proxy as its container runs it in the lab's pod: an ordinary user without any capability, a resolv.conf of the pod's
/// own, and output that belongs to that user.
/// </summary>
internal sealed class ProxyProcess : IDisposable
{
    private const string User = "65534";

    private readonly Process _process;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("er-proxy-");
    private readonly StringBuilder _output = new();
    private readonly string _verb;
    private readonly Lab _lab;
    private readonly string _runName;

    /// <param name="lab">The lab, whose pod has its egress interface already.</param>
    /// <param name="verb">http-proxy or dns-proxy.</param>
    /// <param name="list">The destinations.</param>
    /// <param name="asFile">Whether they are in a file: <see cref="Change"/> changes it.</param>
    /// <param name="isDebugging">Whether what is done is logged.</param>
    /// <param name="asPipe">Whether they come by a pipe, at which the start waits: <see cref="FillPipe"/>.</param>
    /// <param name="startsInClosedFolder">Whether it starts in a folder that its user may not enter, as root's home.</param>
    /// <param name="runName">The name of the folder of its configuration and its socket.</param>
    /// <param name="maxFiles">How many files it may have open; null: as many as this process.</param>
    /// <param name="arguments">More arguments.</param>
    public ProxyProcess(
        Lab lab, string verb, string list, bool asFile = false, bool isDebugging = false, bool asPipe = false,
        bool startsInClosedFolder = false, string runName = "run",
        int? maxFiles = null, params string[] arguments)
    {
        (_verb, _lab, _runName) = (verb, lab, runName);
        if (asPipe)
        {
            asFile = true;
            Command.Must("mkfifo", [ListPath]);
        }
        else
        {
            File.WriteAllText(ListPath, list);
        }

        File.WriteAllText(Path.Combine(_folder.FullName, "resolv.conf"), $"nameserver {DnsServer.Address}\n");
        Command.Must("chmod", ["-R", "a+rX", _folder.FullName]);
        Directory.CreateDirectory(RunPath);
        DirectoryInfo closed = _folder.CreateSubdirectory("closed");
        closed.UnixFileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Command.Must("chown", [User, RunPath]);
        string variable = verb == "http-proxy" ? "EGRESS_HTTP_PROXY" : "EGRESS_DNS_PROXY";
        _process = new Process
        {
            StartInfo = new ProcessStartInfo("/usr/bin/nsenter", [
                "--net=" + Lab.PathOf(lab.Pod), "unshare", "--mount", "sh", "-c",
                $"mount --bind {_folder.FullName}/resolv.conf /etc/resolv.conf && chown {User} /proc/self/fd/1 /proc/self/fd/2 && exec \"$@\"", "sh",
                .. maxFiles is int limit ? new[] { "prlimit", $"--nofile={limit}" } : [], "setpriv", $"--reuid={User}", $"--regid={User}",
                "--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs",
                Lab.Ctl, verb, "--directory", RunPath, .. asFile ? new[] { "--file", ListPath } : [], .. arguments])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = startsInClosedFolder ? closed.FullName : "",
            },
        };
        if (!asFile)
        {
            _process.StartInfo.Environment[variable + "_DESTINATION"] = list;
        }

        if (isDebugging)
        {
            _process.StartInfo.Environment[variable + "_DEBUG"] = "1";
        }

        _process.OutputDataReceived += (_, line) => Take(line.Data);
        _process.ErrorDataReceived += (_, line) => Take(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>All that it has said.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>The process, which nsenter and the others have become.</summary>
    public int Id => _process.Id;

    /// <summary>What the process runs now.</summary>
    public string ProgramName => File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{Id}/comm")).Trim();

    /// <summary>Where the process is.</summary>
    public string? Folder =>
        File.ResolveLinkTarget(string.Create(CultureInfo.InvariantCulture, $"/proc/{Id}/cwd"), returnFinalTarget: false)?.FullName;

    private string ListPath => Path.Combine(_folder.FullName, "destinations");

    private string RunPath => Path.Combine(_folder.FullName, _runName);

    /// <summary>Waits until it serves.</summary>
    public ProxyProcess Ready()
    {
        WaitFor(() => _process.HasExited || Health() is { ExitCode: 0 }, "ready");
        Assert.False(_process.HasExited, Output);
        Assert.DoesNotContain("Process terminated", Output, StringComparison.Ordinal);
        return this;
    }

    /// <summary>As the kubelet asks it: in the container.</summary>
    public CommandResult Health() => Command.Run(
        "nsenter",
        ["--net=" + Lab.PathOf(_lab.Pod), "setpriv", $"--reuid={User}", $"--regid={User}", "--clear-groups", Lab.Ctl, "proxy-health",
            "--directory", RunPath, _verb]);

    /// <summary>Changes the list and says so.</summary>
    public void Change(string list)
    {
        File.WriteAllText(ListPath, list);
        Signal("HUP");
    }

    /// <summary>Gives the process what it waits for; a file takes the pipe's place before.</summary>
    public void FillPipe(string list, string then)
    {
        using var pipe = new StreamWriter(new FileStream(ListPath, FileMode.Open, FileAccess.Write));
        File.Delete(ListPath);
        File.WriteAllText(ListPath, then);
        pipe.Write(list);
    }

    /// <summary>Whether it has come so far as to catch all that it may be told: SIGUSR1, the tenth, is the last.</summary>
    public bool CatchesSignals() =>
        File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{Id}/status"))
            .Any(line => line.StartsWith("SigCgt:", StringComparison.Ordinal) && (Convert.ToUInt64(line[7..].Trim(), 16) >> 9 & 1) == 1);

    public void Signal(string signal) => Command.Must("kill", ["-" + signal, string.Create(CultureInfo.InvariantCulture, $"{Id}")]);

    /// <summary>Waits for its end, and returns the exit code.</summary>
    public int WaitForExit()
    {
        Assert.True(_process.WaitForExit(TimeSpan.FromSeconds(15)), $"it goes on: {Output}");
        return _process.ExitCode;
    }

    /// <summary>Waits for something to come true.</summary>
    public void WaitFor(Func<bool> condition, string what) => Eventually.IsTrue(condition, () => $"not {what}: {Output}", seconds: 20);

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            // With the children of one that supervises, or has workers.
            _process.Kill(entireProcessTree: true);
        }

        _process.WaitForExit();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    private void Take(string? line)
    {
        lock (_output)
        {
            _output.Append(line).Append('\n');
        }
    }
}
