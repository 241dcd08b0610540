using System.Text.RegularExpressions;

namespace SystemTests;

/// <summary>
/// The runtime would look at the whole node when it starts: at each mount, at the limits of control groups, at each cache. The plugin
/// is linked without that (src/QuickStart.targets), by names that a newer runtime may have changed.
/// </summary>
public sealed partial class StartupTests : IDisposable
{
    private readonly string _trace = Path.GetTempFileName();

    public void Dispose() => File.Delete(_trace);

    [RootTheory]
    [InlineData("VERSION")]
    [InlineData("ADD")]
    public void Nothing_is_read_that_grows_with_the_node(string verb)
    {
        using var lab = new Lab();
        CommandResult result = lab.RunBy(["strace", "-f", "-qq", "-o", _trace, "-e", "trace=%file"], verb, Config.Redirect);
        Assert.True(result.ExitCode == 0, result.ToString());
        string trace = File.ReadAllText(_trace);
        // What the runtime reads all the same: the trace has the start.
        Assert.Contains("\"/proc/self/maps\"", trace, StringComparison.Ordinal);
        string[] found = [.. OfTheNode().Matches(trace).Select(match => match.Value).Distinct()];
        Assert.True(found.Length == 0, "it looks at " + string.Join(", ", found));
    }

    [GeneratedRegex("""(?<=")(/proc/[^/"]+/(mount[^"]*|cgroup)|/sys/fs/cgroup|/sys/devices/system/(node|cpu/cpu[0-9]))""")]
    private static partial Regex OfTheNode();
}
