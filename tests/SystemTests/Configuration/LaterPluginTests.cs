using System.Text.Json.Nodes;
using SystemTests.Tools;

namespace SystemTests;

/// <summary>Debian's plugins behind us in a list: what they change is a difference only where it harms connections.</summary>
public class LaterPluginTests
{
    private static readonly int[] _differs = [102];

    private static readonly Dictionary<string, string[]> _later = new()
    {
        ["tuning: MTU"] = ["""{"type": "tuning", "mtu": 1400}"""],
        ["tuning: hardware address and flags"] =
            ["""{"type": "tuning", "mac": "02:00:5e:10:00:99", "promisc": true, "allmulti": true, "txQLen": 500}"""],
        ["tuning: no reverse-path filter"] = ["""{"type": "tuning", "sysctl": {"net.ipv4.conf.net1.rp_filter": "0"}}"""],
        ["tuning: a strict reverse-path filter"] = ["""{"type": "tuning", "sysctl": {"net.ipv4.conf.net1.rp_filter": "1"}}"""],
        ["tuning: a loose reverse-path filter"] = ["""{"type": "tuning", "sysctl": {"net.ipv4.conf.net1.rp_filter": "2"}}"""],
        ["tuning: a loose reverse-path filter of all"] = ["""{"type": "tuning", "sysctl": {"net.ipv4.conf.all.rp_filter": "2"}}"""],
        ["sbr"] = ["""{"type": "sbr"}"""],
        ["sbr and tuning"] = ["""{"type": "sbr"}""", """{"type": "tuning", "mtu": 1300, "mac": "02:00:5e:10:00:99"}"""],
    };

    public static TheoryData<string, string> Later()
    {
        TheoryData<string, string> data = [];
        foreach (string name in _later.Keys)
        {
            data.Add(name, "1.0.0");
            data.Add(name, "1.1.0");
        }

        return data;
    }

    [RootTheory]
    [MemberData(nameof(Later))]
    public void Is_no_difference(string name, string version)
    {
        using var lab = new Lab();
        using var runtime = new Runtime(lab.Node);
        string list = ListOf(runtime, version, _later[name]);
        RuntimeConf conf = new("chained", Lab.PathOf(lab.Pod), "net1");
        Snapshot pod = lab.PodSnapshot();
        CommandResult added = runtime.Add(list, conf);
        Assert.True(added.ExitCode == 0, added.ToString());

        lab.Serve(Protocol.Tcp, "203.0.113.25", 80);
        lab.Serve(Protocol.Tcp, "2001:db8:113::25", 80);
        Assert.Equal(new Arrival("192.168.12.99", "203.0.113.25", 80), lab.Connect(Protocol.Tcp, 80));
        Assert.Equal(new Arrival("2001:db8:12::99", "2001:db8:113::25", 80), lab.Connect(Protocol.Tcp, 80, Lab.PodAddress6));
        runtime.Check(list, conf).AssertSilentSuccess();

        runtime.Delete(list, conf).AssertSilentSuccess();
        lab.PodSnapshot().AssertSameAs(pod, except: name.Contains("of all", StringComparison.Ordinal) ? "sysctls" : null);
    }

    /// <summary>The same things done by somebody who breaks the router with them.</summary>
    [RootTheory]
    [InlineData("a route that is in no other table", "route del default", "IPv4 route default via 192.168.12.1 dev net1 is missing")]
    [InlineData("a route of the table of sbr", "route del default table 100", "IPv4 route default via 192.168.12.1 dev net1 is missing",
        "sbr")]
    [InlineData("the rule of sbr", "rule del from 192.168.12.99", "IPv4 route default via 192.168.12.1 dev net1 is missing", "sbr")]
    [InlineData("a route of our own table", "route del default table 15841",
        "IPv4 route default via 192.168.12.1 dev net1 table 15841 is missing", "sbr")]
    [InlineData("another hardware address", "link set net1 address 02:00:00:00:00:77", "hardware address is 02:00:00:00:00:77")]
    [InlineData("a higher MTU", "link set net1 mtu 1500", "MTU is 1500, not 1400", "tuning: MTU")]
    public void Is_a_difference(string what, string command, string difference, string later = "")
    {
        using var lab = new Lab();
        using var runtime = new Runtime(lab.Node);
        string[] behind = later.Length == 0 ? [] : _later[later];
        string list = ListOf(runtime, "1.0.0", behind, json => json["interfaceArgs"] = new JsonObject { ["mtu"] = 1400 });
        RuntimeConf conf = new("chained", Lab.PathOf(lab.Pod), "net1");
        Assert.Equal(0, runtime.Add(list, conf).ExitCode);
        runtime.Check(list, conf).AssertSilentSuccess();
        Lab.In(lab.Pod, ["ip", .. command.Split(' ')]);
        CommandResult check = runtime.Check(list, conf);
        Assert.True(check.Stdout.Contains(difference, StringComparison.Ordinal), $"{what}: {check}");
    }

    /// <summary>
    /// A reverse-path filter of net1 goes by the pod's own routes. Strict, it drops what they would send elsewhere; loose, what
    /// they would not send at all.
    /// </summary>
    [RootTheory]
    [InlineData("1", "route add 203.0.113.25 via 10.129.2.1 dev eth0", false)]
    [InlineData("2", "route add 203.0.113.25 via 10.129.2.1 dev eth0", true)]
    [InlineData("1", "route replace default via 10.129.2.1 dev eth0", false)]
    [InlineData("2", "route del default", false)]
    public void A_reverse_path_filter_is_judged_by_what_it_drops(string value, string command, bool works)
    {
        using var lab = new Lab();
        string config = Configuration(_ => { });
        JsonObject result = lab.Add(config);
        Lab.In(lab.Pod, ["ip", .. command.Split(' ')]);
        // As Multus tells it, which has changed the default route.
        result["routes"] = new JsonArray();
        lab.Check(config, result).AssertSilentSuccess();
        lab.Serve(Protocol.Tcp, "203.0.113.25", 80);
        Assert.NotNull(lab.Connect(Protocol.Tcp, 80));

        Lab.WriteSysctl(lab.Pod, "net/ipv4/conf/net1/rp_filter", value);
        if (works)
        {
            Assert.NotNull(lab.Connect(Protocol.Tcp, 80));
            lab.Check(config, result).AssertSilentSuccess();
        }
        else
        {
            lab.AssertNoAnswer(Protocol.Tcp, 80);
            lab.Check(config, result).AssertErrorNaming(_differs, $"sysctl net/ipv4/conf/net1/rp_filter is {value}, not 0");
        }
    }

    /// <summary>sbr makes a table for each address; the route of their subnet goes into that of its source.</summary>
    [RootFact]
    public void Several_addresses_and_sbr()
    {
        using var lab = new Lab();
        using var runtime = new Runtime(lab.Node);
        string list = ListOf(runtime, "1.0.0", _later["sbr"], json => json["ip"]!["addresses"] = new JsonArray(
            "192.168.12.97/24", "192.168.12.98/24", "192.168.12.99/24", "2001:db8:12::98/64", "2001:db8:12::99/64"));
        RuntimeConf conf = new("chained", Lab.PathOf(lab.Pod), "net1");
        Assert.Equal(0, runtime.Add(list, conf).ExitCode);
        runtime.Check(list, conf).AssertSilentSuccess();
        runtime.Delete(list, conf).AssertSilentSuccess();
    }

    /// <summary>Operators see a router with sbr behind it as CHECK does, and repair leaves alone what works.</summary>
    [RootFact]
    public void Tools_see_it_too()
    {
        using var lab = new Lab();
        using var runtime = new Runtime(lab.Node);
        string list = ListOf(runtime, "1.0.0", _later["sbr"]);
        Assert.Equal(0, runtime.Add(list, new RuntimeConf("chained", Lab.PathOf(lab.Pod), "net1")).ExitCode);
        Lab.WriteSysctl(lab.Pod, "net/ipv4/conf/net1/rp_filter", "0");
        CommandResult status = Tool.OnPod(lab, list, "status");
        Assert.True(status is { ExitCode: 0, Stderr: "" }, status.ToString());
        CommandResult repair = Tool.OnPod(lab, list, "repair", "--dry-run");
        Assert.True(repair is { ExitCode: 0, Stderr: "" }, repair.ToString());
        Assert.DoesNotContain("add route", repair.Stdout, StringComparison.Ordinal);
    }

    private static string Configuration(Action<JsonObject> change) => Config.ChangedDualStack(json =>
    {
        json["ip"]!["destinations"] = new JsonArray("80 tcp 203.0.113.25", "80 tcp 2001:db8:113::25");
        change(json);
    });

    private static string ListOf(Runtime runtime, string version, string[] later, Action<JsonObject>? change = null) => new JsonObject
    {
        ["cniVersion"] = version,
        ["name"] = "chain",
        ["plugins"] = new JsonArray(
            [JsonNode.Parse(Configuration(change ?? (_ => { }))), .. later.Select(json => Later(runtime, version, json))]),
    }.ToJsonString();

    /// <summary>
    /// Debian's plugins do not speak 1.1.0 yet. Those that do hand on what they were told: the MTU, as it was before tuning
    /// changed it.
    /// </summary>
    private static JsonObject Later(Runtime runtime, string version, string json)
    {
        JsonObject plugin = JsonNode.Parse(json)!.AsObject();
        string type = (string)plugin["type"]!;
        if (type == "tuning")
        {
            plugin["dataDir"] = Path.Combine(runtime.Folder, "tuning");
        }

        if (version == "1.1.0")
        {
            plugin["type"] = type + "-new";
            Command.Must("install", ["-m", "755", "/dev/stdin", Path.Combine(runtime.Folder, type + "-new")], $$"""
                #!/bin/sh
                config=$(cat)
                result=$(printf %s "$config" | sed 's/"1\.1\.0"/"1.0.0"/g' | /usr/lib/cni/{{type}}) || { printf %s "$result"; exit 1; }
                [ -z "$result" ] || printf %s "$result" | jq --argjson config "$config" '.cniVersion = "1.1.0" | .interfaces[0].mtu = $config.prevResult.interfaces[0].mtu'

                """);
        }

        return plugin;
    }
}
