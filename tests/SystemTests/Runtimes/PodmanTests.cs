namespace SystemTests;

/// <summary>A real container engine: podman attaches its containers to a bridge of Debian's and to ours, with tuning after us.</summary>
public class PodmanTests
{
    [ContainerFact]
    public void A_container_of_podman_is_an_egress_router()
    {
        using var lab = new Lab();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        using var podman = new Podman(lab, ("cluster", Cluster), ("egress", Egress));
        podman.Start("client", "--network", "cluster");
        Snapshot node = lab.NodeSnapshot();

        // One after the other: of several networks of "run" podman attaches the container to any one first.
        podman.Start("router", "--network", "cluster");
        podman.Must("network", "connect", "egress", "router");
        string address = podman.In(
            "router", "ip", "-4", "-o", "address", "show", "dev",
            "eth0").Split(' ', StringSplitOptions.RemoveEmptyEntries)[3].Split('/')[0];
        Assert.Equal("192.168.12.99 192.168.12.91 80", podman.In("client", "nc", "-w", "10", address, "80"));

        // tuning came after us.
        Assert.Contains("mtu 1400", podman.In("router", "ip", "link", "show", "dev", "eth1"), StringComparison.Ordinal);
        Assert.Equal("192.168.12.99 192.168.12.91 80", podman.In("router", "nc", "-w", "10", "192.168.12.91", "80"));

        podman.Remove("router");
        lab.NodeSnapshot().AssertSameAs(node, except: ConflistTests.BridgeTimers);
        podman.Remove("client");
        Assert.Equal("", podman.Inside("find", "/run/netns", "/var/lib/cni", $"{podman.Folder}/tuning", "-type", "f").Stdout);
    }

    /// <summary>What the engine is asked for on the command line reaches us as a capability.</summary>
    [ContainerFact]
    public void A_container_has_the_hardware_address_that_podman_is_asked_for()
    {
        using var lab = new Lab();
        using var podman = new Podman(lab, ("cluster", Cluster), ("egress", Egress));
        podman.Start("router", "--network", "cluster", "--network", "egress:interface_name=net1,mac=02:00:5e:10:00:77");
        Assert.Contains("02:00:5e:10:00:77", podman.In("router", "ip", "link", "show", "dev", "net1"), StringComparison.Ordinal);
        podman.Remove("router");
    }

    /// <summary>Of several networks podman attaches the container to any one first.</summary>
    [ContainerFact]
    public void A_container_of_two_networks_is_reached_in_whatever_order_podman_attaches_them()
    {
        const int rounds = 20;
        using var lab = new Lab();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        using var podman = new Podman(lab, ("cluster", Cluster), ("egress", Egress));
        podman.Start("client", "--network", "cluster");
        var first = new HashSet<string>();
        for (int round = 0; round < rounds; round++)
        {
            podman.Start("router", "--network", "cluster", "--network", "egress");
            string[] line = podman.In("router", "ip", "-4", "-o", "address").Split('\n')
                .Select(text => text.Split(' ', StringSplitOptions.RemoveEmptyEntries)).First(
                    words => words.Length > 3 && words[3].StartsWith("10.88.", StringComparison.Ordinal));
            first.Add(line[1]);
            string address = line[3].Split('/')[0];
            Assert.Equal(
                $"192.168.12.99 192.168.12.91 80, round {round}", $"{podman.In("client", "nc", "-w", "10", address, "80")}, round {round}");
            podman.Remove("router");
        }

        Assert.Equal(["eth0", "eth1"], first.Order(StringComparer.Ordinal));
    }

    private static string Cluster(string folder) => $$"""
        {
          "cniVersion": "0.4.0", "name": "cluster",
          "plugins": [
            {
              "type": "bridge", "bridge": "cni0", "isGateway": true,
              "ipam": {
                "type": "host-local", "dataDir": "{{folder}}/addresses",
                "ranges": [[{"subnet": "10.88.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}]
              }
            }
          ]
        }
        """;

    private static string Egress(string folder) => $$"""
        {
          "cniVersion": "0.4.0", "name": "egress",
          "plugins": [
            {
              "type": "egress-router", "capabilities": {"mac": true},
              "ip": {"addresses": ["192.168.12.99/24"], "gateway": "192.168.12.1", "destinations": ["192.168.12.91"]}
            },
            {"type": "tuning", "mtu": 1400, "dataDir": "{{folder}}/tuning"}
          ]
        }
        """;
}
