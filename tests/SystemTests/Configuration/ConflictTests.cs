using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Netlink;
using Netlink.Neighbors;
using Netlink.Wire;
using Shared;

namespace SystemTests;

/// <summary>Two nodes and one address: who has it, who is refused, and who is told.</summary>
public class ConflictTests
{
    private const string Stranger = "02:00:00:00:00:42";

    private static readonly MacAddress _stranger = MacAddress.TryParse(Stranger)!.Value;

    private static readonly string _dualStack = Detecting(Config.DualStack, "on");

    private static readonly Dictionary<string, (string Config, string[] Addresses)> _cases = new()
    {
        ["IPv4"] = (Detecting(Config.Redirect, "on"), ["192.168.12.99"]),
        ["IPv6"] = (Detecting(Config.Redirect6, "on"), ["2001:db8:12::99"]),
        ["both"] = (_dualStack, ["192.168.12.99", "2001:db8:12::99"]),
    };

    /// <summary>Node A is cut off without DEL, node B takes over; A comes back, and both are told of each other.</summary>
    [RootFact]
    public void A_node_that_was_replaced_and_comes_back_is_noticed()
    {
        using var a = new Lab();
        using var b = new Lab(beside: a);
        a.Serve(Protocol.Tcp, "192.168.12.91", 80);
        a.Serve(Protocol.Tcp, "2001:db8:12::91", 80);
        JsonObject resultA = a.Add(_dualStack);
        AssertServes(a);
        a.Check(_dualStack, resultA).AssertSilentSuccess();

        Lab.Batch(a.Lan, "link set node0 down");
        JsonObject resultB = b.Add(_dualStack);
        AssertServes(b);
        b.Check(_dualStack, resultB).AssertSilentSuccess();

        Lab.Batch(a.Lan, "link set node0 up");
        Eventually.IsTrue(
            () => Lab.In(a.Node, "ip", "link", "show", "lan0").Contains("state UP", StringComparison.Ordinal)
                && Lab.In(a.Lan, "ip", "-d", "link", "show", "node0").Contains("state forwarding", StringComparison.Ordinal),
            "node A does not come back");

        foreach (var (lab, result, other) in ((Lab, JsonObject, Lab)[])[(a, resultA, b), (b, resultB, a)])
        {
            string text = lab.Check(_dualStack, result).AssertError(102);
            Assert.Contains("2 differences", text, StringComparison.Ordinal);
            Assert.Contains($"another host also has address 192.168.12.99: {MacOf(other)}", text, StringComparison.Ordinal);
            Assert.Contains($"another host also has address 2001:db8:12::99: {MacOf(other)}", text, StringComparison.Ordinal);
        }

        a.Delete(_dualStack);
        b.Check(_dualStack, resultB).AssertSilentSuccess();
    }

    [RootTheory]
    [InlineData("IPv4")]
    [InlineData("IPv6")]
    [InlineData("both")]
    public void ADD_refuses_an_address_that_somebody_has_and_leaves_nothing(string which)
    {
        (string config, string[] addresses) = _cases[which];
        using var a = new Lab();
        using var b = new Lab(beside: a);
        a.Add(config);
        Snapshot pod = b.PodSnapshot();
        Snapshot node = b.NodeSnapshot();
        string text = b.Run("ADD", config).AssertError(11);
        Assert.All(addresses, address => Assert.Contains($"address {address} is held by {MacOf(a)}", text, StringComparison.Ordinal));
        b.PodSnapshot().AssertSameAs(pod);
        b.NodeSnapshot().AssertSameAs(node);

        a.Delete(config);
        b.Add(config);
    }

    /// <summary>Both nodes use one hardware address for it; the question is asked from another, or its answer would go astray.</summary>
    [RootFact]
    public void ADD_refuses_an_address_whose_holder_has_the_hardware_address_that_it_would_have()
    {
        string config = Config.Changed(_dualStack, json => json["interfaceArgs"] = new JsonObject { ["mac"] = "stable" });
        using var a = new Lab();
        using var b = new Lab(beside: a);
        a.Add(config);
        string text = b.Run("ADD", config).AssertError(11);
        Assert.Contains($"address 192.168.12.99 is held by {MacOf(a)}", text, StringComparison.Ordinal);
        Assert.Contains($"address 2001:db8:12::99 is held by {MacOf(a)}", text, StringComparison.Ordinal);

        Lab.Batch(a.Lan, "link set node0 down");
        b.Add(config);
        Assert.Equal(MacOf(a), MacOf(b));
    }

    /// <summary>Two pods of one node: their macvlans hear each other by the parent.</summary>
    [RootFact]
    public void ADD_refuses_an_address_that_another_pod_of_the_node_has()
    {
        using var lab = new Lab();
        lab.Add(_dualStack);
        string text = lab.Run("ADD", _dualStack, "net1", ("CNI_NETNS", Lab.PathOf(lab.Client))).AssertError(11);
        Assert.Contains($"address 192.168.12.99 is held by {MacOf(lab)}", text, StringComparison.Ordinal);
    }

    [RootFact]
    public void What_is_to_be_warned_of_is_no_failure()
    {
        string config = Detecting(Config.DualStack, "warn");
        using var a = new Lab();
        using var b = new Lab(beside: a);
        a.Add(config);
        CommandResult result = b.Run("ADD", config);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains(
            $"[warning] address conflict: address 192.168.12.99 is held by {MacOf(a)}; address 2001:db8:12::99 is held by {MacOf(a)}",
            result.Stderr,
            StringComparison.Ordinal);

        CommandResult check = b.Check(config, JsonNode.Parse(result.Stdout)!.AsObject());
        check.AssertSuccess();
        Assert.All(
            ["192.168.12.99", "2001:db8:12::99"],
            address => Assert.Contains(
                $"[warning] address conflict: another host also has address {address}: {MacOf(a)}", check.Stderr,
                StringComparison.Ordinal));
    }

    /// <summary>Who asks for an address at the same time wants it too (RFC 5227, section 2.1.1).</summary>
    [RootTheory]
    [InlineData("192.168.12.99")]
    [InlineData("2001:db8:12::99")]
    public void ADD_refuses_an_address_that_somebody_is_about_to_take(string address)
    {
        using var lab = new Lab();
        var wanted = IPAddress.Parse(address);
        byte[] probe = wanted.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
            ? ArpPacket.Probe(_stranger, wanted).ToBroadcastFrame()
            : NeighborMessage.Probe(_stranger, wanted, new Bytes([1, 2, 3, 4, 5, 6])).ToMulticastFrame();
        using NeighborSocket outside = OpenOutside(lab);
        using var background = new Repeating(() =>
        {
            outside.Send(probe, "probe");
            Thread.Sleep(10);
        });
        string text = lab.Run("ADD", _dualStack).AssertError(11);
        Assert.Contains($"address {address} is being taken by {Stranger} at the same time", text, StringComparison.Ordinal);
    }

    /// <summary>A switch or a hypervisor that sends back what it gets. Of the modes of macvlan only this one hears it.</summary>
    [RootFact]
    public void Frames_that_come_back_are_no_conflict()
    {
        string config = Config.Changed(_dualStack, json => json["interfaceArgs"] = new JsonObject { ["mode"] = "private" });
        using var lab = new Lab();
        using NeighborSocket outside = OpenOutside(lab);
        var seen = new HashSet<string>();
        var buffer = new byte[512];
        using var background = new Repeating(() =>
        {
            int length = outside.Receive(buffer, TimeSpan.FromMilliseconds(20));
            if (length > 0 && seen.Add(Convert.ToHexString(buffer, 0, length)))
            {
                outside.Send(buffer.AsSpan(0, length), "send back");
            }
        });
        JsonObject result = lab.Add(config);
        lab.Check(config, result).AssertSilentSuccess();
    }

    [RootFact]
    public void Of_two_that_add_an_address_at_the_same_time_one_at_most_has_it()
    {
        using var a = new Lab();
        using var b = new Lab(beside: a);
        Snapshot[] before = [a.PodSnapshot(), b.PodSnapshot()];
        Lab[] labs = [a, b];
        CommandResult[] results = Task.WhenAll(labs.Select(lab => Task.Run(() => lab.Run("ADD", _dualStack)))).GetAwaiter().GetResult();
        Assert.InRange(results.Count(result => result.ExitCode == 0), 0, 1);
        for (int i = 0; i < labs.Length; i++)
        {
            if (results[i].ExitCode != 0)
            {
                results[i].AssertError(11);
                labs[i].PodSnapshot().AssertSameAs(before[i]);
            }
        }
    }

    /// <summary>A question that cannot be sent does not prove that nobody has the address.</summary>
    [RootFact]
    public void Without_a_carrier_ADD_refuses_or_warns_as_it_is_told()
    {
        using var lab = new Lab();
        Lab.Batch(lab.Lan, "link set node0 down");
        Snapshot pod = lab.PodSnapshot();
        string text = lab.Run("ADD", _dualStack).AssertError(11);
        Assert.Contains("no carrier", text, StringComparison.Ordinal);
        lab.PodSnapshot().AssertSameAs(pod);

        CommandResult warned = lab.Run("ADD", Detecting(Config.DualStack, "warn"));
        Assert.True(warned.ExitCode == 0, warned.ToString());
        Assert.Contains(
            "[warning] conflict detection failed: ask for other holders of 192.168.12.99, 2001:db8:12::99: the parent lan0 is down",
            warned.Stderr,
            StringComparison.Ordinal);
    }

    /// <summary>Three questions for each address, from nobody; the announcements after them.</summary>
    [RootFact]
    public void Asks_before_it_announces()
    {
        using var lab = new Lab();
        using var outside = Capture.Outside(lab);
        lab.Add(Detecting(Config.TwoAddresses, "on"));
        string text = AnnounceTests.Text(outside.Frames(), Lab.MacOf(lab.Pod, "net1"));
        Golden.Verify(Regex.Replace(text, "Nonce = [0-9a-f]{12}", "Nonce = six bytes"), "announcements", "asked-before");
    }

    [RootFact]
    public void Nobody_is_asked_unless_it_is_told_to()
    {
        using var lab = new Lab();
        using var outside = Capture.Outside(lab);
        JsonObject result = lab.Add(Config.DualStack);
        lab.Check(Config.DualStack, result).AssertSilentSuccess();
        Assert.DoesNotContain(outside.Frames(), frame =>
            IPAddress.Any.Equals(ArpPacket.TryRead(frame.Bytes)?.Sender)
                || NeighborMessage.TryRead(frame.Bytes)?.Target.ToString() == "2001:db8:12::99"
                && NeighborMessage.TryRead(frame.Bytes)!.Type == NeighborMessageType.Solicitation);
    }

    /// <summary>Another VLAN on the same wire is another network, which may use the same addresses; VLAN 0 is none (IEEE 802.1Q).</summary>
    [RootTheory]
    [InlineData(5, false)]
    [InlineData(0, true)]
    public void An_answer_in_another_VLAN_is_no_conflict(byte vlan, bool isConflict)
    {
        using var lab = new Lab();
        byte[] frame = ArpPacket.Announcement(_stranger, IPAddress.Parse("192.168.12.99")).ToBroadcastFrame();
        byte[] tagged = [.. frame[..12], 0x81, 0, 0, vlan, .. frame[12..]];
        using NeighborSocket outside = OpenOutside(lab);
        using var background = new Repeating(() =>
        {
            outside.Send(tagged, "tagged");
            Thread.Sleep(10);
        });
        CommandResult result = lab.Run("ADD", _dualStack);
        Assert.True((result.ExitCode != 0) == isConflict, result.ToString());
    }

    /// <summary>The kernel answers by any interface for any address, unless arp_ignore says otherwise.</summary>
    [RootFact]
    public void CHECK_names_an_interface_of_the_pod_itself_that_answers_for_the_address()
    {
        using var lab = new Lab();
        Lab.Batch(lab.Node, $"""
            link add link lan0 name mv0 netns {lab.Pod} type macvlan mode bridge
            """);
        Lab.Batch(lab.Pod, """
            address add 192.168.12.77/24 dev mv0
            link set mv0 up
            """);
        string config = Detecting(Config.Redirect, "on");
        JsonObject result = lab.Add(config);
        lab.Check(config, result).AssertErrorNaming(
            [102], $"the pod's own interface mv0 also has address 192.168.12.99: {AnnounceTests.Text(Lab.MacOf(lab.Pod, "mv0"))}");

        Lab.WriteSysctl(lab.Pod, "net/ipv4/conf/mv0/arp_ignore", "1");
        lab.Check(config, result).AssertSilentSuccess();
    }

    /// <summary>Trying again later does not give a privilege.</summary>
    [RootFact]
    public void Without_the_privilege_to_ask_ADD_does_not_say_try_again()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        string text = lab.RunWithout("net_raw", "ADD", _dualStack).AssertError(100);
        Assert.Contains("open a packet socket on net1: Operation not permitted (EPERM)", text, StringComparison.Ordinal);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>For all addresses together, however many there are.</summary>
    [RootFact]
    public void The_time_that_detection_takes_is_bounded()
    {
        using var lab = new Lab();
        string config = Config.Changed(json =>
        {
            json["conflictDetection"] = "on";
            json["conflictDetectionTimeout"] = 1000;
            json["ip"]!["addresses"] = new JsonArray([.. Enumerable.Range(100, 20).Select(host => (JsonNode)$"192.168.12.{host}/24")]);
        });
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        lab.Add(config);
        Assert.InRange(System.Diagnostics.Stopwatch.GetElapsedTime(start), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10));
    }

    private static string Detecting(string config, string how) => Config.Changed(config, json => json["conflictDetection"] = how);

    private static void AssertServes(Lab lab)
    {
        Assert.Equal(new Arrival("192.168.12.99", "192.168.12.91", 80), lab.Connect(Protocol.Tcp, 80));
        Assert.Equal(new Arrival("2001:db8:12::99", "2001:db8:12::91", 80), lab.Connect(Protocol.Tcp, 80, Lab.PodAddress6));
    }

    private static string MacOf(Lab lab) => AnnounceTests.Text(Lab.MacOf(lab.Pod, "net1"));

    private static NeighborSocket OpenOutside(Lab lab)
    {
        int index = Lab.IndexOf(lab.Lan, "node0");
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(lab.Lan));
        return space.Run(() => NeighborSocket.Open("node0", index, listen: true));
    }
}
