using Shared;

namespace SystemTests.EgressIp;

/// <summary>Which address of several a connection gets.</summary>
public class SpreadTests
{
    [RootFact]
    public void New_connections_are_spread_over_the_addresses_of_an_object()
    {
        string[] addresses = ["192.0.2.100", "192.0.2.101", "192.0.2.102"];
        using var cluster = new EgressCluster(addresses: addresses);
        LabPod pod = cluster.Lab["b1"];
        Eventually.IsTrue(
            () => Enumerable.Range(0, 12).Select(_ => EgressLab.Ask(pod, Protocol.Tcp, EgressLab.Server4, seconds: 1)).ToHashSet()
                .SetEquals(addresses),
            () => $"not all addresses are used\n{cluster.Logs()}", seconds: 20);
        int[] used = [.. Enumerable.Range(0, 60).Select(_ => EgressLab.Ask(pod, Protocol.Tcp, EgressLab.Server4)).GroupBy(source => source)
            .Select(group => group.Count())];
        Assert.Equal(3, used.Length);
        Assert.All(used, count => Assert.InRange(count, 8, 36));
    }
}
