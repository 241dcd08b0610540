using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Netlink;
using Shared;

namespace SystemTests;

/// <summary>What leaves the node, and from which address: as a firewall on the outside sees it.</summary>
public class LeakTests
{
    [RootFact]
    public void Only_egress_addresses_are_ever_a_source()
    {
        using var lab = new Lab();
        using var outside = Capture.Outside(lab);
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        lab.Serve(Protocol.Udp, "192.168.12.91", 8000);
        lab.Serve(Protocol.Tcp, "2001:db8:12::91", 80);
        lab.Serve(Protocol.Udp, "203.0.113.25", 7000);
        lab.Serve(Protocol.Udp, "2001:db8:113::25", 7000);
        lab.Add(Config.TwoAddresses);
        PhysicalAddress mac = Lab.MacOf(lab.Pod, "net1");

        // Clients, near and far.
        string[] others = [.. Enumerable.Range(1, 8).Select(number => "10.131.0." + number.ToString(CultureInfo.InvariantCulture))];
        Lab.Batch(lab.Client, string.Join('\n', others.Select(other => $"address add {other}/32 dev lo")));
        foreach (string? source in (string?[])[null, Lab.FarClient, .. others])
        {
            Assert.NotNull(lab.Connect(Protocol.Tcp, 80, source: source));
            Assert.NotNull(lab.Connect(Protocol.Udp, 8000, source: source));
        }

        Assert.NotNull(lab.Connect(Protocol.Tcp, 80, Lab.PodAddress6));
        Assert.NotNull(lab.Connect(Protocol.Tcp, 80, Lab.PodAddress6, Lab.FarClient6));

        // The pod itself, by the address that the kernel chooses, and by that of eth0: this one gets the egress address.
        foreach (string? source in (string?[])[null, Lab.PodAddress])
        {
            Assert.Equal("192.168.12.9", Lab.Ask(lab.Pod, Protocol.Udp, "203.0.113.25", 7000, source)?.Source[..^1]);
        }

        foreach (string? source in (string?[])[null, Lab.PodAddress6])
        {
            Assert.Equal("2001:db8:12::99", Lab.Ask(lab.Pod, Protocol.Udp, "2001:db8:113::25", 7000, source)?.Source);
        }

        // What no translation is made for: packets that connection tracking cannot make sense of, or is told not to look at.
        SendOddPackets(lab, "203.0.113.25", Lab.PodAddress);
        SendOddPackets(lab, "2001:db8:113::25", Lab.PodAddress6);
        Lab.In(
            lab.Pod, "nft",
            "add table inet foreign; add chain inet foreign output { type filter hook output priority raw; udp dport { 7000, 7001 } notrack; }");
        Lab.AssertNoAnswers(
            lab.Pod,
            (Protocol.Udp, "203.0.113.25", 7000, Lab.PodAddress),
            (Protocol.Udp, "192.168.12.91", 7001, Lab.PodAddress),
            (Protocol.Udp, "2001:db8:113::25", 7000, Lab.PodAddress6),
            (Protocol.Udp, "2001:db8:12::91", 7001, Lab.PodAddress6));

        // Neighbors that want something of the pod, and clients that want something else of it.
        RawPackets.SendEchoRequest(lab.Lan, "node0", "192.168.12.1", "192.168.12.99");
        RawPackets.SendEchoRequest(lab.Lan, "node0", "2001:db8:12::1", "2001:db8:12::99");
        RawPackets.SendRouterAdvertisement(lab.Lan, "node0");
        Lab.Batch(lab.Client, $"""
            route add 203.0.113.0/24 via {Lab.PodAddress}
            route add 2001:db8:113::/64 via {Lab.PodAddress6}
            """);
        Lab.AssertNoAnswers(
            lab.Client,
            (Protocol.Tcp, "203.0.113.25", 7000, Lab.FarClient),
            (Protocol.Udp, "203.0.113.25", 7000, null),
            (Protocol.Udp, "2001:db8:113::25", 7000, Lab.FarClient6));
        int Reports() => outside.Frames().Count(frame => frame.From.Equals(mac) && frame.IcmpType == 143);
        int before = Reports();
        Lab.Batch(lab.Pod, """
            link set net1 down
            link set net1 up
            """);
        // The kernel's timer: it reports its multicast groups at once, and again within a second (RFC 3810, section 9.11).
        Eventually.IsTrue(() => Reports() >= before + 2, "the kernel does not report its groups");
        lab.Delete(Config.TwoAddresses);

        IReadOnlyList<Frame> frames = [.. outside.Frames().Where(frame => frame.From.Equals(mac))];
        IPAddress[] egress = [IPAddress.Parse("192.168.12.98"), IPAddress.Parse("192.168.12.99"), IPAddress.Parse("2001:db8:12::99")];
        Assert.All(egress, address => Assert.Contains(frames, frame => address.Equals(frame.Source)));
        Frame[] foreign =
        [
            .. frames.Where(frame => frame.EtherType is Frame.IPv4 or Frame.IPv6 && !egress.Contains(frame.Source)
                // A listener report before there is an address (RFC 3590).
                && !(IPAddress.IPv6Any.Equals(frame.Source) && frame is { Protocol: 58, IcmpType: 143 })),
        ];
        Assert.True(foreign.Length == 0, string.Join('\n', foreign.Select(frame => frame.ToString())));

        // Nor does another hardware address of this node show the pod's or the clients' addresses.
        Assert.DoesNotContain(
            outside.Frames(), frame => frame.Source?.ToString() is Lab.PodAddress or Lab.PodAddress6 or Lab.FarClient or Lab.FarClient6);
    }

    /// <summary>TCP segments with impossible flags, and echo replies that nobody asked for.</summary>
    private static void SendOddPackets(Lab lab, string to, string from)
    {
        var (source, destination) = (IPAddress.Parse(from), IPAddress.Parse(to));
        bool ipv6 = source.AddressFamily == AddressFamily.InterNetworkV6;
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(lab.Pod));
        space.Run(() =>
        {
            using var tcp = new Socket(source.AddressFamily, SocketType.Raw, ProtocolType.Tcp);
            foreach (byte flags in (byte[])[0, 0x29, 3, 0x14, 0x12, 0x10])
            {
                Send(tcp, [0x30, 0x39, 0x1b, 0x58, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 4, 0, 0, 0, 0, 0]);
            }

            using var icmp = new Socket(source.AddressFamily, SocketType.Raw, ipv6 ? ProtocolType.IcmpV6 : ProtocolType.Icmp);
            Send(icmp, [ipv6 ? (byte)129 : (byte)0, 0, 0xba, 0xac, 0x45, 0x52, 0, 1]);
        });

        void Send(Socket socket, byte[] packet)
        {
            if (!socket.IsBound)
            {
                socket.Bind(new IPEndPoint(source, 0));
            }

            try
            {
                socket.SendTo(packet, new IPEndPoint(destination, 0));
            }
            catch (SocketException)
            {
                // EPERM: it was dropped on the way out.
            }
        }
    }
}
