using System.Text.Json.Nodes;
using Shared;

namespace SystemTests;

/// <summary>
/// Debian's dhcp plugin, its daemon on the node and a real server outside: the interface has to be there before the lease.
/// </summary>
public sealed class DhcpTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dhcp-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [RootFact]
    public void A_lease_is_an_egress_address_until_DEL_gives_it_back()
    {
        using var lab = new Lab();
        using BackgroundProcess server = Serve(lab);
        using BackgroundProcess daemon = Start(lab);
        lab.Serve(Protocol.Tcp, "203.0.113.25", 8080);
        Snapshot pod = lab.PodSnapshot();
        string json = Json("off");
        JsonObject result = lab.Add(json, with: ("CNI_PATH", "/usr/lib/cni"));
        Assert.Equal("192.168.12.120/24", (string)result["ips"]![0]!["address"]!);
        Assert.Equal("192.168.12.120", lab.Connect(Protocol.Tcp, 8080)?.Source);
        Assert.Contains("192.168.12.120", File.ReadAllText(Leases), StringComparison.Ordinal);
        JsonObject check = JsonNode.Parse(json)!.AsObject();
        check["prevResult"] = result.DeepClone();
        lab.Run("CHECK", check.ToJsonString(), with: ("CNI_PATH", "/usr/lib/cni")).AssertSilentSuccess();

        lab.Delete(json, with: ("CNI_PATH", "/usr/lib/cni"));
        lab.PodSnapshot().AssertSameAs(pod);
        AssertGivenBack();
    }

    /// <summary>Only the interface that has the lease can give it back: that has to be before the interface goes.</summary>
    [RootFact]
    public void A_lease_that_is_in_conflict_is_given_back()
    {
        using var lab = new Lab();
        using BackgroundProcess server = Serve(lab);
        using BackgroundProcess daemon = Start(lab);
        string holder = lab.AddNamespace("holder");
        Lab.Batch(lab.Lan, $"link add link node0 name mv0 netns {holder} type macvlan mode bridge");
        Lab.Batch(holder, """
            address add 192.168.12.120/24 dev mv0
            link set mv0 up
            """);
        Snapshot pod = lab.PodSnapshot();
        lab.Run("ADD", Json("on"), with: ("CNI_PATH", "/usr/lib/cni")).AssertErrorNaming([11], "address 192.168.12.120 is held by");
        Assert.Contains("DHCPACK", File.ReadAllText(Log), StringComparison.Ordinal);
        lab.PodSnapshot().AssertSameAs(pod);
        AssertGivenBack();
    }

    /// <summary>Debian's plugin knows of versions up to 1.0.0, and GC is of 1.1.0.</summary>
    [RootFact]
    public void GC_gives_the_lease_of_a_stale_attachment_back()
    {
        using var lab = new Lab();
        using BackgroundProcess server = Serve(lab);
        using BackgroundProcess daemon = Start(lab);
        using var plugin = new FakeIpam("dhcp");
        plugin.Write("""[ $CNI_COMMAND = GC ] || sed 's/"1[.]1[.]0"/"1.0.0"/' | /usr/lib/cni/dhcp""");
        Snapshot pod = lab.PodSnapshot();
        string json = Config.Changed(Json("off"), config =>
        {
            config["cniVersion"] = "1.1.0";
            config["name"] = "gc-" + Guid.NewGuid().ToString("n");
        });
        lab.Add(json, with: ("CNI_PATH", plugin.Folder));
        Assert.Contains("192.168.12.120", File.ReadAllText(Leases), StringComparison.Ordinal);
        lab.Run("GC", json, with: ("CNI_PATH", plugin.Folder)).AssertSuccess();
        lab.PodSnapshot().AssertSameAs(pod);
        AssertGivenBack();
    }

    private string Leases => Path.Combine(_folder, "leases");

    private string Log => Path.Combine(_folder, "log");

    private string DaemonSocket => Path.Combine(_folder, "socket");

    private string Json(string detection) => $$$"""
        {"cniVersion":"1.0.0","type":"egress-router","name":"n","conflictDetection":"{{{detection}}}","ipam":{"type":"dhcp","daemonSocketPath":"{{{DaemonSocket}}}"},"ip":{"destinations":["203.0.113.25"]}}
        """;

    private BackgroundProcess Serve(Lab lab)
    {
        var server = new BackgroundProcess(
            lab.Lan, "/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--interface=node0",
            "--bind-interfaces",
            "--dhcp-range=192.168.12.120,192.168.12.120,255.255.255.0,2m", "--dhcp-option=3,192.168.12.1", "--dhcp-authoritative",
            "--no-ping",
            "--user=root", $"--pid-file={_folder}/pid", $"--dhcp-leasefile={Leases}", "--log-dhcp", $"--log-facility={Log}");
        server.WaitUntil(() => File.Exists($"{_folder}/pid"));
        return server;
    }

    private BackgroundProcess Start(Lab lab)
    {
        var daemon = new BackgroundProcess(lab.Node, "/usr/lib/cni/dhcp", "daemon", "-socketpath", DaemonSocket);
        daemon.WaitUntil(() => File.Exists(DaemonSocket));
        return daemon;
    }

    private void AssertGivenBack() => Eventually.IsTrue(
        () => !File.ReadAllText(Leases).Contains("192.168.12.120", StringComparison.Ordinal), "the lease was not given back");
}
