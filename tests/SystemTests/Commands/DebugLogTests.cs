using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>At the level "debug" the log names every destination and every step; at no level anything that can be secret.</summary>
public class DebugLogTests
{
    private const string Secret = "hunter2";

    [RootFact]
    public void Every_destination_and_every_step_of_ADD_and_DEL_is_named()
    {
        using var lab = new Lab();
        string json = At("debug", "80 udp 10.100.3.0", "8080 tcp 203.0.113.26 80", "9000-9100 tcp 203.0.113.27", "203.0.113.25");
        CommandResult add = lab.Run("ADD", json);
        Assert.True(add.ExitCode == 0, add.ToString());
        AssertInOrder(
            add.Stderr,
            "destination 80 udp 10.100.3.0",
            "destination 8080 tcp 203.0.113.26 80",
            "destination 9000-9100 tcp 203.0.113.27",
            "destination 203.0.113.25",
            "create macvlan net1 on parent lan0",
            "create nftables table egress-router-net1",
            "set link net1: state up",
            "add address 192.168.12.99/24 to net1",
            "add route ",
            "add routing rule ",
            "announce the addresses of net1",
            "ADD done");

        CommandResult delete = lab.Run("DEL", json);
        delete.AssertSuccess();
        AssertInOrder(
            delete.Stderr, "delete link net1", "delete routing rule ", "forget connections of net1, 192.168.12.99",
            "delete nftables table egress-router-net1", "DEL done");
    }

    /// <summary>Undoing is a plan as well.</summary>
    [RootFact]
    public void The_steps_of_a_failed_ADD_and_of_GC_are_named()
    {
        using var lab = new Lab();
        Lab.In(lab.Pod, "ip", "address", "add", "2001:db8:12::1/128", "dev", "lo");
        string json = Config.Changed(Config.Redirect6, config => config["log_level"] = "debug");
        CommandResult add = lab.Run("ADD", json);
        add.AssertError(100);
        AssertInOrder(
            add.Stderr, "create macvlan net1", "undoing after: ", "delete link net1", "delete nftables table egress-router-net1",
            "ADD failed");

        string network = "gc-" + Guid.NewGuid().ToString("n");
        json = Config.Changed(At("debug"), config => (config["cniVersion"], config["name"]) = ("1.1.0", network));
        lab.Add(json);
        AssertInOrder(
            lab.Run("GC", json).Stderr, "removing net1 of ", "delete link net1", "delete nftables table egress-router-net1", "GC done");
    }

    [RootTheory]
    [InlineData("verbose")]
    [InlineData("info")]
    [InlineData("panic")]
    public void Below_that_level_they_are_not(string level)
    {
        using var lab = new Lab();
        string json = At(level, "80 udp 10.100.3.0");
        string words = lab.Run("ADD", json).Stderr + lab.Run("DEL", json).Stderr;
        Assert.DoesNotContain("10.100.3.0", words, StringComparison.Ordinal);
        Assert.DoesNotContain("link net1", words, StringComparison.Ordinal);
        Assert.DoesNotContain("[debug]", words, StringComparison.Ordinal);
    }

    [RootFact]
    public void Of_thousands_of_destinations_the_first_are_named_and_the_rest_counted()
    {
        using var lab = new Lab();
        string json = At("debug", [.. Enumerable.Range(1, 2000).Select(port => $"{port} tcp 203.0.113.26")]);
        string words = lab.Run("ADD", json).Stderr;
        Assert.Equal(500, words.Split("] destination ").Length - 1);
        Assert.Contains("destination 500 tcp 203.0.113.26", words, StringComparison.Ordinal);
        Assert.Contains("and 1500 more destinations", words, StringComparison.Ordinal);
    }

    [RootTheory]
    [InlineData("ADD")]
    [InlineData("CHECK")]
    [InlineData("DEL")]
    [InlineData("STATUS")]
    [InlineData("GC")]
    public void What_can_be_secret_is_not(string verb)
    {
        using var lab = new Lab();
        string json = Config.Changed(At("debug", "80 tcp 203.0.113.26"), config =>
        {
            config["cniVersion"] = "1.1.0";
            config["name"] = "debug-" + Guid.NewGuid().ToString("n");
            config["password"] = Secret;
            config["args"] = new JsonObject { ["cni"] = new JsonObject { ["other"] = Secret } };
            config["prevResult"] = JsonNode.Parse($$$"""{"cniVersion":"1.1.0","interfaces":[{"name":"{{{Secret}}}"}],"dns":{"domain":"{{{Secret}}}"}}""");
        });
        CommandResult result = lab.Run(verb, json, with: ("CNI_ARGS", $"IgnoreUnknown=1;TOKEN={Secret}"));
        Assert.Contains("[verbose] " + verb, result.Stderr, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, result.Stderr, StringComparison.Ordinal);
    }

    private static string At(string level, params string[] destinations) =>
        Config.Changed(Config.With(destinations), config => config["log_level"] = level);

    private static void AssertInOrder(string log, params string[] parts)
    {
        int from = 0;
        foreach (string part in parts)
        {
            int at = log.IndexOf("] " + part, from, StringComparison.Ordinal);
            Assert.True(at >= 0, $"\"{part}\" is not in the log, or not where it should be:\n{log}");
            from = at + 1;
        }
    }
}
