using EgressRouter.Legacy;
using Shared;

namespace SystemTests.Legacy;

/// <summary>The golden files of the generated configurations, judged by the programs that they are for.</summary>
public class AcceptanceTests
{
    public static TheoryData<string> Squid => Files("http-proxy");

    public static TheoryData<string> Haproxy => Files("dns-proxy");

    [Theory]
    [MemberData(nameof(Squid))]
    public void Squid_accepts(string file)
    {
        CommandResult result = Command.Run("squid", ["-k", "parse", "-f", file]);
        Assert.Equal(0, result.ExitCode);
        Assert.DoesNotMatch("(?i)warning|error|fatal|unrecognized", result.Stderr);
    }

    [Theory]
    [MemberData(nameof(Haproxy))]
    public void Haproxy_accepts(string file)
    {
        // The script is where the configuration says, in a folder that this machine may not have.
        string folder = Directory.CreateTempSubdirectory("er-haproxy-").FullName;
        try
        {
            string script = Path.Combine(folder, HaproxyConfig.ScriptName);
            string config = Path.Combine(folder, "haproxy.cfg");
            File.WriteAllText(script, HaproxyConfig.Script);
            File.WriteAllText(config, File.ReadAllText(file).Replace(
                $"/run/egress-router/{HaproxyConfig.ScriptName}", script, StringComparison.Ordinal));
            CommandResult result = Command.Run("haproxy", ["-c", "-f", config]);
            Assert.True(result.ExitCode == 0, result.Stderr);
            Assert.DoesNotMatch("(?i)warning|alert", result.Stderr);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static TheoryData<string> Files(string folder) =>
        [.. Directory.GetFiles(Repository.PathOf("testdata", "legacy", folder), "*.verified.txt").Order(StringComparer.Ordinal)];
}
