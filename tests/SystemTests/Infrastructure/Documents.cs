using System.Text.RegularExpressions;
using Shared;

namespace SystemTests;

/// <summary>A block of a document between two fences.</summary>
/// <param name="Language">What stands behind the first fence.</param>
/// <param name="Text">Its lines, without the indentation of a list.</param>
internal sealed record Block(string Language, string Text);

/// <summary>README and the other documents, and the commands in them.</summary>
internal static partial class Documents
{
    /// <summary>With these begins what is a command, where it stands in the text.</summary>
    private static readonly string[] _programs =
    [
        "egress-router", "egress-routerctl", "egress-operator", "/opt/cni/bin/egress-routerctl", "out/egress-routerctl",
        "out/egress-operator", "kubectl", "make", "ip", "nft",
        "nsenter", "tcpdump", "ls", "apt", "apt-get", "skopeo", "podman", "openstack", "crictl",
        "cnitool", "dotnet", "squid", "haproxy", "systemctl", "sysctl", "curl", "jq", "docker", "sudo", "sh", "bash",
    ];

    /// <summary>All that a reader may read.</summary>
    public static IEnumerable<string> Files() =>
        ((string[])["", "docs", "packaging", "cni-conf-examples"]).SelectMany(
            folder => Directory.GetFiles(Repository.PathOf(folder), "*.md"));

    /// <summary>The blocks of a document.</summary>
    public static IEnumerable<Block> Blocks(string file) => Fenced().Matches(File.ReadAllText(file)).Select(block =>
        new Block(block.Groups[2].Value, Regex.Replace(block.Groups[3].Value, "^" + block.Groups[1].Value, "", RegexOptions.Multiline)));

    /// <summary>The command lines in the blocks of a document and in its text, without their remarks.</summary>
    public static IEnumerable<string> Commands(string file) => Blocks(file).SelectMany(block => block.Language switch
    {
        // A loop is one command.
        "sh" => block.Text.Contains("\ndone\n", StringComparison.Ordinal) ? [block.Text] : block.Text.Split('\n'),
        "console" =>
            block.Text.Split('\n').Where(
                line => line.StartsWith("$ ", StringComparison.Ordinal) || line.StartsWith("# ", StringComparison.Ordinal))
                    .Select(line => line[2..]),
        "crontab" => block.Text.Split('\n').Select(line => Schedule().Replace(line, "")),
        _ => [],
    }).Concat(Snippets(file).Where(text => _programs.Contains(ProgramOf(text)) || text.StartsWith("scripts/", StringComparison.Ordinal)))
        .Select(line => Remark().Replace(line, "").Trim()).Where(
            line => line.Contains(' ', StringComparison.Ordinal) && !line.StartsWith('#'));

    /// <summary>What stands between backticks in the text.</summary>
    public static IEnumerable<string> Snippets(string file) =>
        Code().Matches(Fenced().Replace(File.ReadAllText(file), "")).Select(code => code.Groups[1].Value);

    /// <summary>The program of a command line, behind the variables that it gets.</summary>
    public static string ProgramOf(string command) => Variables().Replace(command, "").Split(' ')[0];

    [GeneratedRegex("^( *)```(.*)\n((?:.*\n)*?) *```$", RegexOptions.Multiline)]
    private static partial Regex Fenced();

    [GeneratedRegex("`([^`\n]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"\s+# .*$", RegexOptions.Multiline)]
    private static partial Regex Remark();

    [GeneratedRegex(@"^(\S+ ){5}root ")]
    private static partial Regex Schedule();

    [GeneratedRegex(@"^([A-Z_]+=('[^']*'|\S*) )+")]
    private static partial Regex Variables();
}
