using System.Text.Json;
using Shared;

namespace EgressOperator.Tests;

/// <summary>Clusters in testdata/egressip/simulate and packaging/operator/examples, and what <c>simulate</c> says of them.</summary>
public class SimulateTests
{
    private const string ArgumentsMark = "# Arguments: ";

    private static readonly string[] _folders = ["testdata/egressip/simulate", "packaging/operator/examples"];

    public static TheoryData<string, string> Runs()
    {
        var runs = new TheoryData<string, string>();
        foreach (string file in Files())
        {
            runs.Add(file, "table");
            runs.Add(file, "json");
        }

        return runs;
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void What_is_printed_is_as_before(string file, string format)
    {
        string arguments = File.ReadLines(Repository.PathOf(file)).FirstOrDefault(
            line => line.StartsWith(ArgumentsMark, StringComparison.Ordinal), ArgumentsMark)[ArgumentsMark.Length..];
        string command = $"simulate -f {file} {arguments} -o {format}";
        Outcome outcome = Operator.Run(command);
        Golden.Verify(
            $"$ egress-operator {command.Replace("  ", " ", StringComparison.Ordinal)}\n{outcome.Stdout}{outcome.Stderr}"
                + $"exit code {outcome.ExitCode}",
            "egressip", "simulate", $"{Path.GetFileNameWithoutExtension(file)}.{format}");
    }

    /// <summary>The nodes' order in the input, JSON for YAML and files for documents make no difference.</summary>
    [Fact]
    public void The_form_of_the_input_does_not_count()
    {
        string[] documents = File.ReadAllText(Repository.PathOf(_folders[0], "reasons.yaml")).Split("\n- ")[1..];
        string[] indented = [.. documents.Select(document => "  " + document)];
        string backwards = string.Join("\n---\n", indented.Reverse());
        Outcome expected = Operator.Run($"simulate -f {_folders[0]}/reasons.yaml --unreachable n5 -o json");
        Assert.Equal(expected, Operator.Run("simulate -f - --unreachable n5 -o json", backwards));

        string folder = Directory.CreateTempSubdirectory("egress-operator-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "a.yaml"), string.Join("\n---\n", indented[..5]));
            File.WriteAllText(Path.Combine(folder, "b.yaml"), string.Join("\n---\n", indented[5..]));
            Assert.Equal(expected, Operator.Run("simulate -f a.yaml --unreachable n5 -o json -f b.yaml", "", folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The members that issue trackers, scripts and tests rely on, in this order.</summary>
    [Fact]
    public void The_json_has_the_documented_members()
    {
        using var document = JsonDocument.Parse(Operator.Run($"simulate -f {_folders[0]}/moves.yaml --unreachable n2 -o json").Stdout);
        JsonElement[] objects = [.. document.RootElement.GetProperty("egressIPs").EnumerateArray()];
        Assert.Equal(["a", "b", "c", "d"], objects.Select(made => made.GetProperty("name").GetString()));
        Assert.All(objects, made => Assert.Equal(
            ["name", "items", "unassigned", "moves", "events", "pods"], made.EnumerateObject().Select(member => member.Name)));
    }

    /// <summary>The pods of all selected namespaces leave as 192.168.126.10 on node1 or 192.168.126.102 on node3.</summary>
    [Fact]
    public void Two_addresses_are_on_the_two_labelled_nodes()
    {
        using var document = JsonDocument.Parse(Operator.Run($"simulate -f {_folders[0]}/seed.yaml -o json").Stdout);
        JsonElement prod = document.RootElement.GetProperty("egressIPs").EnumerateArray()
            .Single(made => made.GetProperty("name").GetString() == "egressips-prod");
        Assert.Equal(
            """[{"node":"node1","egressIP":"192.168.126.10"},{"node":"node3","egressIP":"192.168.126.102"}]""",
            JsonSerializer.Serialize(prod.GetProperty("items")));
        Assert.Equal(
            ["pod1", "pod2", "pod3"], prod.GetProperty("pods").EnumerateArray().Select(pod => pod.GetProperty("name").GetString()));
    }

    [Fact]
    public void The_document_shows_what_is_printed()
    {
        string[] blocks = File.ReadAllText(Repository.PathOf("docs", "egress-ip-assignment.md")).Split("```console\n")[1..];
        Assert.NotEmpty(blocks);
        Assert.All(blocks, block =>
        {
            string[] lines = block.Split("```")[0].Split('\n', 2);
            Assert.StartsWith("$ egress-operator ", lines[0], StringComparison.Ordinal);
            Assert.Equal(lines[1], Operator.Run(lines[0]["$ egress-operator ".Length..]).Stdout);
        });
    }

    private static IEnumerable<string> Files() => _folders.SelectMany(folder =>
        Directory.GetFiles(Repository.PathOf(folder), "*.yaml").Select(file => $"{folder}/{Path.GetFileName(file)}").Order());
}
