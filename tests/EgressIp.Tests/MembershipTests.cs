using System.Collections.Immutable;

namespace EgressIp.Tests;

/// <summary>Which pod uses which addresses.</summary>
public class MembershipTests
{
    private static readonly ImmutableArray<Namespace> _namespaces =
        [new("dev", Given.Labels("env=dev")), new("plain", Given.NoLabels), new("prod", Given.Labels("env=prod"))];

    private static Pod Pod(string space, string name, string labels = "", string addresses = "10.244.0.2") => new(
        space, name, Given.Labels(labels), "n1", [.. addresses.Split(' ').Select(Given.Address)], HostNetwork: false, PodPhase.Running);

    private static LabelSelector Labels(string labels) => new(Given.Labels(labels), []);

    private static string MembersOf(Assignment made, string name) =>
        string.Join(' ', made.Object(name).Members.Select(member => $"{member.Namespace}/{member.Name}"));

    private static string MembersOf(EgressIP source, params ImmutableArray<Pod> pods) =>
        MembersOf(Assignment.Of(Given.Cluster(Given.ThreeNodes, source) with { Namespaces = _namespaces, Pods = pods }), source.Name);

    private static readonly ImmutableArray<Pod> _pods =
        [Pod("prod", "web", "app=web"), Pod("prod", "db", "app=db"), Pod("dev", "web", "app=web"), Pod("plain", "web", "app=web")];

    [Theory]
    [InlineData("env=prod", null, "prod/db prod/web")]
    [InlineData("env=prod", "app=web", "prod/web")]
    [InlineData("env=prod", "", "prod/db prod/web")]
    [InlineData("", "app=web", "dev/web plain/web prod/web")]
    [InlineData("", null, "dev/web plain/web prod/db prod/web")]
    [InlineData("env=none", null, "")]
    [InlineData(null, null, "")]
    [InlineData(null, "app=web", "")]
    public void A_missing_pod_selector_selects_all_pods_a_missing_namespace_selector_none(string? namespaces, string? pods, string members)
    {
        EgressIP source = Given.Object("e", ".10") with
        {
            NamespaceSelector = namespaces is null ? null : Labels(namespaces),
            PodSelector = pods is null ? null : Labels(pods),
        };
        Assert.Equal(members, MembersOf(source, _pods));
    }

    [Fact]
    public void A_selector_that_only_excludes_selects_a_namespace_as_soon_as_it_loses_the_key()
    {
        EgressIP source = Given.Object("e", ".10") with
        {
            NamespaceSelector = new LabelSelector(Given.NoLabels, [new("env", "NotIn", ["dev"]), new("env", "DoesNotExist", [])]),
        };
        Assert.Equal("plain/web", MembersOf(source, _pods));
        Cluster cluster = Given.Cluster(Given.ThreeNodes, source) with { Namespaces = [new("dev", Given.NoLabels)], Pods = _pods };
        Assert.Equal("dev/web", MembersOf(Assignment.Of(cluster), "e"));
    }

    [Fact]
    public void Who_is_no_member()
    {
        Pod pod = Pod("prod", "a");
        Assert.Equal("prod/deleting prod/failing", MembersOf(
            Given.Object("e", ".10"),
            pod with { Name = "host", HostNetwork = true },
            pod with { Name = "ended", Phase = PodPhase.Succeeded },
            pod with { Name = "failed", Phase = PodPhase.Failed },
            pod with { Name = "without-address", IPs = [] },
            pod with { Name = "unscheduled", Node = null },
            pod with { Name = "of-unknown-namespace", Namespace = "unknown" },
            pod with { Name = "of-other-family", IPs = [Given.Address("fd00::2")] },
            pod with { Name = "deleting" },
            pod with { Name = "failing", Phase = PodPhase.Unknown }));
    }

    [Fact]
    public void A_pod_belongs_to_the_oldest_object_that_selects_it_and_the_other_says_so()
    {
        Cluster cluster = Given.Cluster(Given.ThreeNodes, Given.Object("f", ".11"), Given.Object("e", ".10")) with
        {
            Namespaces = _namespaces,
            Pods = [Pod("prod", "web")],
        };
        Assignment made = Assignment.Of(cluster);
        Assert.Equal("prod/web|", $"{MembersOf(made, "e")}|{MembersOf(made, "f")}");
        Assert.Empty(made.Object("e").Events);
        Assert.Equal<Event>(
            [new(EventType.Warning, EventReason.UndefinedRequest, "pod prod/web belongs to EgressIP e, which is older")],
            made.Object("f").Events);

        Cluster withoutOlder = cluster with { EgressIPs = cluster.EgressIPs.RemoveAt(1) };
        Assert.Equal("prod/web", MembersOf(Assignment.Of(withoutOlder), "f"));
        Assert.Empty(Assignment.Of(withoutOlder).Object("f").Events);
    }

    [Fact]
    public void A_pod_belongs_to_the_oldest_object_also_while_that_one_has_no_node()
    {
        Cluster cluster = Given.Cluster(Given.ThreeNodes, Given.Object("e", "198.51.100.7"), Given.Object("f", ".11")) with
        {
            Namespaces = _namespaces,
            Pods = [Pod("prod", "web")],
        };
        Member member = Assignment.Of(cluster).Object("e").Members.Single();
        Assert.Equal(("web", "n1", 0), (member.Name, member.Node, member.EgressIPs.Length));
    }

    [Fact]
    public void An_object_of_a_family_that_the_pod_does_not_have_leaves_it_to_the_next()
    {
        Cluster cluster = Given.Cluster(Given.ThreeNodes, Given.Object("e", "fd00:126::100"), Given.Object("f", ".11")) with
        {
            Namespaces = _namespaces,
            Pods = [Pod("prod", "web")],
        };
        Assert.Equal("|prod/web", $"{MembersOf(Assignment.Of(cluster), "e")}|{MembersOf(Assignment.Of(cluster), "f")}");
    }

    [Fact]
    public void A_member_uses_the_addresses_of_its_families()
    {
        Cluster cluster = Given.Cluster(Given.ThreeNodes, Given.Object("e", ".10 fd00:126::100 .0")) with
        {
            Namespaces = _namespaces,
            Pods = [Pod("prod", "both", "", "10.244.0.2 fd00::2"), Pod("prod", "four"), Pod("prod", "six", "", "fd00::3")],
        };
        Assert.Equal(
            ["192.168.126.10 fd00:126::100", "192.168.126.10", "fd00:126::100"],
            Assignment.Of(cluster).Object("e").Members.Select(member => string.Join(' ', member.EgressIPs)));
    }

    [Fact]
    public void An_address_that_cannot_be_read_still_holds_the_pods_of_its_family() =>
        Assert.Equal("prod/web", MembersOf(Given.Object("e", "192.168.126.010"), Pod("prod", "web"), Pod("prod", "six", "", "fd00::3")));

    [Fact]
    public void At_most_ten_pods_of_an_object_are_told_about()
    {
        Cluster cluster = Given.Cluster(Given.ThreeNodes, Given.Object("e", ".10"), Given.Object("f", ".11")) with
        {
            Namespaces = _namespaces,
            Pods = [.. Enumerable.Range(0, 30).Select(index => Pod("prod", $"p{index}"))],
        };
        Assert.Equal(10, Assignment.Of(cluster).Object("f").Events.Length);
    }
}
