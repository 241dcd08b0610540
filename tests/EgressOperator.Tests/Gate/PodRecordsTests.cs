using System.Collections.Immutable;
using System.Net;
using EgressIp;
using EgressOperator.Gate;
using Serilog;

namespace EgressOperator.Tests.Gate;

/// <summary>Which address a pod has, if the runtime and the API do not say the same.</summary>
public sealed class PodRecordsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("er-records-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("", "10.0.0.5", "", "10.0.0.5")]
    // The sandbox was made anew, and the API still has the address of the old one.
    [InlineData("10.0.0.4", "10.0.0.5", "10.0.0.4", "10.0.0.5")]
    [InlineData("", "10.0.0.5", "10.0.0.5", "10.0.0.5")]
    // The API says something new: it is later than the runtime.
    [InlineData("", "10.0.0.5", "10.0.0.6", "10.0.0.6")]
    [InlineData("", "10.0.0.5,fd00::5", "", "10.0.0.5,fd00::5")]
    public void A_pod_has_the_address_of_the_runtime_until_the_API_says_something_new(string before, string told, string now, string has)
    {
        var records = new PodRecords("n1");
        records.Add(Record("a", told) with { Before = Addresses(before) });
        Assert.Equal<IPAddress>(Addresses(has), AddressesOf(records, "a", Pod("a", now)));
        Assert.Equal<IPAddress>(Addresses(has), records.AddressesOf(Pod("a", now)));
    }

    [Theory]
    [InlineData("10.0.0.5", "")]
    [InlineData("10.0.0.6", "10.0.0.6")]
    public void After_DEL_a_pod_has_no_address_until_the_API_says_something_new(string now, string has)
    {
        var records = new PodRecords("n1");
        records.Add(Record("a", "10.0.0.5"));
        Assert.True(records.End("box-a", _ => Addresses("10.0.0.5")));
        Assert.Equal<IPAddress>(Addresses(has), AddressesOf(records, "a", Pod("a", now)));
    }

    /// <summary>A runtime repeats DEL of a sandbox when the pod has another one.</summary>
    [Fact]
    public void DEL_of_another_sandbox_of_the_pod_changes_nothing()
    {
        var records = new PodRecords("n1");
        records.Add(Record("a", "10.0.0.4") with { Container = "old" });
        records.Add(Record("a", "10.0.0.5"));
        Assert.False(records.End("old", _ => []));
        Assert.Equal<IPAddress>(Addresses("10.0.0.5"), AddressesOf(records, "a", Pod("a", "")));
    }

    [Theory]
    [InlineData("n1", false, "")]
    // An address of another node, or of the node itself, is none that a runtime of this node gives.
    [InlineData("n2", false, "10.0.0.5")]
    [InlineData("n1", true, "10.0.0.5")]
    public void An_address_is_that_of_the_pod_that_got_it_last(string node, bool hostNetwork, string otherHas)
    {
        var records = new PodRecords("n1");
        records.Add(Record("b", "10.0.0.5"));
        Pod other = Pod("a", "10.0.0.5") with { Node = node, HostNetwork = hostNetwork };
        Assert.Equal<IPAddress>(Addresses(otherHas), AddressesOf(records, "a", other, Pod("b", "")));
        Assert.Equal<IPAddress>(Addresses("10.0.0.5"), AddressesOf(records, "b", other, Pod("b", "")));
        Assert.Equal<IPAddress>(Addresses("10.0.0.5"), AddressesOf(records, "b", other, Pod("b", "10.0.0.5")));
    }

    [Fact]
    public void Of_two_records_with_one_address_the_newer_counts()
    {
        var records = new PodRecords("n1");
        records.Add(Record("a", "10.0.0.5"));
        records.Add(Record("b", "10.0.0.5"));
        Assert.Empty(AddressesOf(records, "a", Pod("a", ""), Pod("b", "")));
        Assert.Equal<IPAddress>(Addresses("10.0.0.5"), AddressesOf(records, "b", Pod("a", ""), Pod("b", "")));
    }

    [Theory]
    [InlineData("other uid")]
    [InlineData("")]
    public void The_record_of_a_pod_that_is_gone_is_forgotten(string uid)
    {
        var store = new PodRecordStore(_folder.FullName, Log.Logger);
        var records = new PodRecords("n1", store);
        records.Add(Record("a", "10.0.0.5"));
        Assert.Empty(AddressesOf(records, "a", Pod("a", "") with { Uid = uid }));
        Assert.Empty(AddressesOf(records, "a", Pod("a", "")));
        Assert.Empty(_folder.GetFiles());
    }

    /// <summary>The pod came into the copy after the snapshot for this step had been taken.</summary>
    [Fact]
    public void A_record_that_is_newer_than_the_snapshot_stays()
    {
        var records = new PodRecords("n1");
        records.Apply(() =>
        {
            records.Add(Record("a", "10.0.0.5"));
            return ClusterOf();
        });
        Assert.Equal<IPAddress>(Addresses("10.0.0.5"), AddressesOf(records, "a", Pod("a", "")));
    }

    [Fact]
    public void The_next_agent_has_the_records_too()
    {
        var store = new PodRecordStore(Path.Combine(_folder.FullName, "pods"), Log.Logger);
        var first = new PodRecords("n1", store);
        first.Add(Record("a", "10.0.0.3") with { Container = "old" });
        first.Add(Record("a", "10.0.0.4,fd00::4"));
        first.Add(Record("b", "10.0.0.5"));
        first.End("box-b", _ => Addresses("10.0.0.5"));
        File.WriteAllText(Path.Combine(_folder.FullName, "pods", "broken.json"), "{\"container\":");

        var second = new PodRecords("n1", store);
        Assert.Equal<IPAddress>(Addresses("10.0.0.4,fd00::4"), second.AddressesOf(Pod("a", "")));
        Assert.Empty(second.AddressesOf(Pod("b", "10.0.0.5")));
        Assert.Equal(["box-a.json", "box-b.json", "broken.json"],
            new DirectoryInfo(Path.Combine(_folder.FullName, "pods")).GetFiles().Select(file => file.Name).Order());
    }

    [Fact]
    public void What_cannot_be_kept_is_not_recorded()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "file"), "");
        var records = new PodRecords("n1", new PodRecordStore(Path.Combine(_folder.FullName, "file", "pods"), Log.Logger));
        Assert.ThrowsAny<IOException>(() => records.Add(Record("a", "10.0.0.5")));
        Assert.Empty(records.AddressesOf(Pod("a", "")));
    }

    private static ImmutableArray<IPAddress> AddressesOf(PodRecords records, string name, params ImmutableArray<Pod> pods) =>
        records.Apply(() => ClusterOf(pods)).Pods.Single(pod => pod.Name == name).IPs;

    private static Cluster ClusterOf(params ImmutableArray<Pod> pods) => new([], [], [], [], pods);

    private static PodRecord Record(string name, string addresses) =>
        new($"box-{name}", "prod", name, $"uid-{name}", Addresses(addresses), []);

    private static Pod Pod(string name, string addresses) => new(
        "prod", name, ImmutableDictionary<string, string>.Empty, "n1", Addresses(addresses), HostNetwork: false, PodPhase.Pending)
    {
        Uid = $"uid-{name}",
    };

    private static ImmutableArray<IPAddress> Addresses(string texts) =>
        [.. texts.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(IPAddress.Parse)];
}
