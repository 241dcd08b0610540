using System.Runtime.Versioning;
using Shared;

[assembly: SupportedOSPlatform("linux")]

namespace Cni.Tests;

/// <summary>Delegation to scripts that answer in every way; the system tests delegate to the real plugins.</summary>
public sealed class IpamDelegateTests : IDisposable
{
    private const string Config = """{"cniVersion":"1.0.0","name":"net","type":"egress-router","ipam":{"type":"fake"}}""";

    private readonly string _folder = Directory.CreateTempSubdirectory("ipam-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_plugin_gets_the_configuration_and_the_command()
    {
        Write("""cat > "$0.stdin"; env > "$0.env"; echo '{"cniVersion":"1.0.0","ips":[{"address":"192.0.2.1/24","gateway":"192.0.2.254"}]}'""");
        CniResult result = Find().Add(Request, CancellationToken.None);
        Assert.Equal("192.0.2.1", Assert.Single(result.Ips).Address.ToString());
        Assert.Equal(Config, File.ReadAllText(Path.Combine(_folder, "fake.stdin")));
        Assert.Contains("CNI_COMMAND=ADD\n", File.ReadAllText(Path.Combine(_folder, "fake.env")), StringComparison.Ordinal);
        Find().Forward(CniCommand.Delete, Request);
        Assert.Contains("CNI_COMMAND=DEL\n", File.ReadAllText(Path.Combine(_folder, "fake.env")), StringComparison.Ordinal);
    }

    /// <summary>GC repeats an attachment's DEL in a process whose own environment lacks the attachment's values.</summary>
    [Fact]
    public void The_plugin_gets_the_environment_of_the_request()
    {
        Write("""env > "$0.env" """);
        Call call = Call.Of("DEL", Config);
        call.Environment["CNI_ARGS"] = "A=1;nonsense;B=2=3;=x";
        Find().Forward(CniCommand.Delete, call.Run().Request!);
        Assert.Equal(
            ["CNI_ARGS=A=1;B=2=3", "CNI_COMMAND=DEL", "CNI_CONTAINERID=c0ffee", "CNI_IFNAME=net1", "CNI_NETNS=/run/netns/pod"], Heard());

        Find().Forward(CniCommand.Gc, Call.Of("GC", Config.Replace("1.0.0", "1.1.0", StringComparison.Ordinal)).Run().Request!);
        Assert.Equal(["CNI_COMMAND=GC"], Heard());

        string[] Heard() =>
            [.. File.ReadAllLines(Path.Combine(_folder, "fake.env")).Where(line => line.StartsWith("CNI_", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void The_first_directory_that_has_it_counts()
    {
        string other = Directory.CreateDirectory(Path.Combine(_folder, "other")).FullName;
        Write("exit 3");
        File.WriteAllText(Path.Combine(other, "fake"), "#!/bin/sh\nexit 0\n");
        File.SetUnixFileMode(Path.Combine(other, "fake"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        IpamDelegate.Find("fake", ["/nowhere", other, _folder]).Forward(CniCommand.Check, Request);
    }

    [Theory]
    [InlineData("none", "IPAM plugin \"none\" not found in CNI_PATH ")]
    [InlineData("", "IPAM plugin \"\" not found in CNI_PATH ")]
    [InlineData("..", "IPAM plugin \"..\" not found in CNI_PATH ")]
    [InlineData("../fake", "IPAM plugin \"../fake\" not found in CNI_PATH ")]
    [InlineData("/bin/true", "IPAM plugin \"/bin/true\" not found in CNI_PATH ")]
    public void What_is_not_the_name_of_a_plugin_there_is_not_run(string type, string message)
    {
        Write("exit 0");
        Directory.CreateDirectory(Path.Combine(_folder, "sub"));
        CniException error = Assert.Throws<CniException>(() => IpamDelegate.Find(type, [Path.Combine(_folder, "sub"), _folder]));
        Assert.Equal(CniErrorCode.IpamFailed, error.Code);
        Assert.StartsWith(message, error.Message, StringComparison.Ordinal);
    }

    /// <summary>The plugin would delegate to itself endlessly.</summary>
    [Fact]
    public void The_program_itself_is_not_run_whatever_it_is_called_there()
    {
        File.CreateSymbolicLink(Path.Combine(_folder, "other"), Environment.ProcessPath!);
        File.CreateSymbolicLink(Path.Combine(_folder, "fake"), "other");
        CniException error = Assert.Throws<CniException>(Find);
        Assert.Equal((CniErrorCode.IpamFailed, "ipam.type \"fake\" must not be this plugin"), (error.Code, error.Message));
    }

    [Theory]
    [InlineData("""echo '{"cniVersion":"1.0.0","code":11,"msg":"no address left","details":"more"}'; exit 1""", 11, "IPAM plugin fake: no address left", "more")]
    [InlineData("""echo '{"code":999,"msg":"bad"}'; exit 1""", 999, "IPAM plugin fake: bad", "")]
    [InlineData("""echo "words" >&2; exit 7""", 103, "IPAM plugin fake ended ADD with exit code 7 and no error object", "words")]
    [InlineData("""echo '{"code":0,"msg":"x"}'; exit 1""", 103, "IPAM plugin fake ended ADD with exit code 1 and no error object", "")]
    [InlineData("""kill -9 $$""", 103, "IPAM plugin fake ended ADD with exit code 137 and no error object", "")]
    [InlineData("""exit 0""", 103, "the answer of IPAM plugin fake is not a JSON object", "")]
    [InlineData("""echo '[]'""", 103, "the answer of IPAM plugin fake is not a JSON object", "")]
    [InlineData("""echo '{"ips":[{"address":"x"}]}'""", 103, "the result of IPAM plugin fake.ips[0].address is not an IP address with a prefix length", "")]
    [InlineData("""exec head -c 5000000 /dev/zero""", 103, "the answer of IPAM plugin fake is not a JSON object", "")]
    public void Every_bad_end_is_one_error(string script, int code, string message, string details)
    {
        Write(script);
        CniException error = Assert.Throws<CniException>(() => Find().Add(Request, CancellationToken.None));
        Assert.Equal((code, message, details), ((int)error.Code, error.Message, error.Details));
    }

    [Fact]
    public void A_plugin_is_killed_when_ADD_is_stopped()
    {
        Write("exec sleep 1000");
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        CniException error = Assert.Throws<CniException>(() => Find().Add(Request, stop.Token));
        Assert.Equal("IPAM plugin fake was killed, because a signal ended ADD", error.Message);
    }

    [Fact]
    public void A_plugin_that_does_not_end_is_killed_with_what_it_started()
    {
        Write("""sleep 1000 & echo $! > "$0.child"; wait""");
        var plugin = IpamDelegate.Find("fake", [_folder], TimeSpan.FromSeconds(1));
        Assert.False(plugin.MayHaveAssigned);
        CniException error = Assert.Throws<CniException>(() => plugin.Add(Request, CancellationToken.None));
        Assert.Equal("IPAM plugin fake timed out after 1 s in ADD", error.Message);
        Assert.True(plugin.MayHaveAssigned);
        string child = "/proc/" + File.ReadAllText(Path.Combine(_folder, "fake.child")).Trim();
        Eventually.IsTrue(
            () => !Directory.Exists(child) || File.ReadAllText(child + "/stat").Contains(" Z ", StringComparison.Ordinal),
            "what it started still runs");
    }

    /// <summary>The output is complete when the plugin exits, even if another process keeps the pipes open.</summary>
    [Theory]
    [InlineData("sleep 30 & echo $! > $0.child; echo '{\"ips\":[{\"address\":\"192.0.2.1/24\"}]}'", null)]
    [InlineData("sleep 30 & echo $! > $0.child; echo '{\"code\":11,\"msg\":\"no address left\"}'; exit 1",
        "IPAM plugin fake: no address left")]
    [InlineData("sleep 30 & echo $! > $0.child; echo words >&2; exit 7", "IPAM plugin fake ended ADD with exit code 7 and no error object")]
    [InlineData("exec <&-; sleep 30 & echo $! > $0.child; echo '{\"ips\":[{\"address\":\"192.0.2.1/24\"}]}'", null)]
    public void What_a_plugin_leaves_behind_is_not_waited_for(string script, string? message)
    {
        Write(script);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        IpamDelegate plugin = Find();
        if (message is null)
        {
            Assert.Equal("192.0.2.1", Assert.Single(plugin.Add(Request, CancellationToken.None).Ips).Address.ToString());
        }
        else
        {
            Assert.Equal(message, Assert.Throws<CniException>(() => plugin.Add(Request, CancellationToken.None)).Message);
        }

        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 5);
        System.Diagnostics.Process.GetProcessById(
            int.Parse(File.ReadAllText(Path.Combine(_folder, "fake.child")).Trim(), System.Globalization.CultureInfo.InvariantCulture))
                .Kill();
    }

    /// <summary>If the pipes close with the plugin, its whole output is read without a delay.</summary>
    [Fact]
    public void A_long_answer_is_read_to_its_end()
    {
        Write("printf '{\"ips\":[{\"address\":\"192.0.2.1/24\"}],\"x\":\"'; head -c 900000 /dev/zero | tr '\\0' x; printf '\"}'");
        var watch = System.Diagnostics.Stopwatch.StartNew();
        Assert.Single(Find().Add(Request, CancellationToken.None).Ips);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 1.9);
    }

    [Fact]
    public void What_cannot_be_run_is_one_error()
    {
        File.WriteAllText(Path.Combine(_folder, "fake"), "no program");
        IpamDelegate plugin = Find();
        CniException error = Assert.Throws<CniException>(() => plugin.Forward(CniCommand.Delete, Request));
        Assert.Equal((CniErrorCode.IpamFailed, false), (error.Code, plugin.WasRun));
        Assert.StartsWith("cannot run IPAM plugin fake: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_plugin_that_reads_nothing_may_succeed()
    {
        Write("exec <&-; exit 0");
        string padding = new('x', 500_000);
        Find().Forward(
            CniCommand.Delete,
            Call.Of("DEL", Config.Replace("\"net\"", $"\"net\",\"x\":\"{padding}\"", StringComparison.Ordinal)).Run().Request!);
    }

    private static CniRequest Request => Call.Of("ADD", Config).Run().Request!;

    private IpamDelegate Find() => IpamDelegate.Find("fake", [_folder]);

    private void Write(string script)
    {
        string file = Path.Combine(_folder, "fake");
        File.WriteAllText(file, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
