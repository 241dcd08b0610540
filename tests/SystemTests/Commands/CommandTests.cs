using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Shared;

namespace SystemTests;

/// <summary>Every command in every version of the specification: what the executable prints, to the byte (testdata/cni/commands).</summary>
public class CommandTests
{
    private static readonly string[] _versions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

    public static TheoryData<string> Versions() => [.. _versions];

    /// <summary>Each command where it succeeds, where it fails, and twice with the same state.</summary>
    [RootTheory]
    [MemberData(nameof(Versions))]
    public void Print_what_the_version_says(string version)
    {
        using var lab = new Lab();
        string good = ConfigOf(version);
        string bad = Config.Changed(
            good, json => json["ip"]!["destinations"] = new JsonArray("70000 tcp 203.0.113.26", "80 xtp 203.0.113.26"));
        string unusable = Config.Changed(good, json => json["interfaceArgs"]!["master"] = "absent0");
        var text = new StringBuilder();
        void Run(string what, string command, string json, bool changesState = false)
        {
            CommandResult first = lab.Run(command, json);
            if (!changesState)
            {
                Assert.Equal(first.Stdout, lab.Run(command, json).Stdout);
            }

            AssertShape(what, command, first);
            text.Append(what).Append(": exit code ").Append(first.ExitCode).Append('\n').Append(Normalized(first.Stdout, lab));
        }

        Run("VERSION", "VERSION", $$"""{"cniVersion": "{{version}}"}""");
        Run("STATUS", "STATUS", good);
        Run("STATUS without the parent", "STATUS", unusable);
        Run("ADD with a wrong configuration", "ADD", bad);
        Run("ADD", "ADD", good, changesState: true);
        Run("ADD again", "ADD", good);
        string added = WithResult(good, lab, version);
        Run("CHECK", "CHECK", added);
        Run("GC of nothing", "GC", WithAttachments(good, Lab.ContainerId));
        Run("GC with a list that is none", "GC", Config.Changed(good, json => json["cni.dev/valid-attachments"] = "none"));
        Lab.In(lab.Pod, "ip", "route", "del", "default");
        Run("CHECK of another state", "CHECK", added);
        Run("DEL", "DEL", added, changesState: true);
        Run("DEL again", "DEL", added);
        Run("DEL of another version", "DEL", Config.Changed(added, json => json["cniVersion"] = "9.0.0"));
        Run("DEL without a configuration", "DEL", "");
        Run("GC without a list", "GC", good);
        Run("CHECK of nothing", "CHECK", added);
        Run("an unknown command", "REMOVE", good);
        Golden.Verify(text.ToString(), "cni", "commands", version);
    }

    /// <summary>The same state made again: the same bytes of the result.</summary>
    [RootTheory]
    [MemberData(nameof(Versions))]
    public void ADD_prints_the_same_again(string version)
    {
        using var lab = new Lab();
        string config = ConfigOf(version);
        string first = lab.Run("ADD", config).Stdout;
        lab.Delete(config);
        Assert.Equal(first, lab.Run("ADD", config).Stdout);
        lab.Delete(config);
    }

    /// <summary>Both families, two addresses of one of them, and a hardware address that does not change.</summary>
    private static string ConfigOf(string version) => Config.Changed(Config.TwoAddresses, json =>
    {
        // GC must find nothing of other tests.
        json["name"] = "verbs";
        json["cniVersion"] = version;
        json["interfaceArgs"] = new JsonObject { ["mac"] = "02:00:5e:10:00:99", ["mtu"] = 1400 };
        json["dns"] = new JsonObject { ["nameservers"] = new JsonArray("192.168.12.53"), ["search"] = new JsonArray("example.org") };
    });

    /// <summary>The remembered result, in a fixed form: it is the input of CHECK and DEL.</summary>
    private static string WithResult(string config, Lab lab, string version) => Config.Changed(config, json =>
    {
        json["prevResult"] = JsonNode.Parse($$"""
            {
              "cniVersion": "{{version}}",
              "interfaces": [{"name": "net1", "mac": "02:00:5e:10:00:99", "sandbox": "{{Lab.PathOf(lab.Pod)}}"}],
              "ips": [{"interface": 0, "address": "192.168.12.98/24"}, {"interface": 0, "address": "192.168.12.99/24"}, {"interface": 0, "address": "2001:db8:12::99/64"}],
              "routes": [{"dst": "0.0.0.0/0", "gw": "192.168.12.1"}, {"dst": "::/0", "gw": "2001:db8:12::1"}]
            }
            """);
    });

    private static string WithAttachments(string config, params string[] containers) => Config.Changed(config, json =>
        json["cni.dev/valid-attachments"] = new JsonArray(
            [.. containers.Select(container => new JsonObject { ["containerID"] = container, ["ifname"] = "net1" })]));

    /// <summary>
    /// With a certain path of the namespace, a certain build, and of many differences, which depend on the kernel, the first.
    /// </summary>
    private static string Normalized(string stdout, Lab lab) => Regex.Replace(
        Regex.Replace(
            stdout, "\"plugin\":\"egress-router [0-9.]+( \\([^)]*\\))?\"",
            "\"plugin\":\"egress-router N\"").Replace(
                Lab.PathOf(lab.Pod), "/run/netns/pod",
                StringComparison.Ordinal), "[0-9]+ (differences from the configuration: [^;]*;)[^\"]*", "N $1 ...");

    /// <summary>Success of anything but ADD and VERSION is silent; a failure is one object with a code, and an exit code.</summary>
    private static void AssertShape(string what, string command, CommandResult result)
    {
        if (result.ExitCode == 0 && command is not ("ADD" or "VERSION"))
        {
            Assert.True(result.Stdout.Length == 0, $"{what}: {result}");
            return;
        }

        // One object, on one line.
        Assert.True(result.Stdout.EndsWith('\n') && result.Stdout.Count('\n') == 1, $"{what}: {result}");
        JsonObject answer = JsonNode.Parse(result.Stdout)!.AsObject();
        Assert.True(answer.ContainsKey("code") == (result.ExitCode != 0) && answer.ContainsKey("cniVersion"), $"{what}: {result}");
    }

    [RootFact]
    public void Configuration_without_a_version_counts_as_0_1_0()
    {
        using var lab = new Lab();
        string config = Config.Changed(json => json.Remove("cniVersion"));
        JsonObject result = lab.Add(config);
        Assert.Equal("192.168.12.99/24", (string?)result["ip4"]!["ip"]);
        Assert.Equal("192.168.12.1", (string?)result["ip4"]!["gateway"]);
        Assert.False(result.ContainsKey("ips"), result.ToJsonString());
        lab.Delete(config);
    }
}
