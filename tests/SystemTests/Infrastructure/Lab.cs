using System.Globalization;
using System.Net.NetworkInformation;
using System.Text.Json.Nodes;
using Netlink;
using Shared;

namespace SystemTests;

/// <summary>
/// A small network of namespaces of its own, removed again at the end:
/// <code>
/// client (pod0)  ----  (eth0) pod        node (lan0)  ----  (node0) lan
/// </code>
/// The client is the pod's gateway and also stands for a client in another subnet (<see cref="FarClient"/>); lan is the
/// gateway and every destination. Where the plugin runs, in the node, the parent is <c>lan0</c>.
/// </summary>
internal sealed class Lab : IDisposable
{
    public const string PodAddress = "10.129.2.31";
    public const string PodAddress6 = "fd00:10:129::31";
    public const string FarClient = "10.130.0.5";
    /// <summary>
    /// An address of the egress network, which a node may have that is no neighbor there. The client has not got it yet.
    /// </summary>
    public const string NearNode = "192.168.12.50";
    public const string FarClient6 = "fd00:10:130::5";
    public const string ContainerId = "lab-container";

    /// <summary>Makes a lan of one port into one of two; its addresses are the switch's then.</summary>
    private const string Switch = """
        address flush dev node0
        link add br0 type bridge
        link set node0 master br0
        link set node1 master br0
        address add 192.168.12.1/24 dev br0
        address add 192.168.12.91/24 dev br0
        address add 192.168.12.92/24 dev br0
        address add 2001:db8:12::1/64 dev br0 nodad
        address add 2001:db8:12::91/64 dev br0 nodad
        address add 2001:db8:12::92/64 dev br0 nodad
        link set node1 up
        link set br0 up
        """;

    private const string ViewOfNamespaces = """
        mount -t tmpfs tmpfs /mnt || exit
        for suffix in $0; do
            for path in /run/netns/*"$suffix"; do
                : >"/mnt/${path##*/}" && mount --bind "$path" "/mnt/${path##*/}" || exit
            done
        done
        mount --rbind /mnt /run/netns && exec "$@"
        """;

    private static int _count;

    private readonly string _suffix;
    private readonly List<string> _names = [];
    private readonly List<string> _seen = [];
    private readonly List<EchoServer> _servers = [];

    /// <summary>Makes the network.</summary>
    /// <param name="bare">The pod has nothing but <c>lo</c>, which is down: as in a namespace made by hand.</param>
    /// <param name="beside">
    /// Another such network, whose lan this one is at too: a second node with a pod and a client. Its lan becomes a
    /// switch, <c>br0</c>, with a port for each node: <c>node0</c> and <c>node1</c>. To be disposed of before the other.
    /// </param>
    public Lab(bool bare = false, Lab? beside = null)
    {
        int number = Interlocked.Increment(ref _count);
        _suffix = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{number}");
        (Node, Pod, Client, Lan) = ("", "", "", "");
        string port = beside is null ? "node0" : "node1";
        try
        {
            Node = AddNamespace("node");
            Pod = AddNamespace("pod");
            Client = AddNamespace("client");
            Lan = beside?.Lan ?? AddNamespace("lan");

            Batch(Node, $"""
                link set lo up
                link add lan0 type veth peer name {port} netns {Lan}
                address add 192.168.12.1{port[^1]}/24 dev lan0
                address add 2001:db8:12::1{port[^1]}/64 dev lan0 nodad
                link set lan0 up
                route add default via 192.168.12.1
                """);
            Batch(Lan, beside is not null ? Switch : """
                link set lo up
                address add 192.168.12.1/24 dev node0
                address add 192.168.12.91/24 dev node0
                address add 192.168.12.92/24 dev node0
                address add 2001:db8:12::1/64 dev node0 nodad
                address add 2001:db8:12::91/64 dev node0 nodad
                address add 2001:db8:12::92/64 dev node0 nodad
                address add 2001:db8:113::25/128 dev lo nodad
                address add 10.100.3.0/32 dev lo
                address add 203.0.113.25/32 dev lo
                address add 203.0.113.26/32 dev lo
                address add 203.0.113.27/32 dev lo
                link set node0 up
                """);
            Batch(Node, "route add default via 2001:db8:12::1");
            Batch(Client, "link set lo up");
            if (!bare)
            {
                Batch(Pod, $"""
                    link set lo up
                    link add eth0 type veth peer name pod0 netns {Client}
                    address add 10.129.2.31/23 dev eth0
                    address add fd00:10:129::31/64 dev eth0 nodad
                    link set eth0 up
                    """);
                Batch(Client, """
                    address add 10.129.2.1/23 dev pod0
                    address add fd00:10:129::1/64 dev pod0 nodad
                    address add 10.130.0.5/32 dev lo
                    address add fd00:10:130::5/128 dev lo nodad
                    link set pod0 up
                    """);
                Batch(Pod, """
                    route add default via 10.129.2.1
                    route add default via fd00:10:129::1
                    """);
            }

            string lan = beside is null ? "node0" : "br0";
            WaitUntilSettled((Node, "lan0"), (Lan, lan));
            if (!bare)
            {
                WaitUntilSettled((Pod, "eth0"), (Client, "pod0"));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Node { get; }

    public string Pod { get; }

    public string Client { get; }

    public string Lan { get; }

    /// <summary>Makes one more namespace, which has nothing but <c>lo</c>, and returns its name.</summary>
    public string AddNamespace(string role)
    {
        string name = $"er-{role}-{_suffix}";
        Command.Must("ip", ["netns", "add", name]);
        _names.Add(name);

        // Addresses are usable at once, without duplicate address detection.
        WriteSysctl(name, "net/ipv6/conf/all/accept_dad", "0");
        WriteSysctl(name, "net/ipv6/conf/default/accept_dad", "0");
        return name;
    }

    /// <summary>The path of the plugin that was built.</summary>
    public static string Plugin { get; } = Repository.PathOf("out", "egress-router");

    /// <summary>The tools that are tested: what make build has made.</summary>
    public static string Ctl { get; } = Repository.PathOf("out", "egress-routerctl");

    /// <summary>The path of a namespace, as runtimes hand it over.</summary>
    public static string PathOf(string name) => "/run/netns/" + name;

    /// <summary>Runs a program that must succeed in a namespace, and returns its standard output.</summary>
    public static string In(string name, params string[] command) => Command.Must("nsenter", ["--net=" + PathOf(name), .. command]);

    /// <summary>Runs <c>ip</c> commands, one a line, in a namespace.</summary>
    public static void Batch(string name, string commands) =>
        Command.Must("nsenter", ["--net=" + PathOf(name), "ip", "-batch", "-"], commands + "\n");

    /// <summary>Writes a sysctl, given as <c>net/ipv4/ip_forward</c>, in a namespace.</summary>
    public static void WriteSysctl(string name, string sysctl, string value)
    {
        using NetNamespace space = NetNamespace.Open(PathOf(name));
        space.Run(() => File.WriteAllText("/proc/sys/" + sysctl, value));
    }

    /// <summary>The index of a link.</summary>
    public static int IndexOf(string name, string link) => (int)LinkOf(name, link)["ifindex"]!;

    /// <summary>The hardware address of a link.</summary>
    public static PhysicalAddress MacOf(string name, string link) => PhysicalAddress.Parse((string)LinkOf(name, link)["address"]!);

    /// <summary>Whether this kernel has a kind of link.</summary>
    public bool HasKind(string kind)
    {
        string[] data = kind == "vlan" ? ["id", "100"] : [];
        CommandResult attempt = Command.Run(
            "nsenter", ["--net=" + PathOf(Node), "ip", "link", "add", "link", "lan0", "name", "probe0", "type", kind, .. data]);
        return attempt.ExitCode == 0 && In(Node, "ip", "link", "delete", "probe0").Length == 0;
    }

    public Snapshot PodSnapshot() => new(PathOf(Pod));

    public Snapshot NodeSnapshot() => new(PathOf(Node));

    /// <summary>Runs the plugin in the node's namespace, as Multus does.</summary>
    /// <param name="verb">ADD, CHECK, DEL, VERSION.</param>
    /// <param name="json">The configuration, for its standard input.</param>
    /// <param name="interfaceName">The name of the egress interface.</param>
    /// <param name="with">Variables that replace the usual ones; a null value leaves the variable out.</param>
    public CommandResult Run(string verb, string json, string interfaceName = "net1", params (string Name, string? Value)[] with) =>
        RunBy([], verb, json, interfaceName, with);

    /// <summary>As <see cref="Run"/>, without a capability, such as <c>net_raw</c>.</summary>
    public CommandResult RunWithout(string capability, string verb, string json, params (string Name, string? Value)[] with) =>
        RunBy(["setpriv", "--bounding-set=-" + capability, "--inh-caps=-" + capability], verb, json, "net1", with);

    /// <summary>As <see cref="Run"/>, by another program: its path and arguments, to which the plugin's path is added.</summary>
    public CommandResult RunBy(
        string[] wrapper, string verb, string json, string interfaceName = "net1", params (string Name, string? Value)[] with)
    {
        Dictionary<string, string> environment = EnvironmentOf(Pod, verb, interfaceName);
        foreach (var (name, value) in with)
        {
            if (value is null)
            {
                environment.Remove(name);
            }
            else
            {
                environment[name] = value;
            }
        }

        return Command.Run(
            "nsenter", ["--net=" + PathOf(Node), .. verb == "GC" ? SeeingOnly([Node, .. _seen]) : [], .. wrapper, Plugin], json,
            environment);
    }

    /// <summary>Runs the plugin for a pod of a network that the test has made itself.</summary>
    public static CommandResult RunFor(string node, string pod, string verb, string json) =>
        Command.Run("nsenter", ["--net=" + PathOf(node), Plugin], json, EnvironmentOf(pod, verb, "net1"));

    /// <summary>Lets GC of this laboratory look into the namespaces of another one too.</summary>
    public void See(Lab other) => _seen.Add(other.Node);

    /// <summary>
    /// What runs a program with a /run/netns that holds the namespaces of some laboratories only, each named by its node: GC looks into
    /// all of them, and other tests make some that cannot be read.
    /// </summary>
    public static string[] SeeingOnly(string[] nodes) =>
        ["unshare", "--mount", "sh", "-c", ViewOfNamespaces, string.Join(' ', nodes.Select(node => node["er-node".Length..]))];

    /// <summary>ADD that must succeed; returns its result.</summary>
    public JsonObject Add(string json, string interfaceName = "net1", params (string Name, string? Value)[] with)
    {
        CommandResult result = Run("ADD", json, interfaceName, with);
        Assert.True(result.ExitCode == 0, $"ADD: {result}");
        return JsonNode.Parse(result.Stdout)!.AsObject();
    }

    /// <summary>CHECK as a runtime asks for it: with the result of ADD in the configuration.</summary>
    public CommandResult Check(string json, JsonObject result, string interfaceName = "net1")
    {
        JsonObject config = JsonNode.Parse(json)!.AsObject();
        config["prevResult"] = result.DeepClone();
        return Run("CHECK", config.ToJsonString(), interfaceName);
    }

    /// <summary>DEL, which must succeed and say nothing.</summary>
    public void Delete(string json, string interfaceName = "net1", params (string Name, string? Value)[] with) =>
        Run("DEL", json, interfaceName, with).AssertSilentSuccess();

    /// <summary>Starts a server in the outside that answers with what it sees.</summary>
    public EchoServer Serve(Protocol protocol, string address, int port) => ServeIn(Lan, protocol, address, port);

    /// <summary>Starts a server in another namespace than the outside.</summary>
    public EchoServer ServeIn(string name, Protocol protocol, string address, int port)
    {
        var server = EchoServer.Start(PathOf(name), protocol, address, port);
        _servers.Add(server);
        return server;
    }

    /// <summary>As <see cref="Connect"/>, from any namespace to anywhere.</summary>
    public static Arrival? Ask(string from, Protocol protocol, string address, int port, string? source = null) =>
        EchoServer.Ask(PathOf(from), protocol, address, port, source, TimeSpan.FromSeconds(10));

    /// <summary>No answer to any of the questions, which are asked at the same time.</summary>
    public static void AssertNoAnswers(
        string from, params IEnumerable<(Protocol Protocol, string Address, int Port, string? Source)> questions) =>
        Assert.All(
            Task.WhenAll(questions.Select(question => Task.Factory.StartNew(
                () => (question,
                    EchoServer.Ask(
                        PathOf(from), question.Protocol, question.Address, question.Port, question.Source, TimeSpan.FromMilliseconds(900))),
                CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))).GetAwaiter().GetResult(),
            pair => Assert.True(pair.Item2 is null, $"{pair.question}: {pair.Item2}"));

    /// <summary>What the server says that a connection of the client to the pod arrived as; null: no answer.</summary>
    public Arrival? Connect(Protocol protocol, int port, string address = PodAddress, string? source = null) =>
        EchoServer.Ask(PathOf(Client), protocol, address, port, source, TimeSpan.FromSeconds(10));

    /// <summary>As <see cref="Connect"/>, where no answer is expected: waits a shorter time.</summary>
    public void AssertNoAnswer(Protocol protocol, int port, string address = PodAddress) =>
        Assert.Null(EchoServer.Ask(PathOf(Client), protocol, address, port, source: null, TimeSpan.FromMilliseconds(700)));

    private static Dictionary<string, string> EnvironmentOf(string pod, string verb, string interfaceName) => new()
    {
        ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin",
        ["CNI_COMMAND"] = verb,
        ["CNI_CONTAINERID"] = ContainerId,
        ["CNI_NETNS"] = PathOf(pod),
        ["CNI_IFNAME"] = interfaceName,
        ["CNI_PATH"] = Path.GetDirectoryName(Plugin)!,
    };

    private static JsonNode LinkOf(string name, string link) => JsonNode.Parse(In(name, "ip", "-j", "link", "show", link))![0]!;

    public void Dispose()
    {
        foreach (EchoServer server in _servers)
        {
            server.Dispose();
        }

        foreach (string name in _names)
        {
            // Best effort: a test may have deleted the namespace itself.
            _ = Command.Run("ip", ["netns", "delete", name]);
        }
    }

    /// <summary>Up, with a link-local address and the local routes of all addresses.</summary>
    private static bool IsSettled(string name, string link) =>
        In(name, "ip", "-6", "-o", "address", "show", "dev", link, "up").Contains("fe80::", StringComparison.Ordinal)
            && In(name, "ip", "link", "show", link).Contains("state UP", StringComparison.Ordinal)
            && HasLocalRoutes(name, link);

    /// <summary>The kernel puts the routes of IPv6 addresses into its local table by work of its own (addrconf_dad_work).</summary>
    public static bool HasLocalRoutes(string name, string link) =>
        In(name, "ip", "-6", "route", "show", "table", "local", "type", "local", "dev", link).Count('\n')
            == In(name, "ip", "-6", "-o", "address", "show", "dev", link).Count('\n');

    /// <summary>Waits for the links to come up and for their IPv6 link-local addresses, which the kernel adds in its own time.</summary>
    public static void WaitUntilSettled(params (string Namespace, string Link)[] links)
    {
        foreach (var (name, link) in links)
        {
            Eventually.IsTrue(() => IsSettled(name, link), $"{link} did not come up");
        }
    }
}
