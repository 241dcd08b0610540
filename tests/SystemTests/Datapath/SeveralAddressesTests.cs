using System.Globalization;

namespace SystemTests;

/// <summary>Several egress addresses of one family.</summary>
public class SeveralAddressesTests
{
    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Clients_are_spread_over_them_and_each_keeps_its_own(bool ipv6)
    {
        string[] egress = ipv6 ? ["2001:db8:12::98", "2001:db8:12::99"] : ["192.168.12.98", "192.168.12.99"];
        string[] clients = [.. Enumerable.Range(1, 50)
            .Select(number => (ipv6 ? "fd00:10:131::" : "10.131.0.") + number.ToString(ipv6 ? "x" : "d", CultureInfo.InvariantCulture))];
        using var lab = new Lab();
        Lab.Batch(
            lab.Client, string.Join('\n', clients.Select(client => $"address add {client}/{(ipv6 ? "128 dev lo nodad" : "32 dev lo")}")));
        string config = Config.Changed(ipv6 ? Config.Redirect6 : Config.Redirect, json => json["ip"]!["addresses"] =
            new System.Text.Json.Nodes.JsonArray(egress[0] + (ipv6 ? "/64" : "/24"), egress[1] + (ipv6 ? "/64" : "/24")));
        lab.Add(config);
        lab.Serve(Protocol.Tcp, ipv6 ? "2001:db8:12::91" : "192.168.12.91", 80);

        Dictionary<string, string[]> seen = clients.ToDictionary(client => client, client => Enumerable.Range(0, 4)
            .Select(_ => lab.Connect(Protocol.Tcp, 80, ipv6 ? Lab.PodAddress6 : Lab.PodAddress, client)?.Source ?? "nothing").ToArray());

        Assert.All(seen, pair => Assert.Single(pair.Value.Distinct()));
        string[] used = [.. seen.Values.Select(addresses => addresses[0])];
        Assert.Equal(egress, used.Distinct().Order(StringComparer.Ordinal));

        // Not evenly: it is a hash. But an address that only a few of fifty clients get would be no relief.
        Assert.All(egress, address => Assert.InRange(used.Count(one => one == address), 10, 40));
    }
}
