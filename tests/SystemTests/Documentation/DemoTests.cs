using System.Diagnostics;
using System.Globalization;
using Shared;

namespace SystemTests;

/// <summary><c>make demo</c> of README, as a reader runs it, but for the building. Nothing of a demo is left when it ends.</summary>
public class DemoTests
{
    private const string Spaces = "/run/netns";

    [RootTheory]
    [InlineData("redirect", "the destination saw 192.168.12.99")]
    [InlineData("http-proxy", "the server saw 192.168.12.99")]
    [InlineData("dns-proxy", "both servers saw 192.168.12.99")]
    [InlineData("egress-ip", "the server saw the pods of shop as 192.0.2.100 and 2001:db8:2::100")]
    [InlineData("pair", "the server saw 192.168.12.99, and no other address")]
    public void The_server_sees_the_reserved_address(string mode, string done)
    {
        using Process demo = Start(mode);
        Task<string> stdout = demo.StandardOutput.ReadToEndAsync(), stderr = demo.StandardError.ReadToEndAsync();
        Assert.True(demo.WaitForExit(TimeSpan.FromMinutes(2)), "it does not end");
        Assert.True(demo.ExitCode == 0, $"{stdout.Result}\n{stderr.Result}");
        Assert.Contains($"\n# Done: {done}", stdout.Result, StringComparison.Ordinal);
        AssertNothingIsLeft(demo);
    }

    /// <summary>Ctrl-C while nodes are made, while agents start, and when all run.</summary>
    [RootTheory]
    [InlineData("INT", "# The objects")]
    [InlineData("TERM", "# egress-operator status")]
    [InlineData("TERM", "# Failover")]
    public void It_leaves_nothing_when_it_is_interrupted(string signal, string after)
    {
        using Process demo = Start("egress-ip");
        Task<string> stderr = demo.StandardError.ReadToEndAsync();
        while (demo.StandardOutput.ReadLine() is string line && !line.StartsWith(after, StringComparison.Ordinal))
        {
        }

        Task<string> rest = demo.StandardOutput.ReadToEndAsync();
        Thread.Sleep(500);
        Command.Must("kill", ["-s", signal, demo.Id.ToString(CultureInfo.InvariantCulture)]);
        // A command of at most 20 s ends first.
        Assert.True(demo.WaitForExit(TimeSpan.FromSeconds(40)), "it does not end");
        Assert.True(demo.ExitCode == (signal == "INT" ? 130 : 143), $"{demo.ExitCode}: {rest.Result}\n{stderr.Result}");
        AssertNothingIsLeft(demo);
    }

    private static Process Start(string mode)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("er-demo-");
        // For the proxies, which are ordinary users.
        folder.UnixFileMode = (UnixFileMode)0b111_101_101;
        return Process.Start(new ProcessStartInfo("env", ["--default-signal=INT", "bash", Repository.PathOf("scripts", "demo.sh"), mode])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // By this name, its processes and files are known.
            Environment = { ["TMPDIR"] = folder.FullName },
        })!;
    }

    /// <summary>No namespace, no file, and no process.</summary>
    private static void AssertNothingIsLeft(Process demo)
    {
        string folder = demo.StartInfo.Environment["TMPDIR"]!;
        Assert.Empty(Directory.GetFileSystemEntries(folder));
        Directory.Delete(folder);
        string suffix = $"-{demo.Id.ToString(CultureInfo.InvariantCulture)}";
        Assert.DoesNotContain(
            Directory.Exists(Spaces) ? Directory.GetFiles(Spaces, "demo-*") : [], file => file.EndsWith(suffix, StringComparison.Ordinal));
        Assert.DoesNotContain(Directory.GetDirectories("/proc"), process => HasVariable(process, $"TMPDIR={folder}"));
    }

    private static bool HasVariable(string process, string variable)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "environ")).Split('\0').Contains(variable);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            // No process, or one that has ended.
            return false;
        }
    }
}
