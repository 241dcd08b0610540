using EgressRouter.Config;
using EgressRouter.Legacy;
using Shared;

namespace EgressRouter.Tests.Legacy;

/// <summary>Each mode accepts every line in docs/legacy-modes.md's tables of documented lines.</summary>
public class DocumentedTests
{
    [Theory]
    [InlineData("## Redirect", 6)]
    [InlineData("## HTTP proxy", 14)]
    [InlineData("## DNS proxy", 7)]
    public void A_documented_line_works(string section, int count)
    {
        string[] lines = [.. Lines(section)];
        Assert.Equal(count, lines.Length);
        Assert.All(lines, line => Assert.Empty(FaultsOf(section, line)));
    }

    /// <summary>The code spans of the first column.</summary>
    private static IEnumerable<string> Lines(string section) => File.ReadAllLines(Repository.PathOf("docs", "legacy-modes.md"))
        .SkipWhile(line => line != section).Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
        .SkipWhile(line => !line.StartsWith("| documented line ", StringComparison.Ordinal)).Skip(2).TakeWhile(line => line.StartsWith('|'))
        .SelectMany(row => row.Split('|')[1].Split('`').Where((_, index) => index % 2 == 1));

    private static IEnumerable<string> FaultsOf(string section, string line)
    {
        var faults = new List<LegacyFault>();
        switch (section)
        {
            case "## Redirect":
                faults.AddRange(
                    LegacyLines.Of(line).Where(
                        text => !Destination.TryParse(text.Text, out _, out _)).Select(text => new LegacyFault(1, text.Text)));
                break;
            case "## HTTP proxy":
                _ = HttpProxyList.Read(line, faults);
                break;
            default:
                // A list of only comments is refused.
                _ = DnsProxyList.Read(line + "\n1 203.0.113.1", faults);
                break;
        }

        return faults.Select(fault => fault.Reason);
    }
}
