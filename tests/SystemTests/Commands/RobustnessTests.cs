using System.Text.Json.Nodes;
using Shared;

namespace SystemTests;

/// <summary>
/// The executable itself, which is compiled ahead of time, reads what the unit tests give to the same code under
/// another runtime: it must answer, never die.
/// </summary>
public class RobustnessTests
{
    private const string Head = """{"cniVersion":"1.0.0","name":"n","type":"egress-router" """;

    public static TheoryData<string, string> Texts => new()
    {
        { "a name with an escape", Head + ""","a\n":1}""" },
        { "a name with a Unicode escape", Head + ""","args":{"cni":{"a\u003eb":"1"}}}""" },
        { "a name with an escaped slash", Head + ""","a\/b":1}""" },
        { "17 members", Head + $",\"args\":{{\"cni\":{{{Members(17)}}}}}}}" },
        { "33 members", Head + $",\"args\":{{\"cni\":{{{Members(33)}}}}}}}" },
        { "30,000 members", Head + $",\"args\":{{\"cni\":{{{Members(30_000)}}}}}}}" },
        { "300 members at the top", Head + $",{Members(300)}}}" },
    };

    [Theory]
    [MemberData(nameof(Texts))]
    public void DEL_reads_any_valid_configuration(string what, string json)
    {
        Assert.NotEmpty(what);
        Delete(json).AssertSuccess();
    }

    public static TheoryData<string> Corpus =>
        [.. Directory.EnumerateFiles(Repository.PathOf("testdata", "config"), "*.json", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Repository.Root, file)).Order(StringComparer.Ordinal)];

    /// <summary>
    /// ADD in a namespace that is not there: every configuration is read in full before that is noticed, so that a valid one
    /// comes so far, or to an IPAM plugin that is not there, and an invalid one does not.
    /// </summary>
    [Theory]
    [MemberData(nameof(Corpus))]
    public void ADD_answers_every_configuration_with_one_error(string file)
    {
        // Some name a log file, which would be made.
        string json = Named(File.ReadAllText(Repository.PathOf(file)).Replace("\"log_file\"", "\"log-file\"", StringComparison.Ordinal));
        int[] expected = !file.Contains("/invalid/", StringComparison.Ordinal) ? [8, 103]
            : file.Contains("log-file", StringComparison.Ordinal) ? [8]
            : [2, 6, 7];
        Run("ADD", json, ("CNI_NETNS", "/run/netns/er-absent"), ("CNI_ARGS", ArgsOf(json))).AssertError(expected);
    }

    /// <summary>CNI_ARGS stand in the file too, where no configuration has them.</summary>
    private static string ArgsOf(string json) =>
        json.Contains("cni.dev/test-args", StringComparison.Ordinal)
            ? string.Join(';', JsonNode.Parse(json)!["cni.dev/test-args"]!.AsObject().Select(pair => $"{pair.Key}={pair.Value}"))
            : "";

    /// <summary>A configuration without a name is refused for that alone. Not parsed: how it is written is what is tested.</summary>
    private static string Named(string json) =>
        json.StartsWith('{') && !json.Contains("\"name\"", StringComparison.Ordinal) ? "{\"name\":\"n\"," + json[1..] : json;

    private static CommandResult Delete(string json) => Run("DEL", json);

    private static CommandResult Run(string verb, string json, params (string Name, string Value)[] more) => Command.Run(
        Lab.Plugin,
        [],
        json,
        new Dictionary<string, string>(more.Select(pair => KeyValuePair.Create(pair.Name, pair.Value)))
        {
            ["CNI_COMMAND"] = verb,
            ["CNI_CONTAINERID"] = "c",
            ["CNI_IFNAME"] = "net1",
            ["CNI_PATH"] = Path.GetDirectoryName(Lab.Plugin)!,
        });

    private static string Members(int count) => string.Join(',', Enumerable.Range(0, count).Select(i => $"\"k{i}\":{i}"));
}
