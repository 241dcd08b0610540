using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.State;
using EgressRouter.State.Nftables;

namespace EgressRouter.Tests.State;

/// <summary>The pod's original state before any attachment, and the state to restore.</summary>
public class PodSnapshotTests
{
    private static readonly RouteState _byNet1 = RouteState.FromSavedText("0.0.0.0/0 via 192.168.12.1 dev net1")!;
    private static readonly RouteState _byNet2 = RouteState.FromSavedText("0.0.0.0/0 via 192.168.12.1 dev net2")!;
    private static readonly AttachmentNames _net2 = new("net2");

    private static readonly SavedState _memory = new(
        [Example.PodDefault], [], [], null, null, ImmutableSortedDictionary<Sysctl, int>.Empty.Add(Sysctl.Ipv4Forwarding("eth0"), 0));

    /// <summary>The pod after ADD of net1, which has only saved its original default route.</summary>
    private static PodSnapshot WithNet1 => Example.Pod with
    {
        Links = [.. Example.Pod.Links, Example.Link(3, "net1", AttachmentNames.LinkGroup)],
        MainDefaults = [_byNet1],
        ReturnDefaults = [Example.PodDefault],
        Attachments = [new InstalledAttachment("net1", _memory, [_byNet1])],
    };

    private static PodSnapshot WithBoth => WithNet1 with
    {
        Links = [.. WithNet1.Links, Example.Link(4, "net2", AttachmentNames.LinkGroup)],
        Attachments = [.. WithNet1.Attachments, new InstalledAttachment("net2", _memory, [_byNet2])],
    };

    [Fact]
    public void An_untouched_pod()
    {
        PodFacts facts = Example.Facts;
        Assert.Equal("eth0", facts.ClusterInterface);
        Assert.Equal([Example.PodDefault], facts.OriginalDefaults.AsEnumerable());
        Assert.Empty(facts.DefaultsOfOthers);
        Assert.Equal(0, facts.OriginalSysctls[Sysctl.Ipv4Forwarding("eth0")]);
    }

    [Fact]
    public void Without_a_default_route_the_first_link_that_is_up_is_the_cluster_interface()
    {
        PodFacts facts = (Example.Pod with
        {
            Links = [Example.Link(1, "lo"), Example.Link(2, "tunl0") with { Settings = new() { IsUp = false } }, Example.Link(5, "b"),
                Example.Link(4, "a")],
            MainDefaults = [],
        }).Facts(Example.Net1, Example.Unset);
        Assert.Equal("a", facts.ClusterInterface);
        Assert.Empty(facts.OriginalDefaults);
    }

    /// <summary>Multus' "default-route" removes the pod's default route before the plugin's ADD.</summary>
    [Fact]
    public void Without_a_default_route_replies_go_by_the_widest_route_that_is_left()
    {
        PodFacts facts = (Example.Pod with
        {
            MainDefaults = [],
            MainGateways = [By("172.30.0.0/16 via 10.129.2.7 dev eth0"), By("10.128.0.0/14 via 10.129.2.1 dev eth0"),
                By("10.0.0.0/8 via 10.7.7.7 dev other0")],
        }).Facts(Example.Net1, Example.Unset);
        Assert.Empty(facts.OriginalDefaults);
        Assert.Equal(["default via 10.129.2.1 dev eth0"], facts.ReturnRoutes.Select(route => route.ToString()));

        static RouteState By(string text) => RouteState.FromSavedText(text)!;
    }

    [Fact]
    public void Else_by_a_gateway_that_a_plugin_told_of()
    {
        PodFacts facts = (Example.Pod with { MainDefaults = [] }).Facts(
            Example.Net1, Example.Unset,
            knownGateways: [IPAddress.Parse("fd00::1"), IPAddress.Parse("10.129.2.1"), IPAddress.Parse("10.129.2.2")]);
        Assert.Equal(
            ["default via 10.129.2.1 dev eth0 onlink", "default via fd00::1 dev eth0 metric 1024 onlink"],
            facts.ReturnRoutes.Select(route => route.ToString()));
    }

    /// <summary>A substitute for a missing default route must not be restored as a default route.</summary>
    [Fact]
    public void A_stand_in_is_remembered_but_never_put_back()
    {
        var standIn = new SavedState([], [Example.PodDefault], [], null, null, ImmutableSortedDictionary<Sysctl, int>.Empty);
        PodSnapshot pod = WithNet1 with { Attachments = [new InstalledAttachment("net1", standIn, [_byNet1])] };
        PodFacts facts = pod.Facts(Example.Net1, Example.Unset);
        Assert.Empty(facts.OriginalDefaults);
        Assert.Equal([Example.PodDefault], facts.ReturnRoutes.AsEnumerable());
        Assert.Empty(pod.ToRestore(Example.Net1).Defaults);
    }

    [Fact]
    public void The_configuration_can_name_the_cluster_interface()
    {
        PodFacts facts = Example.Pod.Facts(Example.Net1, Example.Unset, "eth7");
        Assert.Equal("eth7", facts.ClusterInterface);
        Assert.Contains(Sysctl.ReversePathFilter("eth7"), facts.OriginalSysctls.Keys);
    }

    private static readonly RouteState _byStorage = RouteState.FromSavedText("0.0.0.0/0 via 10.7.0.1 dev storage0")!;

    /// <summary>The default route uses another interface; the cluster interface has a route with a gateway.</summary>
    private static PodSnapshot OtherDefault => Example.Pod with
    {
        Links = [.. Example.Pod.Links, Example.Link(3, "storage0")],
        MainDefaults = [_byStorage],
        MainGateways = [RouteState.FromSavedText("10.128.0.0/14 via 10.129.2.1 dev eth0")!],
        LocalAddresses = [new LocalAddress(IPAddress.Parse("10.129.2.31"), "eth0"),
            new LocalAddress(IPAddress.Parse("10.7.0.31"), "storage0")],
    };

    [Fact]
    public void Return_routes_follow_the_cluster_interface_that_is_named()
    {
        PodFacts facts = OtherDefault.Facts(Example.Net1, Example.Unset, "eth0");
        Assert.Equal(["default via 10.129.2.1 dev eth0"], facts.ReturnRoutes.Select(route => route.ToString()));
        Assert.Equal([_byStorage], facts.OriginalDefaults.AsEnumerable());
        Assert.Equal(["eth0"], facts.ClientLinks.AsEnumerable());
        Assert.Empty((OtherDefault with { MainGateways = [] }).Facts(Example.Net1, Example.Unset, "eth0").ReturnRoutes);
        Assert.Equal([_byStorage], OtherDefault.Facts(Example.Net1, Example.Unset).ReturnRoutes.AsEnumerable());
    }

    /// <summary>ADD's saved routes apply as long as the configuration names the same interface.</summary>
    [Theory]
    [InlineData("eth0", "eth0", "")]
    [InlineData(null, "eth0", "default via 10.129.2.1 dev eth0")]
    [InlineData("eth0", null, "default via 10.7.0.1 dev storage0")]
    public void Return_routes_are_found_anew_where_another_interface_is_named(string? remembered, string? named, string expected)
    {
        SavedState saved = SavedState.None with { Defaults = [_byStorage], ClusterInterface = remembered };
        PodSnapshot pod = OtherDefault with
        {
            Attachments = [new InstalledAttachment("net1", saved with { Owner = new Owner("net", "c0ffee") },
            [])]
        };
        Assert.Equal(expected, string.Join(", ", pod.Facts(Example.Net1, Example.Unset, named).ReturnRoutes));
    }

    [Theory]
    [InlineData(null,
        "IPv4 answers to clients beyond the pod's own routes leave by storage0, which had the pod's default route, not by eth0: if clients come by eth0, set clusterInterface")]
    [InlineData("eth0", null)]
    [InlineData("storage0", null)]
    public void It_is_warned_of_where_nothing_tells_by_which_interface_clients_come(string? named, string? expected) => Assert.Equal(
        expected,
        ClientWarnings.Of(
            Example.Attachment() with { ClusterInterface = named },
            OtherDefault.Facts(Example.Net1, Example.Unset, named)).SingleOrDefault());

    [Fact]
    public void The_way_back_takes_the_least_of_its_routes_and_links()
    {
        // RTA_METRICS with RTAX_MTU 1400.
        RouteState narrow = RouteState.FromSavedText("0.0.0.0/0 via 10.129.2.1 dev eth0 attributes 0c00080008000200" + "78050000")!;
        Assert.Equal(1400, narrow.Mtu);
        Assert.Null(Example.PodDefault.Mtu);
        Assert.Equal(
            1400, (Example.Pod with { MainDefaults = [narrow] }).Facts(Example.Net1, Example.Unset).ReturnMtus[AddressFamily.InterNetwork]);
        Assert.Equal(1500, Example.Facts.ReturnMtus[AddressFamily.InterNetwork]);
        Assert.False(Example.Facts.ReturnMtus.ContainsKey(AddressFamily.InterNetworkV6));
    }

    /// <summary>Invalid attributes: a pod can write any comment.</summary>
    [Theory]
    [InlineData("01")]
    [InlineData("0c000800")]
    [InlineData("0c0008000900020078050000")]
    [InlineData("0b00080007000200780500")]
    public void A_route_with_broken_attributes_is_not_remembered(string attributes) =>
        Assert.Null(RouteState.FromSavedText("0.0.0.0/0 via 10.129.2.1 dev eth0 attributes " + attributes));

    /// <summary>Sysctls that the kernel writes with forwarding of "all" are saved only if they differ from what it writes.</summary>
    [Theory]
    [InlineData(0, 0, 1, "net/ipv4/conf/all/forwarding=0")]
    [InlineData(0, 1, 1, "net/ipv4/conf/all/forwarding=0 net/ipv4/conf/eth0/forwarding=1")]
    [InlineData(0, 0, 0, "net/ipv4/conf/all/accept_redirects=0 net/ipv4/conf/all/forwarding=0")]
    [InlineData(1, 0, 0, "net/ipv4/conf/eth0/forwarding=0")]
    [InlineData(1, 1, 1, "")]
    public void Ipv4_forwarding_is_remembered(int all, int link, int redirects, string expected)
    {
        int? Read(Sysctl sysctl) =>
            sysctl == Sysctl.Ipv4Forwarding("eth0") ? link
            : sysctl == Sysctl.AcceptIpv4Redirects ? redirects
            : sysctl.IsIpv4Forwarding ? all : 0;
        NetworkState present = StateBuilder.Present(Example.Attachment(), Example.Pod.Facts(Example.Net1, Read));
        SavedState saved = SavedState.Read(present.Table!.Rules);
        Assert.Equal(expected, string.Join(' ', saved.Sysctls.Select(pair => $"{pair.Key}={pair.Value}")));
        // A second attachment finds the first one's changes, and saves the same original values.
        PodSnapshot second = WithNet1 with { Attachments = [new InstalledAttachment("net1", saved, [_byNet1])] };
        NetworkState other = StateBuilder.Present(
            Example.Attachment() with { Names = _net2 },
            second.Facts(
                _net2, sysctl => sysctl == Sysctl.AcceptIpv4Redirects && all == 0 ? 0 : sysctl.IsIpv4Forwarding ? 1 : Read(sysctl)));
        Assert.Equal(saved.Sysctls, SavedState.Read(other.Table!.Rules).Sysctls);
    }

    [Fact]
    public void After_ADD_the_facts_are_those_from_before()
    {
        PodFacts facts = WithNet1.Facts(Example.Net1, sysctl => 1);
        Assert.Equal([Example.PodDefault], facts.OriginalDefaults.AsEnumerable());
        Assert.Equal("eth0", facts.ClusterInterface);
        Assert.Equal(0, facts.OriginalSysctls[Sysctl.Ipv4Forwarding("eth0")]);
        Assert.Empty(facts.DefaultsOfOthers);
    }

    [Fact]
    public void A_second_attachment_learns_from_the_first_what_the_pod_was()
    {
        PodFacts facts = WithNet1.Facts(_net2, sysctl => 1);
        Assert.Equal([Example.PodDefault], facts.OriginalDefaults.AsEnumerable());
        Assert.Equal(0, facts.OriginalSysctls[Sysctl.Ipv4Forwarding("eth0")]);
        Assert.Equal([AddressFamily.InterNetwork], facts.DefaultsOfOthers.AsEnumerable());
    }

    [Fact]
    public void Without_its_memory_the_return_table_tells() =>
        Assert.Equal(
            [Example.PodDefault], (WithNet1 with { Attachments = [] }).Facts(Example.Net1, Example.Unset).OriginalDefaults.AsEnumerable());

    [Fact]
    public void The_last_attachment_puts_everything_back()
    {
        SavedState restore = WithNet1.ToRestore(Example.Net1);
        Assert.Equal([Example.PodDefault], restore.Defaults.AsEnumerable());
        Assert.Equal(0, restore.Sysctls[Sysctl.Ipv4Forwarding("eth0")]);
    }

    [Fact]
    public void The_default_route_goes_to_the_attachment_that_stays()
    {
        SavedState restore = WithBoth.ToRestore(Example.Net1);
        Assert.Equal(["192.168.12.1 dev net2", "default via 192.168.12.1 dev net2"], restore.Defaults.Select(route => route.ToString()));
        Assert.Empty(restore.Sysctls);
    }

    [Fact]
    public void An_attachment_that_has_not_the_default_route_leaves_it()
    {
        SavedState restore = WithBoth.ToRestore(_net2);
        Assert.Empty(restore.Defaults);
        Assert.Empty(restore.Sysctls);
    }

    /// <summary>A sysctl that only one attachment changed is restored with it, whatever other attachments exist.</summary>
    [Fact]
    public void Parameters_that_no_other_attachment_remembers_come_back()
    {
        var ipv6 = new SavedState([], [], [], null, null, ImmutableSortedDictionary<Sysctl, int>.Empty.Add(Sysctl.Ipv6AllForwarding, 0));
        PodSnapshot pod = WithBoth with { Attachments = [WithNet1.Attachments[0], new InstalledAttachment("net2", ipv6, [])] };
        Assert.Equal([Sysctl.Ipv6AllForwarding], pod.ToRestore(_net2).Sysctls.Keys);
        Assert.Equal([Sysctl.Ipv4Forwarding("eth0")], pod.ToRestore(Example.Net1).Sysctls.Keys);
    }

    /// <summary>Any privileged process in the pod can create a table of such a name, with any comments.</summary>
    [Fact]
    public void A_table_without_its_interface_is_not_believed()
    {
        var poison = new SavedState(
            [RouteState.FromSavedText("0.0.0.0/0 via 10.129.2.77 dev eth0")!], [], [], null, null,
                ImmutableSortedDictionary<Sysctl, int>.Empty.Add(Sysctl.Ipv4Forwarding("eth0"), 1));
        PodSnapshot pod = WithNet1 with { Attachments = [new InstalledAttachment("evil", poison, []), .. WithNet1.Attachments] };
        Assert.Equal(0, pod.ToRestore(Example.Net1).Sysctls[Sysctl.Ipv4Forwarding("eth0")]);
        Assert.Equal(
            [Example.PodDefault],
            (Example.Pod with { Attachments = [new InstalledAttachment("evil", poison, [])] }).Facts(Example.Net1, Example.Unset)
                .OriginalDefaults.AsEnumerable());
    }

    [Fact]
    public void Another_interface_with_the_same_numbers_is_named()
    {
        (string first, string second) = Collision();
        PodSnapshot pod = Example.Pod with
        {
            Links = [.. Example.Pod.Links, Example.Link(3, first, AttachmentNames.LinkGroup)],
            Attachments = [new InstalledAttachment(first, SavedState.None, [])],
        };
        Assert.Equal(first, pod.SameNumbersAs(new AttachmentNames(second)));
        Assert.Null(pod.SameNumbersAs(new AttachmentNames(first)));
        Assert.Null(pod.SameNumbersAs(Example.Net1));

        static (string First, string Second) Collision()
        {
            var seen = new Dictionary<uint, string>();
            for (int i = 0; ; i++)
            {
                string name = $"x{i}";
                if (!seen.TryAdd(new AttachmentNames(name).EgressTable, name))
                {
                    return (seen[new AttachmentNames(name).EgressTable], name);
                }
            }
        }
    }

    [Fact]
    public void A_strangers_default_route_is_left() =>
        Assert.Empty((WithNet1 with { MainDefaults = [RouteState.FromSavedText("0.0.0.0/0 via 10.1.1.1 dev eth1")!] })
            .ToRestore(Example.Net1).Defaults);

    [Fact]
    public void What_a_killed_DEL_has_put_back_already_is_put_back_in_full()
    {
        RouteState second = Example.PodDefault with { Metric = 200 };
        SavedState restore = (WithNet1 with
        {
            MainDefaults = [Example.PodDefault],
            Attachments = [new InstalledAttachment("net1", _memory with { Defaults = [Example.PodDefault, second] }, [])],
        }).ToRestore(Example.Net1);
        Assert.Equal([Example.PodDefault, second], restore.Defaults.AsEnumerable());
    }

    [Fact]
    public void Nothing_is_put_back_where_nothing_was_changed()
    {
        SavedState restore = Example.Pod.ToRestore(Example.Net1);
        Assert.Empty(restore.Defaults);
        Assert.Empty(restore.Sysctls);
    }

    [Theory]
    [InlineData("a=b")]
    [InlineData("a..b")]
    [InlineData("eth0.100")]
    public void Links_of_any_name_are_remembered(string link) =>
        Assert.Equal(
            0,
            SavedState.Read(
                [new Netlink.NetFilter.Rule("restore", [], $"{Sysctl.Ipv4Forwarding(link)}=0")]).Sysctls[Sysctl.Ipv4Forwarding(link)]);

    [Theory]
    [InlineData("kernel/core_pattern=x")]
    [InlineData("net/ipv4/../../kernel/core_pattern=x")]
    [InlineData("net/core/x=1")]
    [InlineData("net/ipv4/conf/eth0\0/forwarding=1")]
    [InlineData("net/ipv4/conf/../forwarding=1")]
    [InlineData("net/ipv4/conf/eth0/log_martians=1")]
    [InlineData("net/ipv4/conf/eth0/accept_ra=1")]
    [InlineData("net/ipv6/conf/eth0/rp_filter=1")]
    [InlineData("net/ipv4/conf/eth0/accept_redirects=1")]
    [InlineData("net/ipv4/conf/default/accept_redirects=1")]
    [InlineData("net/ipv4/conf/default/rp_filter=1")]
    [InlineData("net/ipv6/conf/all/accept_ra=1")]
    [InlineData("net/ipv4/conf/eth0/forwarding=abc")]
    [InlineData("net/ipv4/conf/eth0/forwarding=-1")]
    [InlineData("net/ipv4/conf/eth0/forwarding= 1")]
    [InlineData("net/ipv4/conf/eth0/forwarding=4294967296")]
    [InlineData("net/ipv4/conf/eth0/forwarding=")]
    public void A_comment_is_no_way_to_other_kernel_parameters_or_values(string comment) =>
        Assert.Empty(SavedState.Read([new Netlink.NetFilter.Rule("restore", [], comment)]).Sysctls);

    /// <summary>A pod can write such comments. The kernel would cut them at a NUL, to another path or another link.</summary>
    [Theory]
    [InlineData("net/ipv4/conf/eth0\0/forwarding=0")]
    [InlineData("net/ipv4/conf/\0/forwarding=0")]
    [InlineData("net/ipv4/conf/eth0/forwarding\0=0")]
    [InlineData("net/ipv4/conf/eth0/forwarding=0\0")]
    [InlineData("net/ipv4/conf/eth0\n/rp_filter=0")]
    [InlineData("net/ipv4/conf/./forwarding=0")]
    [InlineData("net/ipv4/conf//forwarding=0")]
    [InlineData("net/ipv6/conf/a-name-that-is-too-long/forwarding=0")]
    [InlineData("0.0.0.0/0 via 10.129.2.1 dev eth0\0x")]
    [InlineData("return 0.0.0.0/0 via 10.129.2.1 dev eth0\0x")]
    [InlineData("0.0.0.0/0\0 via 10.129.2.1 dev eth0")]
    [InlineData("node 10.129.2.1\0")]
    [InlineData("cluster eth0\0x")]
    public void What_is_remembered_in_other_words_than_ours_is_passed_over(string comment)
    {
        SavedState saved = SavedState.Read([new Netlink.NetFilter.Rule(NftRuleset.RestoreChain, [], comment)]);
        Assert.Empty(saved.ToLines());
    }

    /// <summary>Plugins without format numbers wrote the first format.</summary>
    [Theory]
    [InlineData(1, "net/ipv4/conf/eth0/forwarding=0")]
    [InlineData(1, "format 1")]
    [InlineData(1, "format")]
    [InlineData(1, "format -2")]
    [InlineData(1, "format 0")]
    [InlineData(2, "format 2")]
    [InlineData(12, "format 12", "format 2")]
    public void The_format_of_what_is_remembered_is_told(int format, params string[] comments) =>
        Assert.Equal(
            format,
            SavedState.Read([.. comments.Select(comment => new Netlink.NetFilter.Rule(NftRuleset.RestoreChain, [], comment))]).Format);

    [Fact]
    public void A_format_after_the_first_is_written()
    {
        SavedState saved = SavedState.None with { Format = 2 };
        Assert.Equal(["format 2"], saved.ToLines());
        Assert.Empty(SavedState.None.ToLines());
    }
}
