using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>ADD that cannot succeed says why, in one error, and changes nothing.</summary>
public class RefusalTests
{
    private static readonly int[] _config = [7];
    private static readonly int[] _namespace = [3, 4, 7, 8];
    private static readonly int[] _node = [7, 100];

    private static readonly Dictionary<string, Refusal> _refusals = new()
    {
        ["not JSON"] = new("""{"cniVersion": "0.4.0", """, [6, 7]),
        ["nothing at all"] = new("", [6, 7]),
        ["not an object"] = new("[]", [6, 7]),
        ["no name"] = Changed(config => config.Remove("name"), "name"),
        ["no ip"] = Changed(config => config.Remove("ip"), "ip"),
        ["no address"] = Ip(ip => ip["addresses"] = new JsonArray(), "addresses"),
        ["the same address twice"] = Ip(ip => ip["addresses"] = new JsonArray("192.168.12.99/24", "192.168.12.99/24"), "addresses"),
        ["an address that is none"] = Ip(ip => ip["addresses"] = new JsonArray("192.168.12.999/24"), "192.168.12.999"),
        ["a gateway that is none"] = Ip(ip => ip["gateway"] = "192.168.12.x", "192.168.12.x"),
        ["a gateway of the other family"] = Ip(ip => ip["gateway"] = "2001:db8:12::1", "gateway"),
        ["a gateway outside the subnet"] = Ip(ip => ip["gateway"] = "192.168.99.1", "192.168.99.1"),
        ["a gateway that is the address itself"] = Ip(ip => ip["gateway"] = "192.168.12.99", "gateway"),
        ["a destination port out of range"] = Destinations("70000", "70000 TCP 203.0.113.26"),
        ["port 0"] = Destinations("0 TCP 203.0.113.26", "0 TCP 203.0.113.26"),
        ["a protocol that is none"] = Destinations("XTP", "80 XTP 203.0.113.26"),
        ["a destination that is no address"] = Destinations("example", "80 TCP example"),
        ["a destination of the other family"] = Destinations("2001:db8::1", "80 TCP 2001:db8::1"),
        ["the same port twice"] = Destinations("80", "80 TCP 203.0.113.26", "80 TCP 203.0.113.27"),
        ["two destinations for everything"] = Destinations("destinations", "203.0.113.26", "203.0.113.27"),
        ["an interfaceType that is none"] = Changed(config => config["interfaceType"] = "token-ring", "token-ring") with { Codes = [2, 7] },
        ["an interfaceType that is known and not supported"] = Changed(
            config => config["interfaceType"] = "aws-elastic-ip", "interfaceType \"aws-elastic-ip\"") with
        { Codes = [2] },
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
        ["a macvlan mode that is none"] = Arguments("mode", "sideways", "sideways"),
        ["a parent that is not there"] = Arguments("master", "absent0", "absent0") with { Codes = _node },
        ["a parent's name that no link can have"] = Arguments(
            "master", "a-name-too-long-for-a-link", "a-name-too-long") with
        { Codes = _node },
        ["an MTU above the parent's"] = Arguments("mtu", 9000, "mtu") with { Codes = _node },
        ["a cniVersion that is none"] = Changed(config => config["cniVersion"] = "9.9.9", "9.9.9") with { Codes = [1] },
        ["an egress address that the node has"] = Ip(
            ip => ip["addresses"] = new JsonArray("192.168.12.10/24"), "192.168.12.10") with
        { Codes = _node },
        ["a namespace that is not there"] = Variable("CNI_NETNS", "/run/netns/er-absent"),
        ["a namespace that is a file"] = Variable("CNI_NETNS", "/etc/passwd"),
        ["a namespace that is a folder"] = Variable("CNI_NETNS", "/run"),
        ["no namespace"] = new(Config.Redirect, [4], "CNI_NETNS") { Variable = ("CNI_NETNS", null) },
        ["no container"] = new(Config.Redirect, [4], "CNI_CONTAINERID") { Variable = ("CNI_CONTAINERID", null) },
        ["no interface name"] = new(Config.Redirect, [4], "CNI_IFNAME") { Variable = ("CNI_IFNAME", null) },
        ["an interface name that no link can have"] = new(Config.Redirect, [4], "CNI_IFNAME") { Variable = ("CNI_IFNAME", "a/b") },
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

        string text = result.AssertError(refusal.Codes);
        Assert.Contains(refusal.Noun, text, StringComparison.OrdinalIgnoreCase);
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
            lab.Run("ADD", Config.Redirect, with: ("CNI_NETNS", fifo)).AssertError(_namespace);
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
        lab.Run("ADD", Config.Redirect, with: ("CNI_NETNS", Lab.PathOf(lab.Node))).AssertError(_namespace);
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
            """);
        Thread.Sleep(100);
        Snapshot pod = lab.PodSnapshot();

        lab.Run("ADD", Config.Redirect).AssertErrorNaming([101], "net1");
        lab.PodSnapshot().AssertSameAs(pod);

        // It may say on stderr that it left something alone.
        lab.Run("DEL", Config.Redirect).AssertSuccess();
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootFact]
    public void A_second_add_leaves_the_first_one_as_it_is()
    {
        using var lab = new Lab();
        lab.Add(Config.Redirect);
        Snapshot pod = lab.PodSnapshot();
        lab.Run("ADD", Config.Redirect).AssertErrorNaming([101], "net1");
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
        })).AssertError(_config);
        Assert.Contains("192.168.12.x", text, StringComparison.Ordinal);
        Assert.Contains("70000", text, StringComparison.Ordinal);
        Assert.Contains("XTP", text, StringComparison.Ordinal);
    }

    private static Refusal Changed(Action<JsonObject> change, string noun) => new(Config.Changed(change), _config, noun);

    private static Refusal Ip(Action<JsonObject> change, string noun) => Changed(config => change(config["ip"]!.AsObject()), noun);

    private static Refusal Destinations(string noun, params string[] destinations) => new(Config.With(destinations), _config, noun);

    private static Refusal Arguments(string name, JsonNode value, string noun) =>
        Changed(config => config["interfaceArgs"] = new JsonObject { [name] = value }, noun);

    private static Refusal Variable(string name, string value) => new(Config.Redirect, _namespace, value) { Variable = (name, value) };

    private sealed record Refusal(string Json, int[] Codes, string Noun = "")
    {
        public (string Name, string? Value)? Variable { get; init; }
    }
}
