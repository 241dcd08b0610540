using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Shared;

namespace SystemTests.Tools;

/// <summary>What <c>explain</c> says is what ADD makes.</summary>
public partial class ExplainTests
{
    /// <summary>nft reads the text, and makes of it what ADD has made.</summary>
    [RootFact]
    public void The_nftables_text_is_the_table_that_ADD_makes()
    {
        using var lab = new Lab();
        foreach (string config in new[] { Config.TwoAddresses, Config.ThreeDestinations, Config.DualStack,
            Config.Changed(json => json["inbound"] = "allow"), Config.HighAvailability })
        {
            // The own address of high availability depends on it.
            (string, string?) id = ("CNI_CONTAINERID", "container");
            lab.Add(config, "net1", id);
            string made = Listing(lab.Pod);
            lab.Delete(config, "net1", id);
            CommandResult explained = Tool.On(lab, config, "explain", "--node", "--output", "json", "-");
            Assert.True(explained.ExitCode == 0, explained.ToString());
            string text = (string)JsonNode.Parse(explained.Stdout)!.AsArray().Single()!["nftables"]!;
            Command.Must("nsenter", ["--net=" + Lab.PathOf(lab.Pod), "nft", "-f", "-"], text);
            string read = Listing(lab.Pod);
            Lab.In(lab.Pod, "nft", "flush", "ruleset");
            Assert.Equal(made, read);
        }
    }

    [RootFact]
    public void On_a_node_it_says_what_is_inferred_from_what()
    {
        using var lab = new Lab();
        string config = Config.Changed(json =>
        {
            json["ip"]!["addresses"] = new JsonArray("192.168.12.99");
            json["ip"]!.AsObject().Remove("gateway");
        });
        CommandResult result = Tool.On(lab, config, "explain", "--node", "-");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Matches(@"the parent +lan0 +the node's route to 192\.168\.12\.99", result.Stdout);
        Assert.Matches(@"the IPv4 gateway +192\.168\.12\.1 +the node's default route by lan0", result.Stdout);
        Assert.Matches(@"the prefix length of 192\.168\.12\.99 +24", result.Stdout);
        CommandResult wrong = Tool.On(
            lab, Config.Changed(json => json["interfaceArgs"] = new JsonObject { ["master"] = "eth7" }), "explain", "--node", "-");
        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains("interfaceArgs.master \"eth7\": the node has no link of this name", wrong.Stderr, StringComparison.Ordinal);
    }

    /// <summary>The executable prints the picture of the documents; of several networks it wants to know which.</summary>
    [Fact]
    public void A_picture_shows_one_network()
    {
        string file = Repository.PathOf("cni-conf-examples", "dual-stack.json");
        CommandResult result = Tool.Run("", "explain", "--output", "svg", file);
        Assert.True(result is { ExitCode: 0, Stderr: "" }, result.ToString());
        Assert.Equal(File.ReadAllText(Repository.PathOf("docs", "pictures", "dual-stack.svg")), result.Stdout);

        string two = string.Join("\n---\n", ((string[])["a", "b"]).Select(name => $$"""
            kind: NetworkAttachmentDefinition
            metadata: { name: {{name}} }
            spec: { config: '{ "type": "egress-router", "ip": { "addresses": ["192.168.12.99"] } }' }
            """));
        CommandResult refused = Tool.Run(two, "explain", "--output", "svg", "-");
        Assert.True(refused is { ExitCode: 2, Stdout: "" }, refused.ToString());
        Assert.Contains("it has 2 networks, choose one with --network: a, b", refused.Stderr, StringComparison.Ordinal);
        Tool.Run(two, "explain", "--output", "svg", "--network", "b", "-").AssertText("<svg ");
    }

    /// <summary>Without what the pod remembers, which explain assumes, and without what counters count.</summary>
    private static string Listing(string name) =>
        RestoreChain().Replace(Lab.In(name, "nft", "-s", "list", "table", "inet", "egress-router-net1"), "");

    [GeneratedRegex(@"chain restore \{[^}]*\}")]
    private static partial Regex RestoreChain();
}
