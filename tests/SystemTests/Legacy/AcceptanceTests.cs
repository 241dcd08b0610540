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
        CommandResult result = Command.Run("haproxy", ["-c", "-f", file]);
        Assert.Equal(0, result.ExitCode);
        Assert.DoesNotMatch("(?i)warning|alert", result.Stderr);
    }

    private static TheoryData<string> Files(string folder) =>
        [.. Directory.GetFiles(Repository.PathOf("testdata", "legacy", folder), "*.verified.txt").Order(StringComparer.Ordinal)];
}
