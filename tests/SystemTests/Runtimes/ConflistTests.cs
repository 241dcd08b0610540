using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>
/// Beside other plugins in one list, as a runtime without Multus runs them: before us Debian's bridge, after us its tuning.
/// </summary>
public class ConflistTests
{
    /// <summary>Links are told with the timers of their bridge; which there are, the addresses tell too.</summary>
    public const string BridgeTimers = "links";

    private const string Mac = "02:00:5e:10:00:99";

    /// <summary>The results of the plugins stand one after the other, each address beside its own interface.</summary>
    [RootTheory]
    [InlineData("0.3.1")]
    [InlineData("0.4.0")]
    [InlineData("1.0.0")]
    public void Between_bridge_and_tuning(string version)
    {
        using var lab = new Lab(bare: true);
        using var runtime = new Runtime(lab.Node);
        string list = Chain(version, Cluster(runtime), Config.Redirect, Tuning(runtime));
        JoinCluster(lab, runtime, lab.Client);
        Snapshot pod = lab.PodSnapshot();
        Snapshot node = lab.NodeSnapshot();
        RuntimeConf conf = new("chained", Lab.PathOf(lab.Pod), "net1");

        CommandResult added = runtime.Add(list, conf);
        Assert.True(added.ExitCode == 0, added.ToString());
        JsonObject result = JsonNode.Parse(added.Stdout)!.AsObject();
        AssertResult(lab, result);
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        Assert.Equal(new Arrival("192.168.12.99", "192.168.12.91", 80), lab.Connect(Protocol.Tcp, 80, AddressOf(result, 0)));

        // tuning has changed the hardware address, the MTU and a kernel parameter of our interface.
        Assert.Contains("mtu 1400", Lab.In(lab.Pod, "ip", "link", "show", "net1"), StringComparison.Ordinal);
        if (version != "0.3.1")
        {
            runtime.Check(list, conf).AssertSilentSuccess();
        }

        runtime.Delete(list, conf).AssertSilentSuccess();
        lab.PodSnapshot().AssertSameAs(pod);
        lab.NodeSnapshot().AssertSameAs(node, except: BridgeTimers);
    }

    /// <summary>All plugins of a list get one interface name: where bridge takes it, ADD says so and DEL leaves bridge its own.</summary>
    [RootFact]
    public void An_interface_of_bridge_is_in_the_way_and_stays()
    {
        using var lab = new Lab(bare: true);
        using var runtime = new Runtime(lab.Node);
        string list = Chain("1.0.0", Bridge(runtime), Config.Redirect);
        RuntimeConf conf = new("chained", Lab.PathOf(lab.Pod), "eth0");
        JoinCluster(lab, runtime, lab.Client);
        Snapshot pod = lab.PodSnapshot();
        runtime.Add(list, conf).AssertErrorNaming([101], "interface eth0 exists already in the pod");
        Assert.Contains("eth0", Lab.In(lab.Pod, "ip", "link"), StringComparison.Ordinal);
        runtime.Delete(list, conf).AssertSuccess();
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>Debian's plugins do not speak 1.1.0 yet: the result of bridge comes as that of a plugin before us.</summary>
    [RootFact]
    public void After_the_result_of_bridge_in_1_1_0()
    {
        using var lab = new Lab(bare: true);
        using var runtime = new Runtime(lab.Node);
        JsonObject before = JoinCluster(lab, runtime, lab.Pod);
        before["cniVersion"] = "1.1.0";
        string config = Config.Changed(json => (json["cniVersion"], json["prevResult"]) = ("1.1.0", before.DeepClone()));

        JsonObject result = lab.Add(config);
        Assert.Equal("1.1.0", (string?)result["cniVersion"]);
        AssertResult(lab, result);
        lab.Check(config, result).AssertSilentSuccess();
        lab.Delete(config);
    }

    /// <summary>What a runtime remembers may be lost or spoilt: DEL needs none of it.</summary>
    [RootTheory]
    [InlineData("none")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("\"lost\"")]
    [InlineData("""{"cniVersion": "9.9.9", "interfaces": "net1", "ips": [{"address": 7}], "routes": {}, "dns": []}""")]
    public void DEL_with_the_remembered_result(string remembered)
    {
        using var lab = new Lab();
        using var runtime = new Runtime(lab.Node);
        string list = Chain("1.0.0", Config.Redirect);
        RuntimeConf conf = new("chained", Lab.PathOf(lab.Pod), "net1");
        Snapshot pod = lab.PodSnapshot();
        Assert.Equal(0, runtime.Add(list, conf).ExitCode);
        runtime.SetResult(
            list, conf, remembered == "none" ? null : remembered == "null" ? JsonValue.Create((string?)null) : JsonNode.Parse(remembered));
        runtime.Delete(list, conf).AssertSilentSuccess();
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>A node starts its pods at the same time. Each gets the address that its runtime asks for.</summary>
    [RootFact]
    public async Task Eight_containers_at_once()
    {
        using var lab = new Lab(bare: true);
        using var runtime = new Runtime(lab.Node);
        JoinCluster(lab, runtime, lab.Client);
        string list = Chain("1.0.0", Cluster(runtime), Config.Changed(json =>
        {
            json["ip"]!["allowedAddresses"] = new JsonArray("192.168.12.96/28");
            json["capabilities"] = new JsonObject { ["ips"] = true };
        }), Tuning(runtime, mac: null));
        RuntimeConf[] confs = [.. Enumerable.Range(0, 8)
            .Select(number => new RuntimeConf($"container-{number}", Lab.PathOf(lab.AddNamespace($"c{number}")), "net1")
        {
            Capabilities = new JsonObject { ["ips"] = new JsonArray($"192.168.12.{100 + number}/24") },
        })];
        Snapshot[] before = [.. confs.Select(conf => new Snapshot(conf.NetNs))];
        Snapshot node = lab.NodeSnapshot();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);

        CommandResult[] added = await AtOnce(confs, conf => runtime.Add(list, conf));
        Assert.All(added, result => Assert.True(result.ExitCode == 0, result.ToString()));
        Arrival?[] arrivals = await AtOnce(added, result => lab.Connect(Protocol.Tcp, 80, AddressOf(JsonNode.Parse(result.Stdout)!, 0)));
        Assert.Equal(Enumerable.Range(0, 8).Select(number => new Arrival($"192.168.12.{100 + number}", "192.168.12.91", 80)), arrivals);
        Assert.All(await AtOnce(confs, conf => runtime.Check(list, conf)), result => result.AssertSilentSuccess());
        Assert.All(await AtOnce(confs, conf => runtime.Delete(list, conf)), result => result.AssertSilentSuccess());
        Assert.All(confs.Zip(before), pair => new Snapshot(pair.First.NetNs).AssertSameAs(pair.Second));
        lab.NodeSnapshot().AssertSameAs(node, except: BridgeTimers);
    }

    /// <summary>GC of a runtime: DEL for what it remembers, and ours for what it has forgotten.</summary>
    [RootFact]
    public void Garbage_is_what_the_runtime_does_not_name()
    {
        using var lab = new Lab();
        using var runtime = new Runtime(lab.Node);
        string list = Chain("1.1.0", Config.Changed(json =>
        {
            json["ip"]!["allowedAddresses"] = new JsonArray("192.168.12.96/28");
            json["capabilities"] = new JsonObject { ["ips"] = true };
        }));
        RuntimeConf Of(string container, string space, string address) =>
            new(container, Lab.PathOf(space), "net1") { Capabilities = new JsonObject { ["ips"] = new JsonArray(address) } };
        RuntimeConf kept = Of("kept", lab.Pod, "192.168.12.100");
        RuntimeConf stale = Of("stale", lab.AddNamespace("stale"), "192.168.12.101");
        RuntimeConf forgotten = Of("forgotten", lab.AddNamespace("forgotten"), "192.168.12.102");
        using var otherRuntime = new Runtime(lab.Node);

        runtime.Status(list).AssertSilentSuccess();
        Assert.Equal(0, runtime.Add(list, kept).ExitCode);
        Assert.Equal(0, runtime.Add(list, stale).ExitCode);
        Assert.Equal(0, otherRuntime.Add(list, forgotten).ExitCode);
        runtime.CollectGarbage(list, kept).AssertSuccess();

        runtime.Check(list, kept).AssertSilentSuccess();
        Assert.Null(runtime.ResultOf(list, stale));
        foreach (RuntimeConf gone in (RuntimeConf[])[stale, forgotten])
        {
            Assert.DoesNotContain("net1", Command.Must("nsenter", ["--net=" + gone.NetNs, "ip", "link"]), StringComparison.Ordinal);
        }

        runtime.Delete(list, kept).AssertSilentSuccess();
    }

    /// <summary>A network configuration list of these plugins.</summary>
    private static string Chain(string version, params IEnumerable<string> plugins) => new JsonObject
    {
        ["cniVersion"] = version,
        ["name"] = "chain",
        ["plugins"] = new JsonArray([.. plugins.Select(json => JsonNode.Parse(json))]),
    }.ToJsonString();

    private static string Bridge(Runtime runtime, string first = "10.88.1.2") => $$"""
        {
          "type": "bridge", "bridge": "cni0", "isGateway": true,
          "ipam": {
            "type": "host-local", "dataDir": "{{runtime.Folder}}/addresses",
            "ranges": [[{"subnet": "10.88.0.0/16", "rangeStart": "{{first}}"}]], "routes": [{"dst": "0.0.0.0/0"}]
          }
        }
        """;

    /// <summary>
    /// All plugins of a list get one interface name; for this bridge it is eth0 all the same. Its CHECK looks for the
    /// addresses of the whole result on its own interface, so it is left out.
    /// </summary>
    private static string Cluster(Runtime runtime)
    {
        string file = Path.Combine(runtime.Folder, "bridge-eth0");
        Command.Must("install", ["-m", "755", "/dev/stdin", file], """
            #!/bin/sh
            [ "$CNI_COMMAND" = CHECK ] || CNI_IFNAME=eth0 exec /usr/lib/cni/bridge

            """);
        return Config.Changed(Bridge(runtime), json => json["type"] = "bridge-eth0");
    }

    private static string Tuning(Runtime runtime, string? mac = Mac) => Config.Changed($$$"""
        {
          "type": "tuning", "mtu": 1400, "dataDir": "{{{runtime.Folder}}}/tuning",
          "sysctl": {"net.ipv4.conf.net1.send_redirects": "0"}
        }
        """, json => json["mac"] = mac ?? "");

    /// <summary>Attaches a namespace to the bridge, which it makes when it is the first.</summary>
    private static JsonObject JoinCluster(Lab lab, Runtime runtime, string name)
    {
        string list = Config.Changed(Chain("1.0.0", Bridge(runtime, "10.88.2.2")), json => json["name"] = "cluster");
        CommandResult result = runtime.Add(list, new RuntimeConf(name, Lab.PathOf(name), "eth0"));
        Assert.True(result.ExitCode == 0, result.ToString());
        return JsonNode.Parse(result.Stdout)!.AsObject();
    }

    /// <summary>cni0 and the veth of bridge on the node, its eth0 in the pod, then our net1.</summary>
    private static void AssertResult(Lab lab, JsonObject result)
    {
        JsonArray interfaces = result["interfaces"]!.AsArray();
        Assert.Equal(["cni0", (string)interfaces[1]!["name"]!, "eth0", "net1"], interfaces.Select(item => (string)item!["name"]!));
        Assert.Equal([null, null, Lab.PathOf(lab.Pod), Lab.PathOf(lab.Pod)], interfaces.Select(item => (string?)item!["sandbox"]));
        Assert.Equal((string?)JsonNode.Parse(Lab.In(lab.Pod, "ip", "-j", "link", "show", "net1"))![0]!["address"],
            (string?)interfaces[3]!["mac"]);
        Assert.Equal([2, 3], result["ips"]!.AsArray().Select(item => (int)item!["interface"]!));
        Assert.Equal("192.168.12.99", AddressOf(result, 1));

        // The default route of bridge is no longer there, and is not told any more.
        Assert.Equal(
            ["192.168.12.1"],
            result["routes"]!.AsArray().Where(route => (string)route!["dst"]! == "0.0.0.0/0").Select(route => (string?)route!["gw"]));
    }

    private static string AddressOf(JsonNode result, int index) => ((string)result["ips"]![index]!["address"]!).Split('/')[0];

    private static async Task<TResult[]> AtOnce<T, TResult>(IEnumerable<T> items, Func<T, TResult> run) =>
        await Task.WhenAll(items.Select(item => Task.Factory.StartNew(
            () => run(item), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
}
