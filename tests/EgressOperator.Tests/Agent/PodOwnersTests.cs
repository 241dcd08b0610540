using System.Net;
using EgressIp;
using EgressOperator.Agent.Audit;

namespace EgressOperator.Tests.Agent;

/// <summary>Whose address it was.</summary>
public sealed class PodOwnersTests : IDisposable
{
    private static readonly IPAddress _address = IPAddress.Parse("10.244.1.5");

    private readonly ManualClock _clock = new();

    private readonly PodOwners _owners;

    public PodOwnersTests() => _owners = new PodOwners(["team", "app"], _clock);

    public void Dispose() => _owners.Dispose();

    [Fact]
    public void A_pod_has_the_labels_that_were_asked_for_in_that_order()
    {
        _owners.Set([PodOf("a", labels: [("x", "1"), ("app", "web"), ("team", "t")])]);
        Assert.Equal("team=t app=web", Labels());
        _owners.Set([PodOf("a", labels: [("app", "db")])]);
        Assert.Equal("app=db", Labels());
    }

    [Fact]
    public void A_pod_that_is_gone_is_remembered_until_another_has_its_address()
    {
        _owners.Set([PodOf("old")]);
        _clock.Now = At(10);
        _owners.Set([]);
        Assert.Equal(("old", "old", "old"), (NameAt(5), NameAt(15), NameAt(null)));
        _clock.Now = At(20);
        _owners.Set([PodOf("new")]);
        Assert.Equal(("old", "new", "new", "new"), (NameAt(5), NameAt(15), NameAt(25), NameAt(null)));
        _clock.Now = At(30);
        _owners.Set([PodOf("newest")]);
        Assert.Equal(("old", "new", "newest"), (NameAt(5), NameAt(25), NameAt(35)));
    }

    /// <summary>A pod of a StatefulSet is made anew with its name, and gets another address.</summary>
    [Fact]
    public void A_pod_that_gets_another_address_keeps_what_it_had_before()
    {
        _owners.Set([PodOf("web-0", uid: "1")]);
        _owners.Set([PodOf("web-0", uid: "2", address: "10.244.1.6")]);
        Assert.Equal("web-0", NameAt(null));
        Assert.Equal("web-0", _owners.Find(IPAddress.Parse("10.244.1.6"), null)?.Name);
    }

    /// <summary>Its status keeps the address, which another pod may have got since.</summary>
    [Theory]
    [InlineData(PodPhase.Succeeded)]
    [InlineData(PodPhase.Failed)]
    public void A_pod_that_has_finished_is_gone(PodPhase phase)
    {
        _owners.Set([PodOf("job")]);
        Pod finished = PodOf("job") with { Phase = phase };
        _clock.Now = At(10);
        _owners.Set([finished]);
        Assert.Equal(("job", "job"), (NameAt(5), NameAt(null)));
        _owners.Set([PodOf("web"), finished]);
        Assert.Equal(("job", "web", "web"), (NameAt(5), NameAt(15), NameAt(null)));
    }

    [Fact]
    public void Addresses_of_nodes_and_of_strangers_are_nobodys()
    {
        _owners.Set([PodOf("a") with { HostNetwork = true }]);
        Assert.Null(NameAt(null));
    }

    [Fact]
    public void The_first_that_went_are_forgotten_first()
    {
        _owners.Set([PodOf("first")]);
        for (int number = 0; number < PodOwners.MostGone; number++)
        {
            Assert.Equal("first", NameAt(null));
            _owners.Set([PodOf($"p{number}", address: $"10.1.{number / 250}.{number % 250}")]);
        }

        _owners.Set([]);
        Assert.Null(NameAt(null));
        Assert.Equal("p0", _owners.Find(IPAddress.Parse("10.1.0.0"), null)?.Name);
    }

    private string? NameAt(int? seconds) => _owners.Find(_address, seconds is int known ? At(known) : null)?.Name;

    private string Labels() => string.Join(' ', _owners.Find(_address, null)!.Labels.Select(label => $"{label.Key}={label.Value}"));

    private static DateTimeOffset At(int seconds) => DateTimeOffset.UnixEpoch.AddSeconds(seconds);

    private static Pod PodOf(string name, string? uid = null, string? address = null, params (string Key, string Value)[] labels) => new(
        "prod", name, labels.ToDictionary(label => label.Key, label => label.Value), "n1",
        [address is null ? _address : IPAddress.Parse(address)], HostNetwork: false, PodPhase.Running)
    {
        Uid = uid ?? name,
    };

    private sealed class ManualClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
