using System.Net;
using System.Net.NetworkInformation;
using System.Text.Json.Nodes;
using Netlink.Neighbors;
using Shared;
using SystemTests.Legacy;
using SystemTests.Tools;

namespace SystemTests;

/// <summary>
/// <c>ip.highAvailability</c>: another program assigns the addresses. Packets leave with an address only while the pod has it. When it
/// gets one, connections work at once, without the plugin.
/// </summary>
public class HighAvailabilityTests
{
    private static readonly int[] _differs = [102];

    private static string TwoAddresses { get; } = Config.Changed(Config.HighAvailability, config =>
        config["ip"]!["addresses"] = new JsonArray("192.168.12.98/24", "192.168.12.99/24", "2001:db8:12::99/64"));

    /// <summary>With any prefix length, and with a lifetime, as of a holder that must renew it.</summary>
    [RootTheory]
    [InlineData("192.168.12.99/24")]
    [InlineData("192.168.12.99/32")]
    [InlineData("2001:db8:12::99/64")]
    [InlineData("2001:db8:12::99/128")]
    public void Only_the_holder_lets_anything_out(string address)
    {
        bool ipv6 = address.Contains(':', StringComparison.Ordinal);
        (string shared, string pod, string server) =
            (address.Split('/')[0], ipv6 ? Lab.PodAddress6 : Lab.PodAddress, ipv6 ? "2001:db8:12::91" : "192.168.12.91");
        using var lab = new Lab();
        using var lines = new LineServer(lab.Lan, server, 80);
        using var outside = Capture.Outside(lab);
        JsonObject result = lab.Add(Config.HighAvailability);
        PhysicalAddress mac = Lab.MacOf(lab.Pod, "net1");
        string routes = Routes(lab);

        Lab.AssertNoAnswers(lab.Client, (Protocol.Tcp, pod, 80, null), (Protocol.Udp, pod, 80, null));
        AssertSilent(outside.Frames(), mac);
        Assert.True(Dropped(lab) > 0);
        lab.Check(Config.HighAvailability, result).AssertSilentSuccess();

        Hold(lab, address, "valid_lft 100 preferred_lft 100");
        using Conversation talk = Conversation.Open(lab.Client, pod, 80, milliseconds: 900)!;
        Assert.StartsWith(shared + " ", talk.Ask("first"), StringComparison.Ordinal);
        lab.Check(Config.HighAvailability, result).AssertSilentSuccess();

        Lab.Batch(lab.Pod, $"address del {address} dev net1");
        long dropped = Dropped(lab);
        int before = outside.Frames().Count;
        Task<string?> second = Task.Run(() => talk.Ask("second"));
        Eventually.IsTrue(() => Dropped(lab) > dropped, "the packets of the open connection are not dropped");
        AssertSilent(outside.Frames().Skip(before), mac);
        Assert.Equal(routes, Routes(lab));
        lab.Check(Config.HighAvailability, result).AssertSilentSuccess();

        Hold(lab, address);
        Assert.StartsWith(shared + " ", second.GetAwaiter().GetResult(), StringComparison.Ordinal);
        lab.Delete(Config.HighAvailability);
    }

    [RootFact]
    public void Each_address_follows_on_its_own()
    {
        string[] clients = [.. Enumerable.Range(1, 12).Select(number => $"10.131.0.{number}")];
        using var lab = new Lab();
        Lab.Batch(lab.Client, string.Join('\n', clients.Select(client => $"address add {client}/32 dev lo")));
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        lab.Add(TwoAddresses);
        string[] Sources() => [.. Task.WhenAll(clients.Select(client => Task.Run(() => EchoServer.Ask(
            Lab.PathOf(lab.Client), Protocol.Tcp, Lab.PodAddress, 80, client, TimeSpan.FromMilliseconds(700))?.Source ?? "none")))
            .GetAwaiter().GetResult()];

        using (var outside = Capture.Outside(lab))
        {
            Hold(lab, "192.168.12.98/24");
            Assert.Equal(["192.168.12.98", "none"], Sources().Distinct().Order(StringComparer.Ordinal));
            Assert.DoesNotContain(outside.Frames(), frame => frame.Source?.ToString() == "192.168.12.99");
        }

        Hold(lab, "192.168.12.99/24");
        Assert.Equal(["192.168.12.98", "192.168.12.99"], Sources().Distinct().Order(StringComparer.Ordinal));
        Lab.Batch(lab.Pod, "address del 192.168.12.98/24 dev net1");
        Hold(lab, "192.168.12.99/24");
        Assert.Equal(["192.168.12.99", "none"], Sources().Distinct().Order(StringComparer.Ordinal));
    }

    /// <summary>ADD assigns an own address alone, and says no more; an IPv6 router needs none.</summary>
    [RootFact]
    public void The_result_has_what_ADD_assigned()
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.HighAvailability);
        string own = (string)Assert.Single(result["ips"]!.AsArray())!["address"]!;
        Assert.StartsWith("169.254.", own, StringComparison.Ordinal);
        string addresses = Lab.In(lab.Pod, "ip", "-o", "address", "show", "dev", "net1");
        Assert.Contains($"inet {own} scope link net1", addresses, StringComparison.Ordinal);
        lab.Delete(Config.HighAvailability);

        string ipv6 = Config.Changed(Config.Redirect6, config => config["ip"]!["highAvailability"] = true);
        result = lab.Add(ipv6);
        Assert.Null(result["ips"]);
        lab.Check(ipv6, result).AssertSilentSuccess();
        lab.Delete(ipv6);
    }

    /// <summary>Inferred values stay those of ADD, although the result does not have them.</summary>
    [RootFact]
    public void CHECK_takes_inferred_values_from_the_kernel()
    {
        using var lab = new Lab();
        string config = Config.Changed(config =>
        {
            config["ip"]!["highAvailability"] = true;
            config["ip"]!["addresses"] = new JsonArray("192.168.12.99");
            config["ip"]!.AsObject().Remove("gateway");
        });
        JsonObject result = lab.Add(config);
        Lab.Batch(lab.Node, "route del default");
        lab.Check(config, result).AssertSilentSuccess();
    }

    [RootTheory]
    [InlineData("route del default dev net1", "IPv4 route default via 192.168.12.1 dev net1 is missing")]
    [InlineData("route del 192.168.12.0/24 dev net1 metric 1024", "IPv4 route 192.168.12.0/24 dev net1 metric 1024 is missing")]
    [InlineData("-6 route del 2001:db8:12::/64 dev net1 metric 1024", "IPv6 route 2001:db8:12::/64 dev net1 metric 1024 is missing")]
    [InlineData("address del OWN dev net1", "address OWN is missing")]
    public void Drift_is_found_and_mended_in_both_states(string command, string difference)
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.HighAvailability);
        string own = (string)result["ips"]![0]!["address"]!;
        foreach (string state in (string[])["standby for", "holds"])
        {
            if (state == "holds")
            {
                Hold(lab, "192.168.12.99/24");
                Hold(lab, "2001:db8:12::99/64");
            }

            Lab.In(lab.Pod, ["ip", .. command.Replace("OWN", own, StringComparison.Ordinal).Split(' ')]);
            lab.Check(Config.HighAvailability, result)
                .AssertErrorNaming(_differs, difference.Replace("OWN", own, StringComparison.Ordinal));
            CommandResult repair = Tool.OnPod(lab, Config.HighAvailability, "repair");
            Assert.True(repair.ExitCode == 0, repair.ToString());
            lab.Check(Config.HighAvailability, result).AssertSilentSuccess();
            CommandResult status = Tool.OnPod(lab, Config.HighAvailability, "status");
            status.AssertText($"net1 of {Lab.PathOf(lab.Pod)}: as configured");
            Assert.Contains($"high availability: {state} 192.168.12.99, 2001:db8:12::99; ", status.Stdout, StringComparison.Ordinal);
        }
    }

    /// <summary>The standby's ADD neither asks for the addresses nor disturbs their holder; its tools know who it is.</summary>
    [RootFact]
    public void A_second_pod_stands_by_on_the_same_network()
    {
        string config = Config.Changed(Config.HighAvailability, json => json["conflictDetection"] = "on");
        using var first = new Lab();
        using var second = new Lab(beside: first);
        first.Add(config);
        Hold(first, "192.168.12.99/24");
        Hold(first, "2001:db8:12::99/64");
        first.Serve(Protocol.Tcp, "192.168.12.91", 80);
        first.Serve(Protocol.Tcp, "2001:db8:12::91", 80);
        JsonObject result = second.Add(config, "net1", ("CNI_CONTAINERID", "second"));
        Assert.Equal("192.168.12.99", first.Connect(Protocol.Tcp, 80)?.Source);

        string holder = AnnounceTests.Text(Lab.MacOf(first.Pod, "net1"));
        CommandResult probe = Tool.OnPod(second, config, "probe");
        Assert.True(probe.ExitCode == 0, probe.ToString());
        Assert.Contains($"standby: 192.168.12.99 is at {holder}", probe.Stdout, StringComparison.Ordinal);
        Assert.Contains($"standby: 2001:db8:12::99 is at {holder}", probe.Stdout, StringComparison.Ordinal);
        Assert.Contains(
            "2001:db8:12::91]:80 from 2001:db8:12::99: connected", Tool.OnPod(first, config, "probe").Stdout, StringComparison.Ordinal);

        Assert.Contains("""address="192.168.12.99"} 1""", StatusOf(first, "prometheus"), StringComparison.Ordinal);
        Assert.Contains("""address="192.168.12.99"} 0""", StatusOf(second, "prometheus"), StringComparison.Ordinal);
        Assert.Equal(
            """{"held":[],"standby":["192.168.12.99","2001:db8:12::99"],"droppedPackets":0}""",
            JsonNode.Parse(StatusOf(second, "json"))![0]!["highAvailability"]!.ToJsonString());

        // With the address of the holder, the standby finds a duplicate: who takes an address must ask first.
        Hold(second, "192.168.12.99/24");
        JsonObject told = JsonNode.Parse(config)!.AsObject();
        told["prevResult"] = result;
        second.Run("CHECK", told.ToJsonString(), "net1", ("CNI_CONTAINERID", "second"))
            .AssertErrorNaming(_differs, $"another host also has address 192.168.12.99: {holder}");
    }

    /// <summary>Assigns an address. An IPv6 address is local when the kernel's own work has made its route.</summary>
    private static void Hold(Lab lab, string address, string options = "")
    {
        string noDad = address.Contains(':', StringComparison.Ordinal) ? " nodad" : "";
        Lab.Batch(lab.Pod, $"address replace {address} dev net1 {options}{noDad}");
        Eventually.IsTrue(() => Lab.HasLocalRoutes(lab.Pod, "net1"), $"{address} is not local");
    }

    private static string StatusOf(Lab lab, string output) =>
        Tool.On(lab, "", "status", "--netns", Lab.PathOf(lab.Pod), "--output", output).Stdout;

    /// <summary>The routes of net1 that the plugin made, of both families and all tables.</summary>
    private static string Routes(Lab lab) => string.Concat(((string[])["-4", "-6"]).Select(family =>
        Lab.In(lab.Pod, "ip", family, "route", "show", "table", "all", "dev", "net1", "proto", "boot")));

    private static long Dropped(Lab lab) => (long)JsonNode.Parse(
        Lab.In(lab.Pod, "nft", "-j", "list", "counter", "inet", "egress-router-net1", "standby"))!["nftables"]!.AsArray()
        .Select(item => item!["counter"]?["packets"]).Single(packets => packets is not null)!;

    /// <summary>Nothing but multicast listener reports without a source address has left net1.</summary>
    private static void AssertSilent(IEnumerable<Frame> frames, PhysicalAddress mac) => Assert.DoesNotContain(
        frames.Where(frame => frame.From.Equals(mac)), frame => !IPAddress.IPv6Any.Equals(frame.Source) || frame.IcmpType != 143
            || ArpPacket.TryRead(frame.Bytes) is not null);
}
