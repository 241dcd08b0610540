using Shared;

namespace SystemTests;

/// <summary><c>make demo</c> of README, as a reader runs it, but for the building.</summary>
public class DemoTests
{
    [RootTheory]
    [InlineData("redirect")]
    [InlineData("http-proxy")]
    [InlineData("dns-proxy")]
    public void The_server_sees_the_reserved_address(string mode)
    {
        string[] before = Directory.Exists("/run/netns") ? Directory.GetFiles("/run/netns", "demo-*") : [];
        CommandResult result = Command.Run(Repository.PathOf("scripts", "demo.sh"), [mode], limit: TimeSpan.FromMinutes(2));
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("192.168.12.99", result.Stdout, StringComparison.Ordinal);
        Assert.Equal(before, Directory.GetFiles("/run/netns", "demo-*"));
    }
}
