using SystemTests.Packaging;
using YamlDotNet.RepresentationModel;

namespace SystemTests.Legacy;

/// <summary><c>egress-routerctl init</c>, as the init container of a pod that has an interface for it.</summary>
public class InitTests
{
    private const string Lists = "# web\n80 tcp 192.168.12.91\n\n8080 tcp 203.0.113.26 80\n53 udp 192.168.12.92\n203.0.113.25";

    private static readonly (string, string)[] _usual = [("EGRESS_SOURCE", "192.168.12.99/24"), ("EGRESS_GATEWAY", "192.168.12.1"),
        ("EGRESS_ROUTER_MODE", "init")];

    /// <summary>In a container with the two capabilities /proc/sys is read-only.</summary>
    [RootTheory]
    [InlineData("net1", false)]
    [InlineData("macvlan0", false)]
    [InlineData("net1", true)]
    public void What_the_environment_says_is_redirected(string name, bool isPrivileged)
    {
        using var lab = new Lab();
        AddInterface(lab, name);
        Serve(lab);
        CommandResult result = Init(lab, isPrivileged, ("EGRESS_DESTINATION", Lists));
        Assert.True(result is { ExitCode: 0, Stdout: "the pod is an egress router\n" }, result.ToString());
        AssertRedirects(lab);
        Lab.In(lab.Pod, "nft", "list", "table", "inet", $"egress-router-{name}");

        // Again, as when the container is started once more: nothing is left to do.
        result = Init(lab, isPrivileged, ("EGRESS_DESTINATION", Lists));
        Assert.True(result is { ExitCode: 0, Stdout: "the pod is an egress router already\n" } || !isPrivileged, result.ToString());
        Assert.Equal(0, result.ExitCode);
        AssertRedirects(lab);

        // And with another list.
        result = Init(lab, isPrivileged, ("EGRESS_DESTINATION", "80 tcp 192.168.12.92"));
        Assert.Equal(0, result.ExitCode);
        lab.Serve(Protocol.Tcp, "192.168.12.92", 80);
        Assert.Equal(new Arrival("192.168.12.99", "192.168.12.92", 80), lab.Connect(Protocol.Tcp, 80));
        lab.AssertNoAnswer(Protocol.Tcp, 8080);
    }

    /// <summary>Whatever another plugin has made of the interface: an address with another length, a default route, up or down.</summary>
    [RootFact]
    public void What_is_there_already_is_made_right()
    {
        using var lab = new Lab();
        AddInterface(lab, "net1");
        Lab.Batch(lab.Pod, """
            address add 192.168.12.99/32 dev net1
            link set net1 up
            route replace default via 192.168.12.7 dev net1 onlink
            """);
        Lab.Batch(lab.Pod, "route add 10.130.0.0/16 via 10.129.2.1");
        Serve(lab);
        Assert.Equal(0, Init(lab, false, ("EGRESS_DESTINATION", Lists)).ExitCode);
        AssertRedirects(lab);
        Assert.StartsWith("default via 192.168.12.1 dev net1", Lab.In(lab.Pod, "ip", "route"), StringComparison.Ordinal);
        Assert.Contains("192.168.12.99/24", Lab.In(lab.Pod, "ip", "-4", "-o", "address", "show", "dev", "net1"), StringComparison.Ordinal);
    }

    /// <summary>
    /// packaging/manifests/init.yaml, done as a node does it: the plugin makes the interface, then the init container runs.
    /// </summary>
    [RootFact]
    public void The_manifest_makes_a_router()
    {
        using var lab = new Lab();
        using var runtime = new Runtime(lab.Node);
        YamlNode network = Assert.Single(Manifest.Read("packaging/manifests/init.yaml", "NetworkAttachmentDefinition"));
        string config = Config.Changed(Manifest.Text(network["spec"]["config"]), json => json["master"] = "lan0");
        CommandResult added = runtime.Add(config, new RuntimeConf(Lab.ContainerId, Lab.PathOf(lab.Pod), "net1"));
        Assert.True(added.ExitCode == 0, added.ToString());

        (string, string)[] variables = [.. Manifest.EnvironmentOf("init.yaml").Select(pair => (pair.Key, pair.Value))];
        Assert.Equal(4, variables.Length);
        CommandResult planned = Run(lab, false, ["init", "--dry-run"], variables);
        Assert.True(
            planned is { ExitCode: 0, Stderr: "" }
                && planned.Stdout.Contains("would: create nftables table egress-router-net1\n", StringComparison.Ordinal),
            planned.ToString());
        lab.AssertNoAnswer(Protocol.Tcp, 5432);
        CommandResult result = Init(lab, false, variables);
        Assert.True(result is { ExitCode: 0, Stdout: "the pod is an egress router\n" }, result.ToString());
        lab.Serve(Protocol.Tcp, "192.168.12.91", 5432);
        Assert.Equal(new Arrival("192.168.12.99", "192.168.12.91", 5432), lab.Connect(Protocol.Tcp, 5432));
    }

    /// <summary>
    /// The pod is as ADD would have made it: a router of the same configuration differs in nothing but what ADD knows of the node.
    /// </summary>
    [RootFact]
    public void It_is_the_router_that_ADD_makes()
    {
        using var lab = new Lab();
        using var other = new Lab();
        AddInterface(lab, "net1");
        Assert.Equal(0, Init(lab, true, ("EGRESS_DESTINATION", Lists)).ExitCode);
        other.Add(Config.With("80 tcp 192.168.12.91", "8080 tcp 203.0.113.26 80", "53 udp 192.168.12.92", "203.0.113.25"));
        Assert.Equal(NftRuleset(other), NftRuleset(lab));
        Assert.Equal(Lab.In(other.Pod, "ip", "-4", "route"), Lab.In(lab.Pod, "ip", "-4", "route"));
    }

    /// <summary>The variables may come on top of a NetworkAttachmentDefinition without destinations.</summary>
    [RootFact]
    public void A_router_that_ADD_has_made_gets_destinations_and_DEL_leaves_the_pod_as_it_was()
    {
        using var lab = new Lab();
        Snapshot before = lab.PodSnapshot();
        string config = File.ReadAllText(Shared.Repository.PathOf("cni-conf-examples", "source-address-only.json"));
        lab.Add(config);
        Serve(lab);
        CommandResult result = Init(lab, false, ("EGRESS_DESTINATION", Lists));
        Assert.True(result is { ExitCode: 0, Stderr: "" }, result.ToString());
        AssertRedirects(lab);
        lab.Delete(config);
        lab.PodSnapshot().AssertSameAs(before);
    }

    [RootFact]
    public void Both_families_where_IPv6_may_be_forwarded()
    {
        using var lab = new Lab();
        AddInterface(lab, "net1");
        lab.Serve(Protocol.Tcp, "2001:db8:12::91", 80);
        (string, string)[] both = [("EGRESS_SOURCE", "192.168.12.99/24 2001:db8:12::99/64"),
            ("EGRESS_GATEWAY", "192.168.12.1 2001:db8:12::1"), ("EGRESS_DESTINATION", "80 tcp 2001:db8:12::91")];
        CommandResult result = Init(lab, false, both);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("not as it should be: sysctl net/ipv6/conf/all/forwarding is 0, not 1", result.Stdout, StringComparison.Ordinal);
        // As the pod's securityContext.sysctls would.
        Lab.WriteSysctl(lab.Pod, "net/ipv6/conf/all/forwarding", "1");
        result = Init(lab, false, both);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(new Arrival("2001:db8:12::99", "2001:db8:12::91", 80), lab.Connect(Protocol.Tcp, 80, Lab.PodAddress6));
    }

    /// <summary>Then the proxy does the rest.</summary>
    [RootTheory]
    [InlineData("http-proxy")]
    [InlineData("dns-proxy")]
    public void For_a_proxy_nothing_is_redirected(string mode)
    {
        using var lab = new Lab();
        AddInterface(lab, "net1");
        using EchoServer outside = lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        using EchoServer own = lab.ServeIn(lab.Pod, Protocol.Tcp, Lab.PodAddress, 80);
        CommandResult result = Init(lab, false, ("EGRESS_ROUTER_MODE", mode));
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(new Arrival("10.129.2.1", Lab.PodAddress, 80), lab.Connect(Protocol.Tcp, 80));
        Assert.Equal(Lab.FarClient, lab.Connect(Protocol.Tcp, 80, source: Lab.FarClient)?.Source);
        Assert.Equal("192.168.12.99", Lab.Ask(lab.Pod, Protocol.Tcp, "192.168.12.91", 80)?.Source);
    }

    [RootFact]
    public void In_the_legacy_mode_it_stays_until_it_is_told_to_end()
    {
        using var lab = new Lab();
        AddInterface(lab, "net1");
        Serve(lab);
        using var router = new BackgroundProcess(
            lab.Pod, "/usr/bin/env", "EGRESS_SOURCE=192.168.12.99/24", "EGRESS_GATEWAY=192.168.12.1", $"EGRESS_DESTINATION={Lists}",
            Lab.Ctl, "init");
        router.WaitUntil(() => lab.Connect(Protocol.Tcp, 80) is not null);
        AssertRedirects(lab);
        router.End();
        AssertRedirects(lab);
    }

    [RootFact]
    public void What_is_wrong_is_said_at_once_and_changes_nothing()
    {
        using var lab = new Lab();
        Snapshot before = lab.PodSnapshot();
        CommandResult result = Init(lab, true, ("EGRESS_DESTINATION", Lists));
        Assert.True(result is { ExitCode: 2, Stdout: "" }, result.ToString());
        Assert.StartsWith(
            "egress-routerctl: the pod has neither an egress interface, nor one of the name net1 or macvlan0: it has lo, eth0; --interface names another",
            result.Stderr, StringComparison.Ordinal);

        AddInterface(lab, "net1");
        before = lab.PodSnapshot();
        result = Init(
            lab, true, ("EGRESS_DESTINATION", "80 tcp x\n81 tcp y"), ("EGRESS_SOURCE", "192.168.12.300"), ("EGRESS_ROUTER_MODE", "x"));
        Assert.Equal(1, result.ExitCode);
        Assert.Equal(2, result.Stderr.TrimEnd().Split('\n').Length);
        result = Run(lab, true, ["init", "--dry-run"], ("EGRESS_DESTINATION", Lists));
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("would: set link net1: group 17746\n", result.Stdout, StringComparison.Ordinal);
        Assert.Contains("would: create nftables table egress-router-net1\n", result.Stdout, StringComparison.Ordinal);
        lab.PodSnapshot().AssertSameAs(before);
    }

    /// <summary>As another plugin makes it for a pod.</summary>
    private static void AddInterface(Lab lab, string name)
    {
        Lab.Batch(lab.Node, "link add link lan0 name er-init0 type macvlan mode private");
        Lab.Batch(lab.Node, $"link set er-init0 netns {lab.Pod} name {name}");
    }

    private static void Serve(Lab lab)
    {
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        lab.Serve(Protocol.Tcp, "203.0.113.26", 80);
        lab.Serve(Protocol.Udp, "192.168.12.92", 53);
        lab.Serve(Protocol.Tcp, "203.0.113.25", 2222);
    }

    private static void AssertRedirects(Lab lab)
    {
        Assert.Equal(new Arrival("192.168.12.99", "192.168.12.91", 80), lab.Connect(Protocol.Tcp, 80));
        Assert.Equal(new Arrival("192.168.12.99", "203.0.113.26", 80), lab.Connect(Protocol.Tcp, 8080, source: Lab.FarClient));
        Assert.Equal(new Arrival("192.168.12.99", "192.168.12.92", 53), lab.Connect(Protocol.Udp, 53));
        Assert.Equal(new Arrival("192.168.12.99", "203.0.113.25", 2222), lab.Connect(Protocol.Tcp, 2222));
    }

    private static CommandResult Init(Lab lab, bool isPrivileged, params (string Name, string Value)[] changes) =>
        Run(lab, isPrivileged, ["init"], changes);

    private static CommandResult Run(Lab lab, bool isPrivileged, string[] arguments, params (string Name, string Value)[] changes)
    {
        Dictionary<string, string> environment = new() { ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin" };
        foreach ((string name, string value) in _usual.Concat(changes))
        {
            environment[name] = value;
        }

        string[] container = isPrivileged ? [] :
        [
            "unshare", "--mount", "sh", "-c", "mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && exec \"$@\"", "sh",
            "setpriv", "--bounding-set=-all,+net_admin,+net_raw", "--inh-caps=-all",
        ];
        return Command.Run("nsenter", ["--net=" + Lab.PathOf(lab.Pod), .. container, Lab.Ctl, .. arguments], "", environment);
    }

    /// <summary>The table without what only ADD knows: whose it is, and the node's addresses.</summary>
    private static string NftRuleset(Lab lab) => string.Join('\n', Lab.In(lab.Pod, "nft", "-s", "list", "ruleset").Split('\n')
        .Where(
            line => !line.Contains("return comment \"n", StringComparison.Ordinal)
                && !line.Contains("return comment \"container", StringComparison.Ordinal)));
}
