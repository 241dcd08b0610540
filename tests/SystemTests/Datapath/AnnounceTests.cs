using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Text.Json.Nodes;
using EgressRouter.Kernel;
using Netlink;
using Netlink.Neighbors;
using Netlink.Routing;
using Shared;

namespace SystemTests;

/// <summary>After ADD the neighbors know where the egress addresses are, whatever they knew before.</summary>
public class AnnounceTests
{
    private const string Elsewhere = "02:00:00:00:00:42";

    [RootFact]
    public void Announces_each_address_twice_in_each_form()
    {
        using var lab = new Lab();
        using var outside = Capture.Outside(lab);
        lab.Add(Config.TwoAddresses);
        Golden.Verify(Text(outside.Frames(), Lab.MacOf(lab.Pod, "net1")), "announcements", "two-addresses");
    }

    /// <summary>
    /// A neighbor advertisement is longer than this MTU allows, so that the kernel refuses each; the rest goes out, both times.
    /// </summary>
    [RootFact]
    public void One_announcement_that_fails_does_not_keep_back_the_others()
    {
        using var lab = new Lab();
        Lab.Batch(lab.Node, "link set lan0 mtu 68");
        using var outside = Capture.Outside(lab);
        using var words = new StringWriter();
        using Serilog.Core.Logger log = new Serilog.LoggerConfiguration().WriteTo.Sink(new WriterSink(words)).CreateLogger();
        using NetNamespace node = NetNamespace.Open(Lab.PathOf(lab.Node));
        node.Run(() =>
        {
            using NetlinkSocket socket = NetlinkSocket.OpenRoute();
            Announcer.Announce(socket.GetLink("lan0"), [IPAddress.Parse("2001:db8:12::99"), IPAddress.Parse("192.168.12.99")], log);
        });
        Assert.Equal("some announcements failed: announce 2001:db8:12::99: Message too long (EMSGSIZE)", words.ToString());
        Assert.Equal(4, outside.Frames().Count(frame => ArpPacket.TryRead(frame.Bytes)?.Sender.ToString() == "192.168.12.99"));
    }

    /// <summary>A neighbor that knows the address at another hardware address, and is sure of it.</summary>
    [RootTheory]
    [InlineData("192.168.12.99")]
    [InlineData("2001:db8:12::99")]
    public void A_neighbor_with_a_stale_entry_finds_the_new_holder(string address)
    {
        using var lab = new Lab();
        string config = Config.ChangedDualStack(json => json["inbound"] = "allow");
        lab.ServeIn(lab.Pod, Protocol.Tcp, "0.0.0.0", 8080);
        lab.ServeIn(lab.Pod, Protocol.Tcp, "::", 8081);
        Lab.In(lab.Lan, "ip", "neighbor", "replace", address, "lladdr", Elsewhere, "dev", "node0", "nud", "reachable");

        JsonObject result = lab.Add(config);
        long end = Stopwatch.GetTimestamp();
        string mac = (string)result["interfaces"]![0]!["mac"]!;
        string Entry() => Lab.In(lab.Lan, "ip", "neighbor", "show", address, "dev", "node0");
        string entry = Entry();
        while (!entry.Contains(mac, StringComparison.Ordinal) && Stopwatch.GetElapsedTime(end).TotalMilliseconds < 100)
        {
            entry = Entry();
        }

        Assert.Contains(mac, entry, StringComparison.Ordinal);

        // A first packet that went elsewhere would be sent again after a second.
        Assert.NotNull(EchoServer.Ask(
            Lab.PathOf(lab.Lan), Protocol.Tcp, address, address.Contains(':', StringComparison.Ordinal) ? 8081 : 8080, source: null,
            TimeSpan.FromMilliseconds(900)));
    }

    /// <summary>As the plugin "tuning" does, chained after this one.</summary>
    [RootFact]
    public void The_kernel_announces_again_when_the_hardware_address_changes()
    {
        using var lab = new Lab();
        lab.Add(Config.TwoAddresses);
        using var outside = Capture.Outside(lab);
        Lab.Batch(lab.Pod, "link set net1 address " + Elsewhere);
        string text = Text(outside.Frames(), PhysicalAddress.Parse(Elsewhere));
        Assert.All(
            ["192.168.12.98", "192.168.12.99", "2001:db8:12::99"], address => Assert.Contains(address, text, StringComparison.Ordinal));
    }

    [RootTheory]
    [InlineData("lan0", true)]
    [InlineData("node0", false)]
    public void A_parent_that_is_down_is_warned_of_and_no_failure(string link, bool ofNode)
    {
        using var lab = new Lab();
        string config = Config.ChangedDualStack(json => json["interfaceArgs"] = new JsonObject { ["master"] = "lan0" });
        Lab.Batch(ofNode ? lab.Node : lab.Lan, $"link set {link} down");
        CommandResult result = lab.Run("ADD", config);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("[warning] addresses are not announced: net1 has no carrier", result.Stderr, StringComparison.Ordinal);
        lab.Delete(config);
    }

    /// <summary>A hardware address as the kernel prints it.</summary>
    internal static string Text(PhysicalAddress address) => new MacAddress(address.GetAddressBytes()).ToString();

    /// <summary>ARP and neighbor discovery among frames that came from a hardware address, in their order.</summary>
    internal static string Text(IEnumerable<Frame> frames, PhysicalAddress from) => string.Join('\n', frames
        .Where(frame => frame.From.Equals(from))
        .Select(frame => (object?)ArpPacket.TryRead(frame.Bytes) ?? NeighborMessage.TryRead(frame.Bytes))
        .Where(packet => packet is not null)
        .Select(packet => packet!.ToString()!.Replace(Text(from), "net1's MAC", StringComparison.Ordinal)));

    private sealed class WriterSink(StringWriter writer) : Serilog.Core.ILogEventSink
    {
        public void Emit(Serilog.Events.LogEvent logEvent) => writer.Write(logEvent.RenderMessage(CultureInfo.InvariantCulture));
    }
}
