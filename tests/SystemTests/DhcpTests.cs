using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>Debian's dhcp plugin, its daemon on the node and a real server outside: the interface has to be there before the lease.</summary>
public sealed class DhcpTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dhcp-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [RootFact]
    public void A_lease_is_an_egress_address_until_DEL_gives_it_back()
    {
        using var lab = new Lab();
        string leases = Path.Combine(_folder, "leases");
        string socket = Path.Combine(_folder, "socket");
        using var server = new Background(
            lab.Lan, "/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--interface=node0", "--bind-interfaces",
            "--dhcp-range=192.168.12.120,192.168.12.120,255.255.255.0,2m", "--dhcp-option=3,192.168.12.1", "--dhcp-authoritative", "--no-ping",
            "--user=root", $"--pid-file={_folder}/pid", $"--dhcp-leasefile={leases}");
        using var daemon = new Background(lab.Node, "/usr/lib/cni/dhcp", "daemon", "-socketpath", socket);
        server.WaitUntil(() => File.Exists($"{_folder}/pid"));
        daemon.WaitUntil(() => File.Exists(socket));
        lab.Serve(Protocol.Tcp, "203.0.113.25", 8080);
        Snapshot pod = lab.PodSnapshot();
        string json = $$$"""
            {"cniVersion":"1.0.0","type":"egress-router","name":"n","ipam":{"type":"dhcp","daemonSocketPath":"{{{socket}}}"},"ip":{"destinations":["203.0.113.25"]}}
            """;

        JsonObject result = lab.Add(json, with: ("CNI_PATH", "/usr/lib/cni"));
        Assert.Equal("192.168.12.120/24", (string)result["ips"]![0]!["address"]!);
        Assert.Equal("192.168.12.120", lab.Connect(Protocol.Tcp, 8080)?.Source);
        Assert.Contains("192.168.12.120", File.ReadAllText(leases), StringComparison.Ordinal);
        JsonObject check = JsonNode.Parse(json)!.AsObject();
        check["prevResult"] = result.DeepClone();
        lab.Run("CHECK", check.ToJsonString(), with: ("CNI_PATH", "/usr/lib/cni")).AssertSilentSuccess();

        lab.Delete(json, with: ("CNI_PATH", "/usr/lib/cni"));
        lab.PodSnapshot().AssertSameAs(pod);
        Assert.True(
            SpinWait.SpinUntil(() => !File.ReadAllText(leases).Contains("192.168.12.120", StringComparison.Ordinal), TimeSpan.FromSeconds(5)),
            "the lease was not given back");
    }
}
