using System.Diagnostics;
using System.Globalization;
using SystemTests.Tools;

namespace SystemTests.Packaging;

/// <summary><c>egress-routerctl install</c>, into folders of the test.</summary>
public sealed class InstallTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("er-install-").FullName;

    private string Installed => Path.Combine(_folder, "egress-router");

    private string InstalledTools => Path.Combine(_folder, "egress-routerctl");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_is_installed_are_the_same_files_and_nothing_else_is_left()
    {
        Tool.Run("", "install", "--to", _folder).AssertText($"installed {Installed}, version ");
        Assert.Equal([Installed, InstalledTools], Directory.GetFileSystemEntries(_folder).Order());
        foreach ((string built, string installed) in ((string, string)[])[(Lab.Plugin, Installed), (Lab.Ctl, InstalledTools)])
        {
            Assert.Equal(File.ReadAllBytes(built), File.ReadAllBytes(installed));
            Assert.Equal((UnixFileMode)0b111_101_101, File.GetUnixFileMode(installed));
        }
    }

    /// <summary>Whatever the umask of who installs is, the runtime may run it.</summary>
    [Fact]
    public void A_narrow_umask_does_not_count()
    {
        CommandResult result = Command.Run("sh", ["-c", "umask 077; exec \"$0\" install --to \"$1\"", Lab.Ctl, _folder]);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal((UnixFileMode)0b111_101_101, File.GetUnixFileMode(Installed));
    }

    /// <summary>Writing into a file that runs is an error (ETXTBSY), and would be none for one that is only being read.</summary>
    [Fact]
    public void An_old_one_that_runs_goes_on_and_is_replaced()
    {
        Command.Must("cp", ["/usr/bin/sleep", Installed]);
        using Process old = Process.Start(new ProcessStartInfo(Installed, ["60"]))!;
        try
        {
            Tool.Run("", "install", "--to", _folder).AssertText("installed ");
            Assert.False(old.HasExited);
            Assert.EndsWith(
                "egress-router (deleted)",
                File.ResolveLinkTarget(string.Create(CultureInfo.InvariantCulture, $"/proc/{old.Id}/exe"), false)!.Name,
                StringComparison.Ordinal);
            Assert.Equal(new FileInfo(Lab.Plugin).Length, new FileInfo(Installed).Length);
        }
        finally
        {
            old.Kill();
            old.WaitForExit();
        }
    }

    [Fact]
    public void It_is_taken_away_and_that_twice_is_no_error()
    {
        Tool.Run("", "install", "--to", _folder).AssertText("installed ");
        Tool.Run("", "install", "--to", _folder, "--uninstall").AssertText($"removed {Installed}\nremoved {InstalledTools}\n");
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
        Tool.Run("", "install", "--to", _folder, "--uninstall").AssertText($"{Installed} is not there\n{InstalledTools} is not there\n");
    }

    [Fact]
    public void A_folder_that_is_not_there_is_not_made()
    {
        string absent = Path.Combine(_folder, "absent");
        CommandResult result = Tool.Run("", "install", "--to", absent);
        Assert.True(
            result.ExitCode == 2 && result.Stderr == $"egress-routerctl: --to {absent}: there is no such folder\n", result.ToString());
        Assert.False(Directory.Exists(absent));
    }

    /// <summary>A full disk: the old one stays, and nothing of the new one.</summary>
    [RootFact]
    public void Where_there_is_no_room_the_old_one_stays()
    {
        CommandResult result = Command.Run("unshare", ["--mount", "sh", "-c", """
            mount -t tmpfs -o size=1m tmpfs "$1" && echo old >"$1/egress-router"
            "$0" install --to "$1"; echo "exit code $?"; ls "$1"; cat "$1/egress-router"
            """, Lab.Ctl, _folder]);
        Assert.Equal("exit code 2\negress-router\nold\n", result.Stdout);
        Assert.Contains("No space left on device", result.Stderr, StringComparison.Ordinal);
    }

    /// <summary>
    /// Who ends it politely in the middle gets a whole file or, before it began, none; who kills it leaves none that could be run.
    /// </summary>
    [Fact]
    public void An_installation_that_is_ended_leaves_nothing_half()
    {
        string[] before = [];
        for (int round = 0; round < 20; round++)
        {
            using Process install = Process.Start(
                new ProcessStartInfo(Lab.Ctl, ["install", "--to", _folder]) { RedirectStandardOutput = true })!;
            Thread.Sleep(round * 3);
            _ = Command.Run("kill", [round % 2 == 0 ? "-TERM" : "-KILL", install.Id.ToString(CultureInfo.InvariantCulture)]);
            install.WaitForExit();
            string[] unfinished = Directory.GetFiles(_folder, "*.new-*");
            string[] left = [.. unfinished.Except(before)];
            Assert.True(round % 2 == 1 || left.Length == 0, $"round {round}: {string.Join(' ', left)}");
            before = unfinished;
            Assert.All(
                unfinished.Where(file => new FileInfo(file).Length < new FileInfo(SourceOf(file)).Length),
                file => Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(file)));
            Assert.True(!File.Exists(Installed) || new FileInfo(Installed).Length == new FileInfo(Lab.Plugin).Length);
            // As if an hour had passed: the next one clears up.
            Array.ForEach(unfinished, file => File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddHours(-1)));
        }

        Tool.Run("", "install", "--to", _folder).AssertText("installed ");
        Assert.Equal([Installed, InstalledTools], Directory.GetFileSystemEntries(_folder).Order());
    }

    private static string SourceOf(string file) =>
        Path.GetFileName(file).StartsWith("egress-routerctl", StringComparison.Ordinal) ? Lab.Ctl : Lab.Plugin;

    /// <summary>As the DaemonSet runs it: root without a capability, with nothing to write to but that folder.</summary>
    [RootFact]
    public void It_stays_until_it_is_told_to_end()
    {
        using Process stays = Process.Start(new ProcessStartInfo("setpriv",
            ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", Lab.Ctl, "install", "--to", _folder, "--stay"])
        {
            RedirectStandardOutput = true,
        })!;
        try
        {
            Assert.StartsWith($"installed {Installed}, ", stays.StandardOutput.ReadLine(), StringComparison.Ordinal);
            Assert.StartsWith($"installed {InstalledTools}, ", stays.StandardOutput.ReadLine(), StringComparison.Ordinal);
            // Another installer deletes the plugin; --stay installs it again.
            File.Delete(Installed);
            Assert.Equal($"{Installed} was gone: installed again", stays.StandardOutput.ReadLine());
            Assert.Equal(new FileInfo(Lab.Plugin).Length, new FileInfo(Installed).Length);
            Command.Must("kill", [stays.Id.ToString(CultureInfo.InvariantCulture)]);
            Assert.True(stays.WaitForExit(5000));
            Assert.Equal(0, stays.ExitCode);
        }
        finally
        {
            stays.Kill();
            stays.WaitForExit();
        }
    }
}
