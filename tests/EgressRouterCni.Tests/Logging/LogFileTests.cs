using EgressRouterCni.Logging;
using Serilog.Core;
using Serilog.Events;

namespace EgressRouterCni.Tests.Logging;

public sealed class LogFileTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Everybody = (UnixFileMode)0x1ff;

    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_new_file_is_for_its_owner_only_and_gets_each_event_on_a_line()
    {
        Assert.Equal("", Log(_folder["log"], "one", "two"));
        string[] lines = File.ReadAllLines(_folder["log"]);
        Assert.Equal(2, lines.Length);
        Assert.EndsWith("Z [info] one", lines[0], StringComparison.Ordinal);
        Assert.EndsWith("Z [info] two", lines[1], StringComparison.Ordinal);
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(_folder["log"]));
    }

    [Fact]
    public void An_old_file_is_appended_to()
    {
        const string before = "2026-11-21T10:04:42.123Z [info] before\n";
        File.WriteAllText(_folder["log"], before);
        Assert.Equal("", Log(_folder["log"], "after"));
        Assert.StartsWith(before, File.ReadAllText(_folder["log"]), StringComparison.Ordinal);
        Assert.Equal(2, File.ReadAllLines(_folder["log"]).Length);
    }

    [Fact]
    public void Two_writers_at_once_keep_their_lines_apart()
    {
        using Logger first = Create(_folder["log"], out _);
        using Logger second = Create(_folder["log"], out _);
        string filler = new('x', 3000);
        Parallel.ForEach([first, second], writer =>
        {
            for (int i = 0; i < 200; i++)
            {
                writer.Information("{Number} {Filler:l}", i, filler);
            }
        });

        string[] lines = File.ReadAllLines(_folder["log"]);
        Assert.Equal(400, lines.Length);
        Assert.All(lines, line => Assert.EndsWith(filler, line, StringComparison.Ordinal));
        Assert.All(lines, line => Assert.Equal(1, line.Split("[info]").Length - 1));
    }

    [Fact]
    public void A_symbolic_link_is_not_followed()
    {
        File.WriteAllText(_folder["target"], "");
        File.CreateSymbolicLink(_folder["log"], _folder["target"]);
        Assert.Contains("it is a symbolic link", Log(_folder["log"], "x"), StringComparison.Ordinal);
        Assert.Equal("", File.ReadAllText(_folder["target"]));
    }

    [Fact]
    public void A_dangling_link_makes_no_file()
    {
        File.CreateSymbolicLink(_folder["log"], _folder["target"]);
        Assert.Contains("it is a symbolic link", Log(_folder["log"], "x"), StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["target"]));
    }

    [Fact]
    public void A_second_name_of_a_file_is_refused()
    {
        File.WriteAllText(_folder["target"], "");
        _folder.HardLink("target", "log");
        Assert.Contains("it has 2 names", Log(_folder["log"], "x"), StringComparison.Ordinal);
        Assert.Equal("", File.ReadAllText(_folder["target"]));
    }

    [Fact]
    public async Task A_fifo_is_refused_and_not_waited_for()
    {
        _folder.Fifo("log");
        string warning = await Task.Run(() => Log(_folder["log"], "x")).WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Contains("it is not a regular file", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_is_refused()
    {
        // Only root may make devices; everybody may see that those that are there are out of the way.
        Assert.Contains("it is not below", Log("/dev/null", "x"), StringComparison.Ordinal);
        if (Environment.IsPrivilegedProcess)
        {
            using var make = System.Diagnostics.Process.Start("mknod", [_folder["device"], "c", "1", "3"]);
            make.WaitForExit();
            Assert.Contains("it is not a regular file", Log(_folder["device"], "x"), StringComparison.Ordinal);
        }
    }

    /// <summary>What root's shells, cron or systemd read must not get a line of text that a configuration chooses.</summary>
    [Theory]
    [InlineData("/etc/profile.d/egress-router.sh")]
    [InlineData("/var/logs")]
    [InlineData("/var/spool/cron/root")]
    public void A_file_where_no_logs_belong_is_refused(string path)
    {
        Assert.Contains("it is not below /var/log/, /var/tmp/, /tmp/", Log(path, "x"), StringComparison.Ordinal);
        Assert.False(File.Exists(path));
    }

    [Fact]
    public void A_path_that_leads_back_up_is_refused() =>
        Assert.Contains("holds \"..\"", Log("/tmp/../etc/x", "x"), StringComparison.Ordinal);

    /// <summary>Whoever meets the name later (a shell, tar, a terminal) must find a name and nothing else.</summary>
    [Theory]
    [InlineData("--checkpoint-action=exec=sh")]
    [InlineData("-rf")]
    [InlineData(".hidden")]
    [InlineData("*")]
    [InlineData("a b")]
    [InlineData("a\nb.log")]
    [InlineData("a\e[2J.log")]
    [InlineData("a\0b.log")]
    [InlineData("a\u202eb.log")]
    [InlineData("ä.log")]
    [InlineData("-folder/log")]
    [InlineData("folder\n/log")]
    [InlineData("./log")]
    [InlineData("/log")]
    public void What_is_no_plain_name_is_refused(string name)
    {
        string path = $"{_folder["x"][..^2]}/{name}";
        Assert.Contains("a name in the path has other characters than", Log(path, "x"), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_folder["x"][..^2]));
    }

    [Theory]
    [InlineData("log", true)]
    [InlineData("egress-router.log", true)]
    [InlineData("Egress_Router.2.log", true)]
    [InlineData("log.sh", false)]
    [InlineData("log.log.conf", false)]
    [InlineData("log.LOG", false)]
    [InlineData("log.log.1", false)]
    public void A_log_has_the_suffix_of_one_or_none(string name, bool isPlain)
    {
        string warning = Log(_folder[name], "x");
        Assert.Equal(
            isPlain ? "" : "its name has another suffix than .log\n",
            isPlain ? warning : warning[(warning.LastIndexOf(": ", StringComparison.Ordinal) + 2)..]);
        Assert.Equal(isPlain, File.Exists(_folder[name]));
    }

    /// <summary>What is in these folders, collectors take for the words of the pod that the name says.</summary>
    [Theory]
    [InlineData("/var/log/containers/web-0_default_web-1234.log")]
    [InlineData("/var/log/pods/default_web-0_1234/web/0.log")]
    [InlineData("/var/log/egressrouter/x.log")]
    [InlineData("/var/log/audit/x.log")]
    [InlineData("/var/log/dpkg.log")]
    [InlineData("/var/log/syslog")]
    public void The_log_of_another_program_is_refused(string path) =>
        Assert.Contains("does not begin with egress-router", Log(path, "x"), StringComparison.Ordinal);

    [Fact]
    public void A_folder_of_our_own_below_var_log_will_do()
    {
        if (!Folder.IsRoot)
        {
            return;
        }

        string folder = $"/var/log/egress-router-{Environment.ProcessId}";
        Directory.CreateDirectory(folder);
        try
        {
            Assert.Equal("", Log(folder + "/x.log", "x"));
            Assert.True(File.Exists(folder + "/x.log"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("#!/bin/sh\n")]
    [InlineData("x")]
    [InlineData("2026-11-21T10:04:42.123")]
    [InlineData("2026-13-21T10:04:42.123Z [info] x")]
    public void A_file_that_is_no_log_of_ours_is_left_alone(string content)
    {
        File.WriteAllText(_folder["log"], content);
        Assert.Contains("is not a log of this plugin", Log(_folder["log"], "x"), StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(_folder["log"]));
    }

    [Fact]
    public void A_directory_is_refused()
    {
        string directory = _folder.Make("log", Everybody);
        Assert.Contains("it is not a regular file", Log(directory, "x"), StringComparison.Ordinal);
        Assert.Contains("that of a directory", Log(directory + "/", "x"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("log")]
    [InlineData("./log")]
    [InlineData("../log")]
    public void A_relative_path_is_refused(string path) =>
        Assert.Contains("the path is not absolute", Log(path, "x"), StringComparison.Ordinal);

    [Fact]
    public void A_folder_that_is_not_there_is_told()
    {
        Assert.Contains("No such file or directory", Log(_folder["none/log"], "x"), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["none"]));
    }

    [Fact]
    public void A_folder_where_everybody_writes_is_refused_at_any_depth()
    {
        _folder.Make("open", Everybody);
        _folder.Make("open/inner", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Assert.Contains("everybody may write to", Log(_folder["open/log"], "x"), StringComparison.Ordinal);
        Assert.Contains("everybody may write to", Log(_folder["open/inner/log"], "x"), StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["open/log"]));
    }

    [Fact]
    public void A_sticky_folder_will_do()
    {
        _folder.Make("tmp", Everybody | UnixFileMode.StickyBit);
        Assert.Equal("", Log(_folder["tmp/log"], "x"));
        Assert.True(File.Exists(_folder["tmp/log"]));
    }

    [Fact]
    public void A_link_of_our_own_on_the_way_will_do_unless_it_leads_to_an_open_folder()
    {
        _folder.Make("closed", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        _folder.Make("open", Everybody);
        Directory.CreateSymbolicLink(_folder["good"], _folder["closed"]);
        Directory.CreateSymbolicLink(_folder["bad"], _folder["open"]);
        Assert.Equal("", Log(_folder["good/log"], "x"));
        Assert.True(File.Exists(_folder["closed/log"]));
        Assert.Contains("everybody may write to", Log(_folder["bad/log"], "x"), StringComparison.Ordinal);
    }

    [Fact]
    public void What_belongs_to_another_user_is_refused()
    {
        if (!Folder.IsRoot)
        {
            return;
        }

        File.WriteAllText(_folder["log"], "");
        _folder.GiveAway("log");
        Assert.Contains("it belongs to user 65534", Log(_folder["log"], "x"), StringComparison.Ordinal);

        _folder.Make("theirs", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        _folder.GiveAway("theirs");
        Assert.Contains("belongs to user 65534", Log(_folder["theirs/log"], "x"), StringComparison.Ordinal);

        _folder.Make("ours", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Directory.CreateSymbolicLink(_folder["link"], _folder["ours"]);
        _folder.GiveAway("link");
        Assert.Contains("belongs to user 65534", Log(_folder["link/log"], "x"), StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["ours/log"]));
    }

    [Fact]
    public void A_file_that_is_large_enough_is_left_alone()
    {
        const long cap = 64 * 1024 * 1024;
        using (FileStream file = File.Create(_folder["log"]))
        {
            file.Write("2026-11-21T10:04:42.123Z [info] before\n"u8);
            file.SetLength(cap);
        }

        Assert.Contains("it has reached 64 MiB", Log(_folder["log"], "x"), StringComparison.Ordinal);
        Assert.Equal(cap, new FileInfo(_folder["log"]).Length);

        using (FileStream file = File.OpenWrite(_folder["log"]))
        {
            file.SetLength(cap - 1);
        }

        Assert.Equal("", Log(_folder["log"], "x"));
        Assert.True(new FileInfo(_folder["log"]).Length > cap);
    }

    [Fact]
    public void A_warning_is_one_line_with_the_path_and_the_events_still_go_to_stderr()
    {
        using var stderr = new StringWriter();
        using (var logger = (Logger)LogSetup.Create("no\nwhere", LogEventLevel.Information, stderr))
        {
            logger.Information("still here");
        }

        string[] lines = stderr.ToString().Split('\n');
        Assert.EndsWith(@"[warning] not logging to no\nwhere: the path is not absolute", lines[0], StringComparison.Ordinal);
        Assert.EndsWith("[info] still here", lines[1], StringComparison.Ordinal);
        Assert.Equal(3, lines.Length);
    }

    [Fact]
    public void A_full_disk_is_said_once_and_thrown_never()
    {
        var warnings = new List<string>();
        using var stream = new AppendStream(File.OpenHandle("/dev/full", FileMode.Open, FileAccess.Write), warnings.Add);
        for (int i = 0; i < 3; i++)
        {
            stream.Write("line\n"u8);
            stream.Flush();
        }

        stream.Write("last\n"u8);
        stream.Dispose();
        Assert.Equal("No space left on device", Assert.Single(warnings));
    }

    [Fact]
    public void The_file_is_closed_with_the_logger()
    {
        Log(_folder["log"], "x");
        Assert.DoesNotContain(
            Directory.GetFiles("/proc/self/fd"),
            descriptor => File.ResolveLinkTarget(descriptor, false)?.FullName == _folder["log"]);
    }

    /// <summary>Logs the events and returns what the logger warned of.</summary>
    private static string Log(string path, params string[] events)
    {
        using Logger logger = Create(path, out StringWriter stderr);
        string warnings = stderr.ToString();
        foreach (string text in events)
        {
            logger.Information("{Text:l}", text);
        }

        return warnings;
    }

    [Fact]
    public void A_stderr_that_cannot_be_written_does_not_matter()
    {
        var closed = new StringWriter();
        closed.Dispose();
        using var logger = (Logger)LogSetup.Create("relative", LogEventLevel.Information, closed);
        logger.Error("x");
    }

    private static Logger Create(string path, out StringWriter stderr)
    {
        stderr = new StringWriter();
        return (Logger)LogSetup.Create(path, LogEventLevel.Information, stderr);
    }
}
