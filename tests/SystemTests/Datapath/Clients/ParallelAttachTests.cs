using System.Text.Json.Nodes;

namespace SystemTests.Clients;

/// <summary>containerd attaches a pod to all its networks at the same time, podman in any order: no client is dropped.</summary>
public class ParallelAttachTests
{
    private const int Rounds = 20;

    private const string FarClient = "10.130.0.77";

    private const string FarClient6 = "fd00:10:130::77";

    private static readonly string _egress = Config.ChangedDualStack(json =>
    {
        json["cniVersion"] = "1.0.0";
        json["ip"]!["addresses"] = new JsonArray("192.168.12.99/24", "2001:db8:12::99/64");
        json["ip"]!["destinations"] = new JsonArray("80 tcp 192.168.12.91", "80 tcp 2001:db8:12::91");
    });

    [RootFact]
    public async Task A_bridge_at_the_same_time()
    {
        using var lab = new Lab(bare: true);
        using var runtime = new Runtime(lab.Node);
        SecondNetwork.Serve(lab);
        Lab.Batch(lab.Node, $"""
            address add {FarClient}/32 dev lo
            address add {FarClient6}/128 dev lo nodad
            """);
        string cluster = $$$"""
            {
              "cniVersion": "1.0.0", "name": "cluster", "type": "bridge", "bridge": "cni0", "isGateway": true,
              "ipam": {
                "type": "host-local", "dataDir": "{{{runtime.Folder}}}/addresses",
                "ranges": [[{"subnet": "10.88.0.0/16"}], [{"subnet": "fd00:10:88::/64"}]],
                "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]
              }
            }
            """;
        for (int round = 0; round < Rounds; round++)
        {
            string pod = Lab.PathOf(lab.AddNamespace($"p{round}"));
            (string List, RuntimeConf Conf)[] networks = [(cluster, new RuntimeConf($"c{round}", pod, "eth0")),
                (_egress, new RuntimeConf($"c{round}", pod, "net1"))];
            CommandResult[] added = await Task.WhenAll(networks.Select(network => Task.Run(() => runtime.Add(network.List, network.Conf))));
            Assert.All(added, result => Assert.True(result.ExitCode == 0, $"round {round}: {result}"));
            string[] addresses = [.. JsonNode.Parse(added[0].Stdout)!["ips"]!.AsArray()
                .Select(ip => ((string)ip!["address"]!).Split('/')[0])];
            foreach (string? source in (string?[])[null, FarClient])
            {
                Assert.Equal(("192.168.12.99", round), (Lab.Ask(lab.Node, Protocol.Tcp, addresses[0], 80, source)?.Source, round));
            }

            foreach (string? source in (string?[])[null, FarClient6])
            {
                Assert.Equal(("2001:db8:12::99", round), (Lab.Ask(lab.Node, Protocol.Tcp, addresses[1], 80, source)?.Source, round));
            }

            Assert.All(networks.Reverse(), network => runtime.Delete(network.List, network.Conf).AssertSilentSuccess());
        }
    }
}
