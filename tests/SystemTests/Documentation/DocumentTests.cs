using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using EgressRouter.Config;
using Shared;
using SystemTests.Packaging;

namespace SystemTests;

/// <summary>What README and docs/ lead to is there, and what they show is so.</summary>
public partial class DocumentTests
{
    private static readonly string[] _languages = ["sh", "crontab", "console", "yaml", "text"];

    public static TheoryData<string> Files() => [.. Documents.Files().Select(file => Path.GetRelativePath(Repository.Root, file))];

    /// <summary>Every relative link leads to a file, and to a heading in it where it names one.</summary>
    [Theory]
    [MemberData(nameof(Files))]
    public void Links_lead_somewhere(string document)
    {
        string path = Repository.PathOf(document);
        foreach (Match link in Link().Matches(File.ReadAllText(path)))
        {
            string[] parts = link.Groups[1].Value.Split('#');
            string target = parts[0].Length == 0 ? path : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, parts[0]));
            Assert.True(Path.Exists(target), $"{document}: there is no {link.Groups[1].Value}");
            if (parts.Length == 2)
            {
                Assert.True(
                    File.ReadLines(target).Where(line => line.StartsWith('#')).Select(Anchor).Contains(parts[1]),
                    $"{document}: {parts[0]} has no heading #{parts[1]}");
            }
        }
    }

    /// <summary>
    /// Every block says what it is, so that no command hides in it: sh and crontab are commands, console commands and what they
    /// print, yaml objects; text is none of these. The backticks of a line are pairs, so that none hides in the text.
    /// </summary>
    [Theory]
    [MemberData(nameof(Files))]
    public void Blocks_say_what_they_are(string document)
    {
        string file = Repository.PathOf(document);
        Assert.All(Documents.Blocks(file), block => Assert.Contains(block.Language, _languages));
        Assert.Equal(
            2 * Documents.Blocks(file).Count(),
            File.ReadLines(file).Count(line => line.TrimStart().StartsWith("```", StringComparison.Ordinal)));
        Assert.All(
            File.ReadLines(file),
            line => Assert.True(line.Contains("```", StringComparison.Ordinal) || line.Count(letter => letter == '`') % 2 == 0, line));
    }

    /// <summary>Every object in a document has the keys that Kubernetes knows, and every network configuration is valid.</summary>
    [Fact]
    public void Configurations_are_valid()
    {
        string[] blocks = [.. Documents.Files().SelectMany(Documents.Blocks).Where(block => block.Language == "yaml")
            .Select(block => block.Text)];
        Assert.NotEmpty(blocks);
        foreach (string block in blocks)
        {
            if (block.Contains("\nkind: EgressIP\n", StringComparison.Ordinal))
            {
                // There are no nodes, so no address has one; all else is right.
                CommandResult simulated = Command.Run(EgressIp.OperatorProcess.Program, ["simulate", "-f", "-"], block);
                Assert.True(simulated is { ExitCode: 1, Stderr: "" }, $"{block}\n{simulated}");
                continue;
            }

            Assert.Empty(Schema.FaultsOf(block));
            if (block.Contains("\nkind: EgressRouter\n", StringComparison.Ordinal))
            {
                CommandResult converted = Command.Run(Lab.Ctl, ["convert", "-"], block);
                Assert.True(converted is { ExitCode: 0, Stderr: "" }, $"{block}\n{converted}");
                continue;
            }

            CommandResult result = Command.Run(Lab.Ctl, ["validate", "-"], block);
            Assert.True(result is { ExitCode: 0, Stdout: "the configuration is valid\n", Stderr: "" }, $"{block}\n{result}");
        }
    }

    /// <summary>Parts of a configuration in the text, such as <c>"mac": "stable"</c>, are JSON with known keys.</summary>
    [Fact]
    public void Parts_of_configurations_have_known_keys()
    {
        string[] known = [.. KnownKeys.Top, .. KnownKeys.Ip, .. KnownKeys.InterfaceArgs, .. KnownKeys.Dns, "ips"];
        string[] parts = [.. Documents.Files().SelectMany(Documents.Snippets)
            .Where(text => text.StartsWith('"') && text.Contains("\":", StringComparison.Ordinal)).Distinct()];
        Assert.True(parts.Length >= 4, string.Join('\n', parts));
        Assert.All(parts, part => AssertKnown(JsonNode.Parse($"{{{part}}}")));

        void AssertKnown(JsonNode? node) => Assert.All(node as JsonObject ?? [], member =>
        {
            Assert.Contains(member.Key, known);
            AssertKnown(member.Value);
        });
    }

    /// <summary>As GitHub names headings.</summary>
    private static string Anchor(string heading) =>
        string.Concat(
            heading.TrimStart('#').Trim().ToLowerInvariant().Where(letter => char.IsLetterOrDigit(letter) || letter is ' ' or '-' or '_'))
                .Replace(' ', '-');

    [GeneratedRegex(@"\]\((?!https?:)([^)\s]+)\)")]
    private static partial Regex Link();
}
