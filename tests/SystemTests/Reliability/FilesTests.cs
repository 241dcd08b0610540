using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Shared;

namespace SystemTests.Reliability;

/// <summary>
/// Which files, sockets and programs ADD touches: a list in testdata, so that nothing is added to it unseen. Of the node
/// there is the log and nothing else that is written; what is read below /sys and of /proc/self is read by .NET when it starts.
/// </summary>
public sealed partial class FilesTests : IDisposable
{
    private readonly Lab _lab = new();
    private readonly string _folder = Directory.CreateDirectory($"/tmp/er-files-{Guid.NewGuid():n}").FullName;

    public void Dispose()
    {
        _lab.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [RootFact]
    public void ADD_touches_nothing_but_what_is_listed()
    {
        string[] calls = Trace(Config.Changed(Config.TwoAddresses, config =>
        {
            config["conflictDetection"] = "on";
            config["conflictDetectionTimeout"] = 20;
            config["log_file"] = Path.Combine(_folder, "log");
        }));
        Golden.Verify(string.Join('\n', calls), "files", "add");
    }

    [RootFact]
    public void The_IPAM_plugin_is_the_only_program_that_is_run()
    {
        string plugin = Path.Combine(_folder, "fake");
        File.WriteAllText(
            plugin,
            "#!/bin/sh\necho '{\"cniVersion\":\"0.4.0\",\"ips\":[{\"version\":\"4\",\"address\":\"192.168.12.99/24\",\"gateway\":\"192.168.12.1\"}]}'\n");
        File.SetUnixFileMode(plugin, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        string json = Config.Changed(config =>
        {
            config.Remove("ip");
            config["ipam"] = new JsonObject { ["type"] = "fake" };
        });
        Assert.Equal(["run FOLDER/fake", "run OUT/egress-router"], Trace(json, "execve").Order());
    }

    /// <summary>Each file that is read or written, each kind of socket and each program, once.</summary>
    private string[] Trace(string json, string calls = "%file,socket")
    {
        string file = Path.Combine(_folder, "trace");
        CommandResult result = _lab.RunBy(
            ["strace", "-f", "-qq", "-o", file, "-e", "trace=" + calls], "ADD", json, "net1", ("CNI_PATH", _folder));
        Assert.True(result.ExitCode == 0, result.ToString());
        return [.. File.ReadLines(file).Select(Of).OfType<string>().Distinct().Order(StringComparer.Ordinal)];
    }

    private string? Of(string line)
    {
        Match match = Call().Match(line);
        string name = match.Groups["name"].Value;
        string path = match.Groups["path"].Value.Replace(_folder, "FOLDER", StringComparison.Ordinal)
            .Replace(_lab.Pod, "POD", StringComparison.Ordinal)
            .Replace(Path.GetDirectoryName(Lab.Plugin)!, "OUT", StringComparison.Ordinal);
        // What machines and control groups look like differs.
        path = Descriptor().Replace(Machine().Replace(path, "$1/..."), "/proc/self/fd/N");
        return name switch
        {
            "" => null,
            "socket" => $"socket {match.Groups["socket"].Value}",
            "execve" => HasRun(line) ? $"run {path}" : null,
            // By descriptor: it was opened before.
            _ when path.Length == 0 => null,
            "openat" or "open" or "creat" => $"{(Writes().IsMatch(line) ? "write" : "read")} {path}",
            "stat" or "lstat" or "newfstatat" or "statx" or "statfs" or "readlink" or "access" or "faccessat"
                or "faccessat2" => $"look at {path}",
            // Whatever makes, removes or changes a file by its name.
            _ => $"{name} {path}",
        };

        static bool HasRun(string line) => !line.Contains("ENOENT", StringComparison.Ordinal);
    }

    [GeneratedRegex("""^\d+ +(?<name>[a-z0-9_]+)\((?:AT_FDCWD, |\d+, )?(?:"(?<path>[^"]*)"|(?<socket>AF_[A-Z0-9]+, SOCK_[A-Z]+))?""")]
    private static partial Regex Call();

    [GeneratedRegex("^(/sys/fs/cgroup|/sys/devices/system)/.*")]
    private static partial Regex Machine();

    [GeneratedRegex("^/proc/self/fd/[0-9]+$")]
    private static partial Regex Descriptor();

    [GeneratedRegex("O_WRONLY|O_RDWR|O_CREAT")]
    private static partial Regex Writes();
}
