using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>ADD that cannot succeed says why, in one error, and changes nothing.</summary>
public class RefusalTests
{
    private const int InvalidConfig = 7;
    private const int InvalidNamespace = 8;

    private static readonly Dictionary<string, Refusal> _refusals = new()
    {
        ["not JSON"] = new(
            """{"cniVersion": "0.4.0", """, 6, "cannot decode the network configuration on stdin: it is not valid JSON at line 1, byte 25"),
        ["nothing at all"] = new("", 6, "cannot decode the network configuration on stdin: it is empty"),
        ["not an object"] = new("[]", 6, "cannot decode the network configuration on stdin: it is not an object"),
        ["no name"] = Changed(config => config.Remove("name"), "missing network name"),
        ["no ip"] = Changed(config => config.Remove("ip"), "ip: is missing"),
        ["no address"] = Ip(ip => ip["addresses"] = new JsonArray(), "ip.addresses: must have at least one entry"),
        ["the same address twice"] = Ip(
            ip => ip["addresses"] = new JsonArray("192.168.12.99/24", "192.168.12.99/24"),
            "ip.addresses[1] \"192.168.12.99/24\": duplicates ip.addresses[0]"),
        ["an address that is none"] = Ip(
            ip => ip["addresses"] = new JsonArray("192.168.12.999/24"), "ip.addresses[0] \"192.168.12.999/24\": "),
        ["a gateway that is none"] = Ip(ip => ip["gateway"] = "192.168.12.x", "ip.gateway \"192.168.12.x\": hostnames are not supported"),
        ["a gateway of the other family"] = Ip(ip => ip["gateway"] = "2001:db8:12::1", "ip.gateway \"2001:db8:12::1\": "),
        ["a gateway outside the subnet"] = Ip(ip => ip["gateway"] = "192.168.99.1", "ip.gateway \"192.168.99.1\": is outside the subnet"),
        ["a gateway that is the address itself"] = Ip(ip => ip["gateway"] = "192.168.12.99", "ip.gateway \"192.168.12.99\": "),
        ["a destination port out of range"] = Destinations(
            "[0] \"70000 TCP 203.0.113.26\": port 70000 is outside 1-65535", "70000 TCP 203.0.113.26"),
        ["port 0"] = Destinations("[0] \"0 TCP 203.0.113.26\": port 0 is outside 1-65535", "0 TCP 203.0.113.26"),
        ["a protocol that is none"] = Destinations("[0] \"80 XTP 203.0.113.26\": protocol \"XTP\" is not", "80 XTP 203.0.113.26"),
        ["a destination that is no address"] = Destinations("[0] \"80 TCP example\": hostnames are not supported", "80 TCP example"),
        ["a destination of the other family"] = Destinations("[0] \"80 TCP 2001:db8::1\": ", "80 TCP 2001:db8::1"),
        ["the same port twice"] = Destinations(
            "[1] \"80 TCP 203.0.113.27\": 80 tcp is already used by ip.destinations[0]", "80 TCP 203.0.113.26", "80 TCP 203.0.113.27"),
        ["two destinations for everything"] = Destinations(
            "[1] \"203.0.113.27\": only one fallback destination is allowed", "203.0.113.26", "203.0.113.27"),
        ["an interfaceType that is none"] = Changed(
            config => config["interfaceType"] = "token-ring", "interfaceType \"token-ring\": the supported interface types are") with
        { Code = 2 },
        ["an interfaceType that is known and not supported"] = Changed(
            config => config["interfaceType"] = "aws-elastic-ip",
            "interfaceType \"aws-elastic-ip\": the supported interface types are") with
        { Code = 2 },
        ["the network address of the parent's subnet, whose length is inferred"] = Ip(
            ip => ip["addresses"] = new JsonArray("192.168.12.0"), "192.168.12.0 is the network address of its /24"),
        ["a prefix length that is asked for and makes half of the world the pod's neighbor"] = Ip(
            ip => ip["allowedAddresses"] = new JsonArray("192.168.12.64/26"),
                "CNI_ARGS.IP[0] \"192.168.12.70/1\": a prefix length below the 26") with
        { Variable = ("CNI_ARGS", "IP=192.168.12.70/1") },
        ["a prefix length that is asked for, of an address that is written without one"] = Ip(
            ip => ip["addresses"] = new JsonArray("192.168.12.99"), "CNI_ARGS.IP[0] \"192.168.12.99/8\": a prefix length below the 32") with
        { Variable = ("CNI_ARGS", "IP=192.168.12.99/8") },
        ["a gateway that is the broadcast address of a subnet whose length is inferred"] = Ip(
            ip => (ip["addresses"], ip["gateway"]) = (new JsonArray("192.168.12.99"), "192.168.12.255"),
            "192.168.12.255 is the broadcast address of 192.168.12.99/24"),
        ["a macvlan mode that is none"] = Arguments("mode", "sideways", "interfaceArgs.mode \"sideways\": is not one of"),
        ["a parent that is not there"] = Arguments(
            "master", "absent0", "interfaceArgs.master \"absent0\": the node has no link of this name"),
        ["a parent's name that no link can have"] = Arguments(
            "master", "a-name-too-long-for-a-link", "interfaceArgs.master \"a-name-too-long-for-a-link\": "),
        ["an MTU above the parent's"] = Arguments(
            "mtu", 9000, "interfaceArgs.mtu \"9000\": is above the 1500 of the parent lan0"),
        ["a cniVersion that is none"] = Changed(
            config => config["cniVersion"] = "9.9.9", "config is \"9.9.9\", plugin supports") with
        { Code = 1 },
        ["an egress address that the node has"] = Ip(
            ip => ip["addresses"] = new JsonArray("192.168.12.10/24"), "ip.addresses[0] \"192.168.12.10/24\": is an address of the node"),
        ["a namespace that is not there"] = Namespace(
            "/run/netns/er-absent", "open network namespace /run/netns/er-absent: No such file or directory (ENOENT)"),
        ["a namespace that is a file"] = Namespace("/etc/passwd", "open /etc/passwd: it is not a network namespace"),
        ["a namespace that is a folder"] = Namespace("/run", "open /run: it is not a network namespace"),
        ["no namespace"] = new(Config.Redirect, 4, "[CNI_NETNS] missing") { Variable = ("CNI_NETNS", null) },
        ["no container"] = new(Config.Redirect, 4, "[CNI_CONTAINERID] missing") { Variable = ("CNI_CONTAINERID", null) },
        ["no interface name"] = new(Config.Redirect, 4, "[CNI_IFNAME] missing") { Variable = ("CNI_IFNAME", null) },
        ["an interface name that no link can have"] = new(
            Config.Redirect, 4, "invalid CNI_IFNAME \"a/b\": ")
        { Variable = ("CNI_IFNAME", "a/b") },
    };

    public static TheoryData<string> Cases() => [.. _refusals.Keys];

    [RootTheory]
    [MemberData(nameof(Cases))]
    public void Refuses(string what)
    {
        Refusal refusal = _refusals[what];
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        Snapshot node = lab.NodeSnapshot();

        CommandResult result = refusal.Variable is { } variable
            ? lab.Run("ADD", refusal.Json, with: variable)
            : lab.Run("ADD", refusal.Json);

        result.AssertErrorNaming([refusal.Code], refusal.Noun);
        lab.PodSnapshot().AssertSameAs(pod);
        lab.NodeSnapshot().AssertSameAs(node);
    }

    [RootFact]
    public void Refuses_a_fifo_for_a_namespace_without_waiting_for_it()
    {
        using var lab = new Lab();
        Snapshot node = lab.NodeSnapshot();
        string fifo = Path.Combine(Path.GetTempPath(), "er-fifo-" + lab.Pod);
        Command.Must("mkfifo", [fifo]);
        try
        {
            lab.Run("ADD", Config.Redirect, with: ("CNI_NETNS", fifo)).AssertError(InvalidNamespace);
        }
        finally
        {
            File.Delete(fifo);
        }

        lab.NodeSnapshot().AssertSameAs(node);
    }

    [RootFact]
    public void Refuses_the_namespace_that_it_runs_in()
    {
        using var lab = new Lab();
        Snapshot node = lab.NodeSnapshot();
        lab.Run("ADD", Config.Redirect, with: ("CNI_NETNS", Lab.PathOf(lab.Node))).AssertError(InvalidNamespace);
        lab.NodeSnapshot().AssertSameAs(node);
    }

    [RootFact]
    public void Leaves_a_foreign_interface_of_that_name_alone()
    {
        using var lab = new Lab();
        Lab.Batch(lab.Pod, """
            link add net1 type veth peer name foreign0
            address add 172.31.0.1/24 dev net1
            link set net1 up
            link set foreign0 up
            """);
        Lab.WaitUntilSettled((lab.Pod, "net1"), (lab.Pod, "foreign0"));
        Snapshot pod = lab.PodSnapshot();

        lab.Run("ADD", Config.Redirect).AssertErrorNaming([101], "interface net1 exists already in the pod");
        lab.PodSnapshot().AssertSameAs(pod);

        // It may say on stderr that it left something alone.
        lab.Run("DEL", Config.Redirect).AssertSuccess();
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootTheory]
    [InlineData("destinations", "6443 tcp 192.168.12.10")]
    [InlineData("gateway", "192.168.12.10")]
    public void An_address_of_the_parent_is_refused_where_it_could_never_answer(string key, string value)
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        string config = Config.Changed(json => json["ip"]![key] = key == "gateway" ? value : new JsonArray(value));
        lab.Run("ADD", config).AssertErrorNaming([7], $"ip.{key} \"{value}\": is an address of the parent lan0");
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootFact]
    public void A_second_add_leaves_the_first_one_as_it_is()
    {
        using var lab = new Lab();
        lab.Add(Config.Redirect);
        Snapshot pod = lab.PodSnapshot();
        lab.Run("ADD", Config.Redirect).AssertErrorNaming([101], "interface net1 exists already in the pod");
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootFact]
    public void Names_every_fault_at_once()
    {
        using var lab = new Lab();
        string text = lab.Run("ADD", Config.Changed(config =>
        {
            config["ip"]!["gateway"] = "192.168.12.x";
            config["ip"]!["destinations"] = new JsonArray("70000 TCP 203.0.113.26", "80 XTP 203.0.113.26");
        })).AssertError(InvalidConfig);
        Assert.Contains("192.168.12.x", text, StringComparison.Ordinal);
        Assert.Contains("70000", text, StringComparison.Ordinal);
        Assert.Contains("XTP", text, StringComparison.Ordinal);
    }

    private static Refusal Changed(Action<JsonObject> change, string noun) => new(Config.Changed(change), InvalidConfig, noun);

    private static Refusal Ip(Action<JsonObject> change, string noun) => Changed(config => change(config["ip"]!.AsObject()), noun);

    private static Refusal Destinations(string noun, params string[] destinations) =>
        new(Config.With(destinations), InvalidConfig, "ip.destinations" + noun);

    private static Refusal Arguments(string name, JsonNode value, string noun) =>
        Changed(config => config["interfaceArgs"] = new JsonObject { [name] = value }, noun);

    private static Refusal Namespace(string path, string noun) =>
        new(Config.Redirect, InvalidNamespace, "CNI_NETNS: " + noun) { Variable = ("CNI_NETNS", path) };

    private sealed record Refusal(string Json, int Code, string Noun)
    {
        public (string Name, string? Value)? Variable { get; init; }
    }
}
