using System.Text.RegularExpressions;
using Shared;

namespace SystemTests;

/// <summary>What README and docs/ tell a reader to do works: links, commands, configurations.</summary>
public sealed partial class DocumentTests : IDisposable
{
    private const string Legacy = """
        apiVersion: v1
        kind: Pod
        metadata:
          name: legacy
          annotations: { pod.network.openshift.io/assign-macvlan: "true" }
        spec:
          initContainers:
            - name: egress-router
              image: openshift/origin-egress-router
              env:
                - { name: EGRESS_SOURCE, value: 192.168.12.99/24 }
                - { name: EGRESS_GATEWAY, value: 192.168.12.1 }
                - { name: EGRESS_DESTINATION, value: "80 tcp 192.168.12.91" }
                - { name: EGRESS_ROUTER_MODE, value: init }
          containers:
            - { name: wait, image: pause }
        """;

    private const string EgressRouter = """
        apiVersion: network.operator.openshift.io/v1
        kind: EgressRouter
        metadata: { name: db }
        spec:
          networkInterface: { macvlan: { mode: Bridge } }
          addresses: [{ ip: 192.168.12.99/24, gateway: 192.168.12.1 }]
          mode: Redirect
          redirect: { redirectRules: [{ destinationIP: 192.168.12.91, port: 80, protocol: TCP }] }
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("er-documents-").FullName;

    public static TheoryData<string> Documents() => [.. Files().Select(file => Path.GetRelativePath(Repository.Root, file))];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Every relative link leads to a file, and to a heading in it where it names one.</summary>
    [Theory]
    [MemberData(nameof(Documents))]
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
                Assert.True(File.ReadLines(target).Where(line => line.StartsWith('#')).Select(Anchor).Contains(parts[1]), $"{document}: {parts[0]} has no heading #{parts[1]}");
            }
        }
    }

    /// <summary>
    /// Every command line with egress-router is run, on a node with a router, in a folder with the files that the documents
    /// speak of. It may find something; that it does not understand the question is a fault of the document.
    /// </summary>
    [RootFact]
    public void Commands_are_understood()
    {
        using var lab = new Lab();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        lab.Add(Config.With("80 tcp 192.168.12.91"));
        string nad = $$"""
            apiVersion: k8s.cni.cncf.io/v1
            kind: NetworkAttachmentDefinition
            metadata: { name: egress-router }
            spec:
              config: '{{Config.With("80 tcp 192.168.12.91")}}'
            """;
        foreach ((string name, string text) in (ReadOnlySpan<(string, string)>)[("nad.yaml", nad), ("legacy-pod.yaml", Legacy), ("pod.yaml", Legacy), ("egressrouters.yaml", EgressRouter)])
        {
            File.WriteAllText(Path.Combine(_folder, name), text);
        }

        Directory.CreateDirectory(Path.Combine(_folder, "bin"));
        string[] commands = [.. Files().SelectMany(Commands).Distinct()];
        Assert.True(commands.Length >= 12, string.Join('\n', commands));
        foreach (string command in commands)
        {
            string line = Namespace().Replace(command, Lab.PathOf(lab.Pod)).Replace("/opt/cni/bin", Path.Combine(_folder, "bin"), StringComparison.Ordinal);
            CommandResult result = Command.Run(
                "nsenter", ["--net=" + Lab.PathOf(lab.Node), "sh", "-c", $"cd '{_folder}' && {line}"],
                environment: new Dictionary<string, string> { ["PATH"] = Path.GetDirectoryName(Lab.Plugin) + ":/usr/sbin:/usr/bin:/sbin:/bin" });
            Assert.True(result is { ExitCode: 0 or 1, Stderr: "" }, $"{command}: {result}");
        }
    }

    /// <summary>Every network configuration in a document is valid.</summary>
    [Fact]
    public void Configurations_are_valid()
    {
        string[] blocks = [.. Files().SelectMany(file => Block().Matches(File.ReadAllText(file))).Select(block => block.Groups[2].Value)
            .Where(text => text.Contains("kind: NetworkAttachmentDefinition\n", StringComparison.Ordinal) || (text.Contains("\"type\": \"egress-router\"", StringComparison.Ordinal) && text.TrimStart().StartsWith('{')))];
        Assert.NotEmpty(blocks);
        foreach (string block in blocks)
        {
            CommandResult result = Command.Run(Lab.Plugin, ["validate", "-"], block);
            Assert.True(result is { ExitCode: 0, Stderr: "" }, $"{block}\n{result}");
        }
    }

    private static IEnumerable<string> Files() =>
        Directory.GetFiles(Repository.Root, "*.md").Concat(Directory.GetFiles(Repository.PathOf("docs"), "*.md")).Concat(
            [Repository.PathOf("packaging", "README.md"), Repository.PathOf("cni-conf-examples", "README.md")]);

    /// <summary>Command lines in blocks and in the text. Those that become another program, or wait, have tests of their own.</summary>
    private static IEnumerable<string> Commands(string file)
    {
        string text = File.ReadAllText(file);
        IEnumerable<string> blocks = Block().Matches(text).SelectMany(block => block.Groups[2].Value.Split('\n'))
            .Select(line => line.StartsWith("$ ", StringComparison.Ordinal) ? line[2..] : line);
        IEnumerable<string> words = Code().Matches(Block().Replace(text, "")).Select(code => code.Groups[1].Value);
        return blocks.Concat(words).Where(line => line.StartsWith("egress-router ", StringComparison.Ordinal)).Select(line => Comment().Replace(line, ""))
            // Of a verb alone the text only speaks.
            .Where(line => line == "egress-router status" || line.Split(' ').Length > 2)
            .Where(line => !line.Contains("FILE", StringComparison.Ordinal) && !line.Contains("VERB", StringComparison.Ordinal))
            .Where(line => line.Split(' ')[1] is "validate" or "explain" or "status" or "probe" or "repair" or "convert" or "install")
            .Where(line => !line.Contains("--watch", StringComparison.Ordinal) && !line.Contains("--stay", StringComparison.Ordinal));
    }

    /// <summary>As GitHub names headings.</summary>
    private static string Anchor(string heading) =>
        string.Concat(heading.TrimStart('#').Trim().ToLowerInvariant().Where(letter => char.IsLetterOrDigit(letter) || letter is ' ' or '-' or '_')).Replace(' ', '-');

    [GeneratedRegex(@"\]\((?!https?:)([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("^```([a-z]*)\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex("`([^`\n]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"\s+#.*$")]
    private static partial Regex Comment();

    [GeneratedRegex("NETNS|/run/netns/[A-Za-z0-9-]+")]
    private static partial Regex Namespace();
}
