using System.Collections.Immutable;
using System.Net.Sockets;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using EgressRouter.Config;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;
using Netlink.Routing;
using Shared;

namespace SystemTests.Reliability;

/// <summary>
/// CHECK looks at everything: each object of the <see cref="NetworkState"/> that ADD made is taken away, and each field of
/// it altered, in the kernel, and CHECK reports it. Where nothing is altered it reports nothing.
/// </summary>
public sealed class SensitivityTests : IDisposable
{
    private const int Differs = 102;

    private static readonly AttachmentNames _names = new("net1");

    /// <summary>
    /// A later version's result tells the MTU, and one below the parent's can be raised: a later plugin may lower it. A strict
    /// reverse-path filter is one more thing that ADD changes.
    /// </summary>
    private static readonly string _json = Config.Changed(Config.TwoAddresses, config =>
    {
        config["cniVersion"] = "1.1.0";
        config["interfaceArgs"] = new JsonObject { ["mac"] = "stable", ["mtu"] = 1400, ["txqueuelen"] = 500 };
    });

    private readonly Lab _lab;
    private readonly JsonObject _result;
    private readonly NetworkState _state;
    private readonly Snapshot _pod;

    /// <summary>Fields of which an alteration has taken effect, as "Type.Field".</summary>
    private readonly HashSet<string> _altered = [];

    public SensitivityTests()
    {
        _lab = new Lab();
        Lab.WriteSysctl(_lab.Pod, "net/ipv4/conf/eth0/rp_filter", "1");
        // A filter of the egress interface matters where the pod's own routes to a destination lead elsewhere.
        Lab.Batch(_lab.Pod, "route add 192.168.12.91 via 10.129.2.1 dev eth0");
        _result = _lab.Add(_json);
        _state = Desired();
        Assert.Empty(Difference.Between(_state, Observe()));
        _pod = Look();
    }

    public void Dispose() => _lab.Dispose();

    /// <summary>
    /// A property that is added to the state has to be added here too. Shared addresses may be there or not (HighAvailabilityTests).
    /// </summary>
    [RootFact]
    public void All_kinds_of_objects_are_known_here() => Assert.Equal(
        ["Addresses", "Conflicts", "Link", "Routes", "Rules", "Shared", "Sysctls", "Table"],
        Alterations.FieldsOf(typeof(NetworkState)).Select(Alterations.NameOf).Order());

    [RootFact]
    public void Each_route()
    {
        var findings = new Findings("CHECK: routes altered");
        // Who made a route, and what we never set, are no differences (RouteState.Matches). IPv4 and IPv6 have each their own routes.
        string[] except = ["Family", "Origin", "Other"];
        foreach (RouteState route in Sampling.Sample(_state.Routes, 6))
        {
            Try(findings, $"{route} removed", () => Apply(new DeleteRoute(route)), Restore);
            foreach (FieldInfo field in Alterations.FieldsOf(typeof(RouteState))
                .Where(field => !except.Contains(Alterations.NameOf(field))))
            {
                TryFirst(findings, route, field, new DeleteRoute(route), other => new ReplaceRoute(other), other => new DeleteRoute(other));
            }
        }

        findings.AssertNone(atLeast: 20);
        AssertAltered(typeof(RouteState), except);
    }

    [RootFact]
    public void Each_routing_rule()
    {
        var findings = new Findings("CHECK: routing rules altered");
        // What a rule has that is not shown (HasOther) is the inversion below.
        string[] except = ["Family", "HasOther"];
        foreach (RoutingRule rule in Sampling.Sample(_state.Rules, 4))
        {
            Try(findings, $"{rule} removed", () => Apply(new DeleteRule(rule)), Restore);
            foreach (FieldInfo field in Alterations.FieldsOf(typeof(RoutingRule))
                .Where(field => !except.Contains(Alterations.NameOf(field))))
            {
                TryFirst(findings, rule, field, new DeleteRule(rule), other => new AddRule(other), other => new DeleteRule(other));
            }
        }

        RoutingRule marked = _state.Rules.First(rule => rule.Family == AddressFamily.InterNetwork && rule.Mask != 0);
        Try(findings, "a rule inverted", () =>
        {
            Apply(new DeleteRule(marked));
            Lab.Batch(_lab.Pod, $"rule add not pref {marked.Priority} fwmark {marked.Mark}/{marked.Mask} lookup {marked.Table}");
        }, Restore);
        findings.AssertNone(atLeast: 10);
        AssertAltered(typeof(RoutingRule), except);
    }

    [RootFact]
    public void Each_object_of_the_table()
    {
        var findings = new Findings("CHECK: objects of the nf_tables table altered");
        Try(findings, "the table removed", () => Apply(new DeleteTable(_state.Table!)), () => RestoreTable(replaces: false));
        foreach (var (name,
            table) in Sampling.Sample([.. TableAlterations.Of(_state.Table!).Where(alteration => !IsOfMemory(alteration.Name))], 100))
        {
            // The kernel refuses many, and carries out a table as a whole or not at all. nft cannot list all that it takes.
            Try(findings, name, () => Apply(new CreateTable(table, Replaces: true)), () => RestoreTable(replaces: true),
                () => TableAlterations.Text(Observe().Table!) != TableAlterations.Text(_state.Table!));
        }

        findings.AssertNone(atLeast: 20);
    }

    /// <summary>
    /// What the table remembers of a parameter's old value nobody else knows, so that its absence says nothing; and that
    /// it remembers a route twice changes nothing (docs/reliability.md, "Limits").
    /// </summary>
    private static bool IsOfMemory(string name) => name.Contains("(restore: ", StringComparison.Ordinal)
        && (name.EndsWith(" doubled",
            StringComparison.Ordinal)
                || (name.EndsWith(" removed", StringComparison.Ordinal) && name.Contains("comment \"net/", StringComparison.Ordinal)));

    [RootFact]
    public void Each_kernel_parameter()
    {
        var findings = new Findings("CHECK: kernel parameters altered");
        foreach (var (sysctl, value) in _state.Sysctls)
        {
            Try(findings, $"{sysctl}", () => Lab.WriteSysctl(_lab.Pod, $"{sysctl}", value == 0 ? "1" : "0"), () =>
            {
                Lab.WriteSysctl(_lab.Pod, $"{sysctl}", $"{value}");
                Restore();
            });
        }

        findings.AssertNone(atLeast: 15);
    }

    [RootFact]
    public void Each_address()
    {
        var findings = new Findings("CHECK: addresses altered");
        foreach (AddressState address in _state.Addresses)
        {
            Try(findings, $"{address} removed", () => Lab.Batch(_lab.Pod, $"address del {address} dev net1"), Restore);
            Try(findings, $"{address} with another prefix length",
                () => Lab.Batch(
                    _lab.Pod,
                    $"address del {address} dev net1\naddress add {address.Address}/{address.PrefixLength - 1} dev net1"), Restore);
        }

        // The kernel looks for other holders of IPv6 addresses only.
        AddressState duplicate = _state.Addresses.First(address => address.Address.AddressFamily == AddressFamily.InterNetworkV6);
        Lab.Batch(_lab.Lan, $"address add {duplicate} dev node0 nodad");
        Try(findings, $"{duplicate} has another holder", () =>
        {
            Lab.WriteSysctl(_lab.Pod, "net/ipv6/conf/net1/accept_dad", "1");
            Lab.Batch(_lab.Pod, $"address del {duplicate} dev net1\naddress add {duplicate} dev net1");
            Eventually.IsTrue(() => Lab.In(_lab.Pod, "ip", "address", "show", "dev", "net1")
                .Contains("dadfailed", StringComparison.Ordinal), "no duplicate is found");
        }, Restore);
        findings.AssertNone(atLeast: 7);
        AssertFields(typeof(AddressState), "Address", "DuplicateFound", "PrefixLength");
    }

    [RootFact]
    public void The_link()
    {
        var findings = new Findings("CHECK: the link altered");
        // Another parent: the network of the lab is at lan0.
        Lab.Batch(_lab.Node, "link add lan2 type veth peer name lan3");
        var commands = new Dictionary<string, string>
        {
            ["removed"] = "link del net1",
            ["Name"] = "link set net1 down\nlink set net1 name net7",
            ["Kind"] = "link del net1\nlink add net1 group 17746 type veth peer name net7\nlink set net1 up",
            ["Mode"] = "link set net1 type macvlan mode private",
            ["Parent"] = "link del net1",
            ["Mtu"] = "link set net1 mtu 1500",
            ["TxQueueLength"] = "link set net1 txqueuelen 501",
            ["IsUp"] = "link set net1 down",
            ["Group"] = "link set net1 group 5",
            ["HardwareAddress"] = "link set net1 address 02:00:00:00:00:77",
        };
        foreach (var (field, command) in commands)
        {
            Try(findings, field, () =>
            {
                Lab.Batch(_lab.Pod, command);
                if (field == "Parent")
                {
                    Lab.Batch(_lab.Node, $"link add link lan2 name net1 netns {_lab.Pod} group 17746 type macvlan mode bridge");
                }
            }, () =>
            {
                // DEL leaves what is not ours.
                _ = Command.Run("nsenter", ["--net=" + Lab.PathOf(_lab.Pod), "ip", "link", "del", field == "Name" ? "net7" : "net1"]);
                Restore();
            });
        }

        findings.AssertNone(atLeast: commands.Count);
        AssertFields(typeof(LinkState), "Kind", "Name", "Parent", "Settings");
        AssertFields(typeof(LinkSettings), "Group", "HardwareAddress", "IsUp", "Mtu", "TxQueueLength");
    }

    [RootFact]
    public void Another_holder_of_an_address()
    {
        string json = Config.Changed(_json, config => config["conflictDetection"] = "on");
        JsonObject result = _result;
        _lab.Check(json, result).AssertSilentSuccess();
        Lab.Batch(_lab.Lan, "address add 192.168.12.99/24 dev node0");
        _lab.Check(json, result).AssertErrorNaming([Differs], "192.168.12.99");
    }

    [RootFact]
    public void Nothing_is_reported_where_nothing_is_altered()
    {
        int count = Sampling.Count(1000, 60);
        for (int i = 0; i < count; i++)
        {
            _lab.Check(_json, _result).AssertSilentSuccess();
        }

        Figures.Note($"CHECK: {count} with nothing altered, 0 reported something");
    }

    /// <summary>Alters the kernel, asks CHECK, and restores; false: the kernel refused, or has no such difference.</summary>
    private bool Try(Findings findings, string name, Action alter, Action restore, Func<bool>? hasEffect = null)
    {
        try
        {
            alter();
        }
        catch (NetlinkException)
        {
            restore();
            return false;
        }

        bool isAltered = hasEffect?.Invoke() ?? !Look().IsSameAs(_pod);
        if (isAltered)
        {
            findings.Try(() => name, () => _lab.Check(_json, _result).AssertError(Differs));
        }

        restore();
        // Some of it the kernel does by work of its own, such as the local route of an IPv6 address.
        _ = Eventually.Becomes(() => Look().IsSameAs(_pod), seconds: 2);
        Look().AssertSameAs(_pod);
        return isAltered;
    }

    /// <summary>Gives a field the first other value that the kernel takes.</summary>
    private void TryFirst<T>(
        Findings findings, T item, FieldInfo field, PlanStep remove, Func<T, PlanStep> add, Func<T, PlanStep> removeAgain)
        where T : notnull
    {
        foreach (T other in Alterations.Of(item, field))
        {
            void Alter()
            {
                Apply(remove);
                Apply(add(other));
            }

            void TakeBack()
            {
                // DEL leaves what is not the plugin's.
                _ = InPod(network => network.ApplyAsFarAsPossible([removeAgain(other)]));
                Restore();
            }

            if (Try(findings, $"{item}: {Alterations.NameOf(field)} as in {other}", Alter, TakeBack))
            {
                _altered.Add($"{typeof(T).Name}.{Alterations.NameOf(field)}");
                return;
            }
        }
    }

    private void AssertAltered(Type type, string[] except) => Assert.Equal(
        Alterations.FieldsOf(type).Select(Alterations.NameOf).Except(except).Order(),
        _altered.Where(
            name => name.StartsWith(type.Name + ".", StringComparison.Ordinal)).Select(name => name[(type.Name.Length + 1)..])
                .Except(except).Order());

    private static void AssertFields(Type type, params string[] names) =>
        Assert.Equal(Alterations.FieldsOf(type).Select(Alterations.NameOf).Order(), names.Order());

    /// <summary>As ADD made it; its hardware address is always the same.</summary>
    private void Restore()
    {
        _lab.Run("DEL", _json).AssertSuccess();
        _lab.Add(_json);
    }

    /// <summary>What is to be restored is remembered in the table.</summary>
    private void RestoreTable(bool replaces)
    {
        Apply(new CreateTable(_state.Table!, replaces));
        Restore();
    }

    private void Apply(PlanStep step) => InPod(network =>
    {
        network.Apply([step]);
        return true;
    });

    /// <summary>The pod as other programs see it: what the plugin reads of it is what is tested.</summary>
    private Snapshot Look() => _lab.PodSnapshot().WithoutNumbers();

    private NetworkState Observe() => InPod(network => network.Observe(_names, _state.Sysctls.Keys, network.Read()));

    private T InPod<T>(Func<PodNetwork, T> work)
    {
        using NetNamespace pod = NetNamespace.Open(Lab.PathOf(_lab.Pod));
        return pod.Run(() =>
        {
            using PodNetwork network = PodNetwork.Open();
            return work(network);
        });
    }

    /// <summary>What CHECK wants, made from the configuration as it does.</summary>
    private NetworkState Desired()
    {
        RouterConfig config = RouterConfig.Parse(JsonDocument.Parse(_json).RootElement).Config!;
        using NetNamespace node = NetNamespace.Open(Lab.PathOf(_lab.Node));
        Attachment attachment = node.Run(() =>
        {
            using NetlinkSocket socket = NetlinkSocket.OpenRoute();
            return AttachmentResolver.Resolve(
                config, _names, new Owner("egress-router", Lab.ContainerId), socket, isNew: false, out ImmutableArray<ConfigError> _)!;
        });
        return InPod(network =>
        {
            PodDump dump = network.Read();
            return StateBuilder.Present(attachment, network.Snapshot(_names, dump).Facts(_names, dump.ReadSysctl));
        });
    }
}
