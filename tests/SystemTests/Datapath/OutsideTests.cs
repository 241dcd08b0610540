using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Netlink;
using Netlink.Neighbors;
using Shared;

namespace SystemTests;

/// <summary>What neighbors on the outside, and clients that mean ill, cannot do.</summary>
public class OutsideTests
{
    private const string Egress = "192.168.12.99";
    private const string Egress6 = "2001:db8:12::99";

    /// <summary>An address that is nowhere: whatever goes to it goes where routes send it.</summary>
    private const string Third = "198.51.100.7";
    private const string Third6 = "2001:db8:51::7";

    [RootTheory]
    [InlineData("deny")]
    [InlineData("allow")]
    public void A_neighbor_gets_nothing_through_and_nothing_redirected(string inbound)
    {
        using var lab = new Lab();
        lab.Add(With(inbound));
        Lab.Batch(lab.Lan, $"""
            route add 10.129.2.0/23 via {Egress}
            route add 10.130.0.5 via {Egress}
            route add {Third} via {Egress}
            route add fd00:10:129::/64 via {Egress6}
            route add fd00:10:130::5 via {Egress6}
            route add {Third6} via {Egress6}
            """);
        // A pod that sees what its LAN sees must not be fooled by it either: the client's side answers on all addresses.
        string[] pods = ["10.129.2.1", Lab.FarClient, "fd00:10:129::1", Lab.FarClient6];
        EchoServer[] inside = [.. pods.SelectMany(pod => (EchoServer[])[lab.ServeIn(lab.Client, Protocol.Tcp, pod, 80),
            lab.ServeIn(lab.Client, Protocol.Udp, pod, 80)])];
        EchoServer[] destinations = [lab.Serve(Protocol.Tcp, "192.168.12.91", 80), lab.Serve(Protocol.Tcp, "2001:db8:12::91", 80)];
        using var cluster = Capture.Cluster(lab);
        using var outside = Capture.Outside(lab);
        PhysicalAddress mac = Lab.MacOf(lab.Pod, "net1");

        Lab.AssertNoAnswers(lab.Lan, ((string[])[.. pods, Third, Third6]).SelectMany(target =>
            ((Protocol, string, int, string?)[])[(Protocol.Tcp, target, 80, null), (Protocol.Udp, target, 80, null)]));

        Assert.All(inside, server => Assert.Equal(0, server.Arrivals));
        Assert.All(destinations, server => Assert.Equal(0, server.Arrivals));
        Assert.DoesNotContain(cluster.Frames(), frame => frame.Port == 80);

        // They did arrive at the router: by its hardware address.
        Assert.Contains(
            outside.Frames(), frame => frame.Port == 80 && Third.Equals(frame.Destination?.ToString(), StringComparison.Ordinal));
        Assert.DoesNotContain(outside.Frames(), frame => frame.From.Equals(mac) && frame.Port == 80);
    }

    [RootTheory]
    [InlineData("deny")]
    [InlineData("allow")]
    public void A_neighbor_opens_connections_to_the_pod_only_where_that_is_allowed(string inbound)
    {
        using var lab = new Lab();
        lab.Add(With(inbound));
        // Port 80 has a destination, which is for clients of the cluster only.
        EchoServer[] destinations = [lab.Serve(Protocol.Tcp, "192.168.12.91", 80), lab.Serve(Protocol.Tcp, "2001:db8:12::91", 80)];
        var refused = new List<(Protocol, string, int, string?)>();
        foreach (var (egress, source) in ((string, string)[])[(Egress, "192.168.12.1"), (Egress6, "2001:db8:12::1")])
        {
            foreach (Protocol protocol in (Protocol[])[Protocol.Tcp, Protocol.Udp])
            {
                foreach (int port in (int[])[80, 7000])
                {
                    lab.ServeIn(lab.Pod, protocol, egress, port);
                    if (inbound == "allow")
                    {
                        Assert.Equal(new Arrival(source, egress, port), Lab.Ask(lab.Lan, protocol, egress, port, source));
                    }
                    else
                    {
                        refused.Add((protocol, egress, port, source));
                    }
                }
            }
        }

        Lab.AssertNoAnswers(lab.Lan, refused);
        Assert.All(destinations, server => Assert.Equal(0, server.Arrivals));
    }

    [RootTheory]
    [InlineData("deny")]
    [InlineData("allow")]
    public void Echo_requests_are_answered_only_where_inbound_is_allowed_but_neighbors_find_the_pod(string inbound)
    {
        using var lab = new Lab();
        lab.Add(With(inbound));
        using var outside = Capture.Outside(lab);
        PhysicalAddress mac = Lab.MacOf(lab.Pod, "net1");
        RawPackets.SendEchoRequest(lab.Lan, "node0", "192.168.12.1", Egress);
        RawPackets.SendEchoRequest(lab.Lan, "node0", "2001:db8:12::1", Egress6);

        foreach (string egress in (string[])[Egress, Egress6])
        {
            // The neighbor has the hardware address, by ARP and by neighbor discovery.
            Eventually.IsTrue(
                () => Lab.In(
                    lab.Lan, "ip", "neighbor", "show", "to", egress, "dev",
                    "node0").Contains(Written(mac), StringComparison.OrdinalIgnoreCase),
                $"{egress} is not found");
        }

        Fence.PassOutside(lab);
        IReadOnlyList<Frame> frames = outside.Frames();
        Assert.Contains(frames, frame => frame.IcmpType == 8);
        Assert.Contains(frames, frame => frame.IcmpType == 128);
        Assert.Equal(
            inbound == "allow" ? 2 : 0,
            frames.Count(frame => frame.From.Equals(mac) && frame is { Protocol: 1, IcmpType: 0 } or { IcmpType: 129 }));
    }

    /// <summary>
    /// As docs/security.md says: gateways that take over from each other (VRRP) need it. What the pod never asked for it does not learn.
    /// </summary>
    [RootTheory]
    [InlineData("192.168.12.1", "192.168.12.77")]
    [InlineData("2001:db8:12::1", "2001:db8:12::77")]
    public void One_announcement_of_a_neighbor_moves_an_address_that_the_pod_knows(string known, string unknown)
    {
        using var lab = new Lab();
        lab.Add(Config.DualStack);
        string Entry(string address) => Lab.In(lab.Pod, "ip", "neighbor", "show", "to", address, "dev", "net1");
        string gateway = Written(Lab.MacOf(lab.Lan, "node0"));
        Lab.In(lab.Pod, "ip", "neighbor", "replace", known, "lladdr", gateway, "dev", "net1", "nud", "reachable");
        Assert.Contains(gateway, Entry(known), StringComparison.Ordinal);

        Announce(unknown);
        Announce(known);
        Eventually.IsTrue(() => Entry(known).Contains("02:00:00:00:00:42", StringComparison.Ordinal), () => Entry(known));
        Assert.Equal("", Entry(unknown));

        void Announce(string address)
        {
            var mac = new MacAddress([2, 0, 0, 0, 0, 0x42]);
            PacketSocket.Send(new(lab.Lan, "node0"), address.Contains(':', StringComparison.Ordinal)
                ? NeighborMessage.Announcement(mac, IPAddress.Parse(address)).ToMulticastFrame()
                : ArpPacket.AnnouncingReply(mac, IPAddress.Parse(address)).ToBroadcastFrame());
        }
    }

    /// <summary>As docs/security.md says: Linux has that address of a subnet wherever it forwards (RFC 4291, section 2.6.1).</summary>
    [RootTheory]
    [InlineData("deny")]
    [InlineData("allow")]
    public void The_subnet_router_anycast_address_is_found_but_answers_only_where_inbound_is_allowed(string inbound)
    {
        const string anycast = "2001:db8:12::";
        using var lab = new Lab();
        lab.Add(With(inbound));
        using var outside = Capture.Outside(lab);
        PhysicalAddress mac = Lab.MacOf(lab.Pod, "net1");
        RawPackets.SendEchoRequest(lab.Lan, "node0", "2001:db8:12::1", anycast);
        Eventually.IsTrue(
            () => Lab.In(
                lab.Lan, "ip", "neighbor", "show", "to", anycast, "dev", "node0").Contains(Written(mac), StringComparison.Ordinal),
            $"{anycast} is not found");
        Fence.PassOutside(lab);
        IReadOnlyList<Frame> frames = outside.Frames();
        Assert.Contains(frames, frame => frame.IcmpType == 128 && anycast.Equals(frame.Destination?.ToString(), StringComparison.Ordinal));
        Assert.Equal(inbound == "allow", frames.Any(frame => frame.From.Equals(mac) && frame.IcmpType == 129));
    }

    [RootTheory]
    [InlineData(Lab.PodAddress, "203.0.113.25")]
    [InlineData(Lab.PodAddress6, "2001:db8:113::25")]
    public void Refusals_of_the_outside_reach_the_client(string pod, string destination)
    {
        using var lab = new Lab();
        lab.Add(Config.DualStack);
        Assert.Equal(SocketError.ConnectionRefused, Datagram(lab, pod, 4711, 10));
        EchoServer server = lab.Serve(Protocol.Udp, destination, 4711);
        Assert.Equal(SocketError.Success, Datagram(lab, pod, 4711, 10));
        Assert.Equal(1, server.Arrivals);
    }

    [RootTheory]
    [InlineData(Lab.PodAddress, "203.0.113.77")]
    [InlineData(Lab.PodAddress6, "2001:db8:113::77")]
    public void A_narrow_path_of_the_outside_is_told_to_the_client(string pod, string destination)
    {
        using var lab = new Lab();
        Lab.Batch(lab.Lan, """
            link add narrow0 type veth peer name narrow1
            link set narrow1 up
            link set narrow0 mtu 1300 up
            route add 203.0.113.77 dev narrow0
            route add 2001:db8:113::77 dev narrow0
            """);
        Lab.WriteSysctl(lab.Lan, "net/ipv4/ip_forward", "1");
        Lab.WriteSysctl(lab.Lan, "net/ipv6/conf/all/forwarding", "1");
        lab.Add(Config.ChangedDualStack(config => config["ip"]!["destinations"] = new JsonArray("203.0.113.77", "2001:db8:113::77")));
        Assert.DoesNotContain("mtu 1300", Lab.In(lab.Client, "ip", "route", "get", pod), StringComparison.Ordinal);
        Assert.Equal(SocketError.MessageSize, Datagram(lab, pod, 4711, 1400));
        Assert.True(
            Lab.In(lab.Client, "ip", "route", "get", pod).Contains("mtu 1300", StringComparison.Ordinal),
            $"the client does not know of the path to {destination}");
    }

    [RootFact]
    public void A_client_that_routes_foreign_networks_by_the_router_gets_nothing()
    {
        using var lab = new Lab();
        lab.Add(Config.DualStack);
        Lab.Batch(lab.Client, $"""
            route add 203.0.113.0/24 via {Lab.PodAddress}
            route add 192.168.12.0/24 via {Lab.PodAddress}
            route add 2001:db8:113::/64 via {Lab.PodAddress6}
            route add 2001:db8:12::/64 via {Lab.PodAddress6}
            """);
        // Also the destinations themselves: they are behind the pod's own addresses only.
        string[] targets = ["203.0.113.25", "203.0.113.26", "192.168.12.91", "192.168.12.1", "2001:db8:113::25", "2001:db8:12::91",
            "2001:db8:12::1"];
        EchoServer[] servers = [.. targets.SelectMany(target => (EchoServer[])[lab.Serve(Protocol.Tcp, target, 80),
            lab.Serve(Protocol.Udp, target, 53)])];
        Lab.AssertNoAnswers(lab.Client, targets.SelectMany(target => ((Protocol, string, int, string?)[])
        [
            (Protocol.Tcp, target, 80, null),
            (Protocol.Udp, target, 53, target.Contains(':', StringComparison.Ordinal) ? Lab.FarClient6 : Lab.FarClient),
        ]));

        Assert.All(servers, server => Assert.Equal(0, server.Arrivals));
        Assert.Equal(new Arrival(Egress, "192.168.12.91", 80), lab.Connect(Protocol.Tcp, 80));
        Assert.Equal(new Arrival(Egress6, "2001:db8:12::91", 80), lab.Connect(Protocol.Tcp, 80, Lab.PodAddress6));
    }

    private static string With(string inbound) => Config.Changed(Config.TwoAddresses, config =>
    {
        config["inbound"] = inbound;
        config["ip"]!["addresses"] = new JsonArray("192.168.12.99/24", "2001:db8:12::99/64");
    });

    private static string Written(PhysicalAddress mac) =>
        string.Join(':', mac.GetAddressBytes().Select(part => part.ToString("x2", CultureInfo.InvariantCulture)));

    /// <summary>Sends datagrams of the client, until one is answered (Success) or the network says why not.</summary>
    private static SocketError Datagram(Lab lab, string to, int port, int length)
    {
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(lab.Client));
        using Socket socket = space.Run(() => new Socket(
            to.Contains(':', StringComparison.Ordinal) ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, SocketType.Dgram,
            ProtocolType.Udp));
        if (socket.AddressFamily == AddressFamily.InterNetwork)
        {
            socket.DontFragment = true;
        }
        else
        {
            // IPV6_MTU_DISCOVER (23) = IPV6_PMTUDISC_DO (2): a datagram that does not fit is an error.
            socket.SetRawSocketOption((int)SocketOptionLevel.IPv6, 23, BitConverter.GetBytes(2));
        }

        socket.ReceiveTimeout = 500;
        socket.Connect(to, port);
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                socket.Send(new byte[length]);
                socket.Receive(new byte[512]);
                return SocketError.Success;
            }
            catch (SocketException fault) when (fault.SocketErrorCode != SocketError.TimedOut || attempt == 5)
            {
                return fault.SocketErrorCode;
            }
            catch (SocketException)
            {
                // Once more: the neighbor may not have been known yet.
            }
        }
    }
}
