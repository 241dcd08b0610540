using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>Addresses that an IPAM plugin gives: Debian's static, host-local and dhcp, and one that fails as a test wants.</summary>
public sealed class IpamTests : IDisposable
{
    private const string Plugins = "/usr/lib/cni";

    private readonly string _data = Directory.CreateTempSubdirectory("host-local-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    private string HostLocal => $$$"""
        {"cniVersion":"1.0.0","type":"egress-router","name":"n",
         "ipam":{"type":"host-local","dataDir":"{{{_data}}}","ranges":[[{"subnet":"192.168.12.0/24","rangeStart":"192.168.12.70","rangeEnd":"192.168.12.70","gateway":"192.168.12.1"}]]},
         "ip":{"destinations":["203.0.113.25"]}}
        """;

    private const string Static = """
        {"cniVersion":"1.0.0","type":"egress-router","name":"n","interfaceArgs":{"mac":"stable"},
         "ipam":{"type":"static","addresses":[{"address":"192.168.12.98/24","gateway":"192.168.12.1"},{"address":"2001:db8:12::98/64","gateway":"2001:db8:12::1"}]},
         "ip":{"destinations":["203.0.113.25","2001:db8:113::25"]}}
        """;

    private static string[] Reserved(string folder) =>
        [.. Directory.GetFiles(Path.Combine(folder, "n")).Select(file => Path.GetFileName(file))
            .Where(name => name.StartsWith("192.", StringComparison.Ordinal))];

    [RootFact]
    public void The_static_plugin_gives_both_families()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        lab.Serve(Protocol.Tcp, "203.0.113.25", 8080);
        lab.Serve(Protocol.Tcp, "2001:db8:113::25", 8080);
        JsonObject result = Add(lab, Static);
        Assert.Equal("52:45:c0:a8:0c:62", (string)result["interfaces"]![0]!["mac"]!);
        Assert.Equal("192.168.12.98", lab.Connect(Protocol.Tcp, 8080)?.Source);
        Assert.Equal("2001:db8:12::98", lab.Connect(Protocol.Tcp, 8080, Lab.PodAddress6)?.Source);
        Check(lab, Static, result).AssertSilentSuccess();
        lab.Delete(Static, with: ("CNI_PATH", Plugins));
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>It would run itself, and that itself again, until the node has no processes left.</summary>
    [RootFact]
    public void A_copy_of_the_plugin_does_not_run_itself()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        Command.Must("cp", [Lab.Plugin, Path.Combine(_data, "copy")]);
        string config = HostLocal.Replace("\"type\":\"host-local\"", "\"type\":\"copy\"", StringComparison.Ordinal);
        CommandResult result = lab.Run("ADD", config, with: ("CNI_PATH", _data));
        result.AssertErrorNaming([103], "ipam.type must not be this plugin");
        Assert.Equal(1, result.Stdout.Split("must not be this plugin").Length - 1);
        lab.Run("DEL", config, with: ("CNI_PATH", _data)).AssertSuccess();
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootFact]
    public void The_host_local_plugin_gives_and_gets_back()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        lab.Serve(Protocol.Tcp, "203.0.113.25", 8080);
        JsonObject result = Add(lab, HostLocal);
        Assert.Equal("192.168.12.70", lab.Connect(Protocol.Tcp, 8080)?.Source);
        Assert.Equal(["192.168.12.70"], Reserved(_data));
        Check(lab, HostLocal, result).AssertSilentSuccess();

        // A second ADD must not give back what the first one holds.
        lab.Run("ADD", HostLocal, with: ("CNI_PATH", Plugins)).AssertErrorNaming([101], "interface net1 exists already in the pod");
        Assert.Equal(["192.168.12.70"], Reserved(_data));
        lab.Delete(HostLocal, with: ("CNI_PATH", Plugins));
        Assert.Empty(Reserved(_data));
        lab.PodSnapshot().AssertSameAs(pod);
        lab.Delete(HostLocal, with: ("CNI_PATH", Plugins));
    }

    [RootFact]
    public void An_address_goes_back_without_a_namespace()
    {
        using var lab = new Lab();
        Add(lab, HostLocal);
        lab.Run("DEL", HostLocal, "net1", ("CNI_PATH", Plugins), ("CNI_NETNS", null)).AssertSuccess();
        Assert.Empty(Reserved(_data));
    }

    [RootFact]
    public void CHECK_tells_an_address_that_the_plugin_does_not_know_any_more()
    {
        using var lab = new Lab();
        JsonObject result = Add(lab, HostLocal);
        Directory.Delete(Path.Combine(_data, "n"), recursive: true);
        Check(lab, HostLocal, result).AssertErrorNaming([999], "IPAM plugin host-local: ");
        lab.Run("CHECK", HostLocal, with: ("CNI_PATH", Plugins)).AssertErrorNaming([7], "prevResult is missing");
    }

    [RootFact]
    public void A_full_pool_is_the_plugins_own_error_and_leaves_nothing()
    {
        using var lab = new Lab();
        using var other = new Lab();
        Add(lab, HostLocal);
        Snapshot pod = other.PodSnapshot();
        Snapshot node = other.NodeSnapshot();
        other.Run(
            "ADD", HostLocal, "net1", ("CNI_PATH", Plugins),
            ("CNI_CONTAINERID", "another")).AssertErrorNaming([999], "IPAM plugin host-local: ", "no IP addresses available");
        other.PodSnapshot().AssertSameAs(pod);
        other.NodeSnapshot().AssertSameAs(node);
    }

    public static TheoryData<string, int, string> BadAnswers => new()
    {
        { """{"ips":[]}""", 7, "has no address" },
        { """{"ips":[{"address":"192.168.12.0/24"}]}""", 7, "is the network address of its /24" },
        { """{"ips":[{"address":"127.0.0.1/8"}]}""", 7, "is a loopback address" },
        { """{"ips":[{"address":"2001:db8:12::98/64"}]}""", 7, "203.0.113.25 is an IPv4 address, but there is no IPv4 egress address" },
        { """{"ips":[{"address":"203.0.113.25/24","gateway":"203.0.113.1"}]}""", 7, "203.0.113.25 is the egress address itself" },
        { """{"ips":[{"address":"192.168.12.10/24"}]}""", 7, "is an address of the node itself" },
        { """{"ips":[{"address":"192.168.13.10/24"}]}""", 7, "is not in ip.allowedAddresses" },
        { """{"ips":[{"address":"192.168.12.11/24"}]}""", 7, "has no 192.168.12.12, which was requested" },
        { """{"ips":"x"}""", 103, "fake.ips is not a list" },
        { """{"ips":[{"address":"192.168.12.012/24"}]}""", 103, "fake.ips[0].address is not an IP address with a prefix length" },
        { """{"ips":[{"address":"2001:db8:12::98/64","gateway":"fe80::1%lan0"}]}""", 103, "fake.ips[0].gateway is not an IP address" },
        { """{"ips":[{"address":"::ffff:192.168.12.98/120"}]}""", 7, "::ffff:192.168.12.98 is an IPv4-mapped address" },
        { """{"ips":[{"address":"192.168.12.98/24"},{"address":"192.168.12.98/25"}]}""", 7, "\"192.168.12.98/25\": is assigned twice" },
        { """{"ips":[{"address":"192.168.12.98/24","gateway":"192.168.12.98"}]}""", 7, "192.168.12.98 is the egress address itself" },
        { """{"ips":[{"address":"192.168.12.98/24","gateway":"192.168.12.255"}]}""", 7, "192.168.12.255 is the broadcast address of 192.168.12.98/24" },
        { """{"ips":[{"address":"192.168.12.98/24","gateway":"224.0.0.1"}]}""", 7, "224.0.0.1 is a multicast address, not a gateway" },
        { """{"ips":[{"address":"192.168.12.98/24","gateway":"127.0.0.1"}]}""", 7, "127.0.0.1 is a loopback address, not a gateway" },
        { """{"ips":[{"address":"192.168.12.98/24","gateway":"0.0.0.0"}]}""", 7, "0.0.0.0 is the unspecified address, not a gateway" },
        { """{"ips":[{"address":"192.168.12.98/24","gateway":"192.168.13.1"}]}""", 7, "\"192.168.13.1\": is outside the subnet of the egress address" },
        { """{"ips":[{"address":"192.168.12.98/24","gateway":"::ffff:192.168.12.1"}]}""", 7, "::ffff:192.168.12.1 is an IPv4-mapped address, not a gateway" },
    };

    [RootTheory]
    [MemberData(nameof(BadAnswers))]
    public void What_is_no_egress_address_is_given_back_and_leaves_nothing(string answer, int code, string message)
    {
        using var lab = new Lab();
        using var plugin = new FakeIpam();
        plugin.Write($"cat >/dev/null; [ $CNI_COMMAND != ADD ] || echo '{answer}'");
        Snapshot pod = lab.PodSnapshot();
        Snapshot node = lab.NodeSnapshot();
        bool isAsked = message.Contains("requested", StringComparison.Ordinal);
        string json = """
            {"cniVersion":"1.0.0","type":"egress-router","name":"n","ipam":{"type":"fake"},"ip":{"destinations":["203.0.113.25"],"allowedAddresses":["192.168.12.0/24","203.0.113.0/24","127.0.0.0/8","2001:db8::/32"]}}
            """;
        lab.Run(
            "ADD", json, "net1", ("CNI_PATH", plugin.Folder),
            ("CNI_ARGS", isAsked ? "IP=192.168.12.12" : null)).AssertErrorNaming([code], message);
        lab.PodSnapshot().AssertSameAs(pod);
        lab.NodeSnapshot().AssertSameAs(node);
        Assert.Equal(["ADD", "DEL"], plugin.Asked);
    }

    /// <summary>A plugin that says itself that it failed has given nothing; one that fell over may have.</summary>
    [RootTheory]
    [InlineData("""echo '{"code":11,"msg":"no address left"}'; exit 1""", 11, false)]
    [InlineData("exit 3", 103, true)]
    public void What_a_plugin_may_have_given_is_given_back(string end, int code, bool isGivenBack)
    {
        using var lab = new Lab();
        using var plugin = new FakeIpam();
        plugin.Write($"cat >/dev/null; [ $CNI_COMMAND = ADD ] || exit 0; {end}");
        Snapshot pod = lab.PodSnapshot();
        lab.Run("ADD", """{"cniVersion":"1.0.0","type":"egress-router","name":"n","ipam":{"type":"fake"}}""", with: ("CNI_PATH", plugin.Folder)).AssertErrorNaming([code], "IPAM plugin fake");
        Assert.Equal(isGivenBack ? ["ADD", "DEL"] : ["ADD"], plugin.Asked);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>A plugin may start a program that stays, as dhcp may its daemon. Its pipes are the program's too, and never end.</summary>
    [RootFact]
    public void What_a_plugin_starts_and_leaves_behind_keeps_no_ADD_waiting()
    {
        using var lab = new Lab();
        using var plugin = new FakeIpam();
        plugin.Write("""cat >/dev/null; [ $CNI_COMMAND != ADD ] || { sleep 15 & echo '{"ips":[{"address":"192.168.12.98/24","gateway":"192.168.12.1"}]}'; }""");
        var watch = System.Diagnostics.Stopwatch.StartNew();
        lab.Add("""{"cniVersion":"1.0.0","type":"egress-router","name":"n","ipam":{"type":"fake"}}""", with: ("CNI_PATH", plugin.Folder));
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 5);
    }

    /// <summary>The address that the plugin gave is held by somebody: it goes back, and nothing is left.</summary>
    [RootFact]
    public void An_address_that_is_in_conflict_goes_back()
    {
        using var lab = new Lab();
        Lab.Batch(lab.Lan, "address add 192.168.12.70/24 dev node0");
        Snapshot pod = lab.PodSnapshot();
        string json = Config.Changed(HostLocal, config => config["conflictDetection"] = "on");
        lab.Run("ADD", json, with: ("CNI_PATH", Plugins)).AssertErrorNaming([11], "address 192.168.12.70 is held by");
        Assert.Empty(Reserved(_data));
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>The kernel refuses a gateway that is an address of the pod, which is after the egress addresses are assigned.</summary>
    [RootFact]
    public void An_address_that_was_assigned_goes_back_when_ADD_fails_after_it()
    {
        using var lab = new Lab();
        using var plugin = new FakeIpam();
        plugin.Write("""cat >/dev/null; [ $CNI_COMMAND != ADD ] || echo '{"ips":[{"address":"2001:db8:12::98/64","gateway":"2001:db8:12::1"}]}'""");
        Lab.In(lab.Pod, "ip", "address", "add", "2001:db8:12::1/128", "dev", "lo");
        Snapshot pod = lab.PodSnapshot();
        lab.Run("ADD", """{"cniVersion":"1.0.0","type":"egress-router","name":"n","ipam":{"type":"fake"}}""", with: ("CNI_PATH", plugin.Folder))
            .AssertErrorNaming([100], "route default via 2001:db8:12::1 dev net1");
        Assert.Equal(["ADD", "DEL"], plugin.Asked);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>It would run itself, and that itself again, until the node has no processes left.</summary>
    [RootTheory]
    [InlineData("ADD")]
    [InlineData("CHECK")]
    [InlineData("STATUS")]
    [InlineData("GC")]
    [InlineData("DEL")]
    public void The_router_is_never_its_own_IPAM_plugin(string verb)
    {
        using var lab = new Lab();
        using var plugin = new FakeIpam("egress-router");
        plugin.Write("exit 0");
        CommandResult result = lab.Run(
            verb, """{"cniVersion":"1.1.0","type":"egress-router","name":"itself","ipam":{"type":"egress-router"},"prevResult":{},"cni.dev/valid-attachments":[]}""", with: ("CNI_PATH", plugin.Folder));
        Assert.Empty(plugin.Asked);
        if (verb is "DEL" or "GC")
        {
            // ADD has never got anything from it that could be given back.
            result.AssertSilentSuccess();
        }
        else
        {
            result.AssertErrorNaming([7], "ipam.type \"egress-router\": must not be this plugin");
        }
    }

    /// <summary>The plugin runs on the node, and the interface is there while it runs, down and closed.</summary>
    [RootFact]
    public void The_plugin_runs_on_the_node_beside_a_closed_interface()
    {
        using var lab = new Lab();
        using var plugin = new FakeIpam();
        plugin.Write($$"""
            cat >/dev/null
            [ $CNI_COMMAND = ADD ] || exit 0
            readlink /proc/self/ns/net > $0.namespace
            nsenter --net=$CNI_NETNS ip -o link show $CNI_IFNAME > $0.link
            nsenter --net=$CNI_NETNS nft list table inet egress-router-net1 > $0.table
            echo '{"ips":[{"address":"192.168.12.98/24"}]}'
            """);
        lab.Add("""{"cniVersion":"1.0.0","type":"egress-router","name":"n","ipam":{"type":"fake"}}""", with: ("CNI_PATH", plugin.Folder));
        string Said(string what) => File.ReadAllText(Path.Combine(plugin.Folder, "fake." + what)).Trim();
        Assert.Equal(Lab.In(lab.Node, "readlink", "/proc/self/ns/net").Trim(), Said("namespace"));
        Assert.Contains("state DOWN", Said("link"), StringComparison.Ordinal);
        Assert.Contains("chain guard", Said("table"), StringComparison.Ordinal);
    }

    [RootFact]
    public void DEL_tells_that_the_plugin_is_missing_but_removes_the_rest()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        Add(lab, HostLocal);
        lab.Run("DEL", HostLocal, with: ("CNI_PATH", "/nowhere")).AssertErrorNaming([103], "IPAM plugin \"host-local\" not found");
        lab.PodSnapshot().AssertSameAs(pod);
        lab.Delete(HostLocal, with: ("CNI_PATH", Plugins));
        Assert.Empty(Reserved(_data));
    }

    /// <summary>
    /// The plugin is not there, is no program, or refuses the configuration: with ADD it was no other, so that nothing was given.
    /// </summary>
    [RootTheory]
    [InlineData("none", null, 103)]
    [InlineData("../fake", null, 103)]
    [InlineData("fake", "no program", 103)]
    [InlineData("fake", """echo '{"code":1,"msg":"incompatible CNI versions"}'; exit 1""", 1)]
    [InlineData("fake", """echo '{"code":2,"msg":"unsupported field"}'; exit 1""", 2)]
    [InlineData("fake", """echo '{"code":6,"msg":"undecodable"}'; exit 1""", 6)]
    [InlineData("fake", """echo '{"code":7,"msg":"invalid config"}'; exit 1""", 7)]
    [InlineData("dhcp", null, 103)]
    public void DEL_of_what_no_plugin_can_have_given_succeeds_and_says_so(string type, string? script, int code)
    {
        using var lab = new Lab();
        using var plugin = new FakeIpam();
        if (script is "no program")
        {
            File.WriteAllText(Path.Combine(plugin.Folder, type), script);
        }
        else if (script is not null)
        {
            plugin.Write(script);
        }

        Snapshot pod = lab.PodSnapshot();
        string json = Fake.Replace("\"fake\"", $"\"{type}\"", StringComparison.Ordinal);
        lab.Run("ADD", json, with: ("CNI_PATH", plugin.Folder)).AssertError(code);
        CommandResult delete = lab.Run("DEL", json, with: ("CNI_PATH", plugin.Folder));
        delete.AssertSuccess();
        Assert.Contains("[error] no address is released, because nothing of ADD exists: ", delete.Stderr, StringComparison.Ordinal);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>Debian's plugins know of versions up to 1.0.0.</summary>
    [RootFact]
    public void DEL_succeeds_where_the_plugin_does_not_speak_the_version()
    {
        using var lab = new Lab();
        string json = HostLocal.Replace("1.0.0", "1.1.0", StringComparison.Ordinal);
        lab.Run("ADD", json, with: ("CNI_PATH", Plugins)).AssertErrorNaming([1], "IPAM plugin host-local: incompatible CNI versions");
        lab.Run("DEL", json, with: ("CNI_PATH", Plugins)).AssertSuccess();
    }

    /// <summary>ADD has refused the arguments; the plugin would refuse them as well.</summary>
    [RootFact]
    public void DEL_succeeds_where_the_arguments_are_none()
    {
        using var lab = new Lab();
        lab.Run("ADD", HostLocal, "net1", ("CNI_PATH", Plugins), ("CNI_ARGS", "nonsense")).AssertErrorNaming([4], "CNI_ARGS");
        lab.Run("DEL", HostLocal, "net1", ("CNI_PATH", Plugins), ("CNI_ARGS", "nonsense")).AssertSilentSuccess();
    }

    /// <summary>The address must not be lost: the runtime has to try again, also where the interface is gone, or is removed now.</summary>
    [RootTheory]
    [InlineData("fake", """echo '{"code":11,"msg":"busy"}'; exit 1""", 11)]
    [InlineData("fake", """echo '{"code":999,"msg":"bad"}'; exit 1""", 999)]
    [InlineData("fake", "exit 3", 103)]
    [InlineData("fake", null, 103)]
    [InlineData("fake", """echo '{"code":7,"msg":"invalid config"}'; exit 1""", 7)]
    [InlineData("dhcp", null, 103)]
    public void DEL_fails_until_what_a_plugin_has_given_is_given_back(string type, string? script, int code)
    {
        using var lab = new Lab();
        using var plugin = new FakeIpam(type);
        plugin.Write("""cat >/dev/null; [ $CNI_COMMAND != ADD ] || echo '{"ips":[{"address":"192.168.12.98/24","gateway":"192.168.12.1"}]}'""");
        Snapshot pod = lab.PodSnapshot();
        string json = Fake.Replace("\"fake\"", $"\"{type}\"", StringComparison.Ordinal);
        JsonObject result = lab.Add(json, with: ("CNI_PATH", plugin.Folder));
        plugin.Write(script ?? "");
        string folder = script is null ? "/nowhere" : plugin.Folder;
        lab.Run("DEL", json, with: ("CNI_PATH", folder)).AssertError(code);
        lab.PodSnapshot().AssertSameAs(pod);

        json = Config.Changed(json, config => config["prevResult"] = result.DeepClone());
        lab.Run("DEL", json, with: ("CNI_PATH", folder)).AssertError(code);
        lab.Run("DEL", json, "net1", ("CNI_PATH", folder), ("CNI_NETNS", null)).AssertError(code);
        plugin.Write("exit 0");
        lab.Delete(json, with: ("CNI_PATH", plugin.Folder));
    }

    /// <summary>A plugin that understands and fails may have something: an ADD that could not be undone has left it.</summary>
    [RootFact]
    public void DEL_fails_with_the_plugin_also_where_nothing_is_there()
    {
        using var lab = new Lab();
        using var plugin = new FakeIpam();
        plugin.Write("""echo '{"code":11,"msg":"busy"}'; exit 1""");
        lab.Run("DEL", Fake, with: ("CNI_PATH", plugin.Folder)).AssertErrorNaming([11], "IPAM plugin fake: busy");
    }

    /// <summary>The plugin of a configuration that is JSON is known, whatever else of it is not understood.</summary>
    [RootFact]
    public void DEL_asks_the_plugin_of_a_configuration_that_it_does_not_understand()
    {
        using var lab = new Lab();
        Add(lab, HostLocal);
        lab.Run("DEL", Config.Changed(HostLocal, json => json["ip"] = 7), with: ("CNI_PATH", Plugins)).AssertSilentSuccess();
        Assert.Empty(Reserved(_data));

        using var plugin = new FakeIpam();
        plugin.Write("exit 0");
        lab.Run("DEL", Config.Changed(Fake, json => json["cniVersion"] = "9.0.0"), with: ("CNI_PATH", plugin.Folder)).AssertSuccess();
        Assert.Equal(["DEL"], plugin.Asked);
    }

    private const string Fake = """{"cniVersion":"1.0.0","type":"egress-router","name":"n","ipam":{"type":"fake"}}""";

    private static JsonObject Add(Lab lab, string json) => lab.Add(json, with: ("CNI_PATH", Plugins));

    private static CommandResult Check(Lab lab, string json, JsonObject result)
    {
        JsonObject config = JsonNode.Parse(json)!.AsObject();
        config["prevResult"] = result.DeepClone();
        return lab.Run("CHECK", config.ToJsonString(), with: ("CNI_PATH", Plugins));
    }
}
