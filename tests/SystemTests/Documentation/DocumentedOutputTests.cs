using System.Text.RegularExpressions;
using Shared;

namespace SystemTests;

/// <summary>What docs/tools.md shows is what is printed.</summary>
public sealed partial class DocumentedOutputTests : IDisposable
{
    private const string Definition = """
        apiVersion: k8s.cni.cncf.io/v1
        kind: NetworkAttachmentDefinition
        metadata:
          name: db
        spec:
          config: '{
            "cniVersion": "0.4.0",
            "type": "egress-router",
            "name": "db",
            "inbound": "deny",
            "interfaceArgs": { "master": "lan0" },
            "ip": {
              "addresses": ["192.168.12.99/24"],
              "gateway": "192.168.12.1",
              "destinations": ["80 tcp 192.168.12.91 8080", "192.168.12.92"]
            }
          }'
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("er-output-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Validate() =>
        AssertShown(
            "validate", "/run/netns/cni-4f1d",
            Definition.Replace(
                "192.168.12.1\"", "10.0.0.1\"", StringComparison.Ordinal).Replace("destinations", "destnations", StringComparison.Ordinal));

    [RootFact]
    public void Status()
    {
        using Lab lab = WithRouter(Definition);
        lab.Serve(Protocol.Tcp, "192.168.12.91", 8080);
        Assert.All(Enumerable.Range(0, 3), _ => Assert.NotNull(lab.Connect(Protocol.Tcp, 80)));
        AssertShown("status", Lab.PathOf(lab.Pod), Definition, lab.Node);
    }

    [RootFact]
    public void Probe()
    {
        string definition = Definition.Replace("192.168.12.1\"", "192.168.12.7\"", StringComparison.Ordinal)
            .Replace("\"80 tcp 192.168.12.91 8080\", \"192.168.12.92\"", "\"5432 tcp 203.0.113.26\"", StringComparison.Ordinal);
        using Lab lab = WithRouter(definition);
        AssertShown("probe", Lab.PathOf(lab.Pod), definition, lab.Node);
    }

    private static Lab WithRouter(string definition)
    {
        var lab = new Lab();
        lab.Add(definition.Split('\'')[1], with: ("CNI_CONTAINERID", "4f1dc0ffee"));
        return lab;
    }

    private void AssertShown(string verb, string netns, string definition, string? node = null)
    {
        string[] shown = Documents.Blocks(Repository.PathOf("docs", "tools.md")).Select(
            block => block.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            .Single(lines => lines[0].StartsWith($"$ egress-routerctl {verb} ", StringComparison.Ordinal));
        File.WriteAllText(Path.Combine(_folder, "nad.yaml"), definition);
        string command =
            $"cd '{_folder}' && {Lab.Ctl} {shown[0]["$ egress-routerctl ".Length..].Replace("/run/netns/cni-4f1d", netns, StringComparison.Ordinal)}";
        CommandResult result = Command.Run("nsenter", [.. node is null ? [] : new[] { "--net=" + Lab.PathOf(node) }, "sh", "-c", command]);
        Assert.Equal("", result.Stderr);
        string[] printed = result.Stdout.Replace(
            netns, "/run/netns/cni-4f1d",
            StringComparison.Ordinal).Replace("lan0", "eth1", StringComparison.Ordinal).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(
            shown[1..].Select(Comparable),
            printed.Zip(
                shown[1..],
                (line, model) => Comparable(model.EndsWith("...", StringComparison.Ordinal) ? line[..(model.Length - 3)] + "..." : line)));
        Assert.True(shown.Length - 1 == printed.Length, result.Stdout);
    }

    /// <summary>Without what is otherwise in each run: what is counted, and the width of its columns.</summary>
    private static string Comparable(string line) => Blanks().Replace(Counted().Replace(line, "N"), "  ");

    [GeneratedRegex(@"(?<=^  connection table: .*)\d+|(?<=  )\d+(?=  |$)")]
    private static partial Regex Counted();

    [GeneratedRegex("  +")]
    private static partial Regex Blanks();
}
