using System.Net;
using Netlink;
using Netlink.NetFilter;
using Netlink.Wire;
using Shared;

namespace SystemTests;

/// <summary><c>fib saddr . iif oif missing</c>, for packets from sources that are reached by their link, by another one, or not.</summary>
public class ReversePathTests
{
    private const string Name = "reverse";

    [RootTheory]
    [InlineData("203.0.113.25", "192.168.12.10", "203.0.113.0/24")]
    [InlineData("2001:db8:113::25", "2001:db8:12::10", "2001:db8:113::/64")]
    public void A_source_that_is_reached_by_another_link_is_noticed(string source, string destination, string network)
    {
        using var lab = new Lab(bare: true);
        using NetNamespace node = NetNamespace.Open(Lab.PathOf(lab.Node));
        using NetlinkSocket socket = node.Run(() => NetlinkSocket.OpenNetFilter());
        socket.CreateTable(TableOf(IPAddress.Parse(source)));
        (ulong Seen, ulong Missing) Counts()
        {
            Dictionary<string, ulong> counts = socket.ReadCounters(TableFamily.Inet, Name)
                .ToDictionary(counter => counter.Name, counter => counter.Counted.Packets);
            return (counts["seen"], counts["missing"]);
        }

        void Send(ulong seen)
        {
            RawPackets.SendEchoRequest(lab.Lan, "node0", source, destination);
            Eventually.IsTrue(() => Counts().Seen == seen, () => $"{Counts()} instead of {seen}");
        }

        Send(1);
        Assert.Equal((1u, 0u), Counts());
        Lab.Batch(lab.Node, $"route add {network} dev lo");
        Send(2);
        Assert.Equal((2u, 1u), Counts());
        Lab.Batch(lab.Node, $"route delete {network} dev lo\nroute add unreachable {network}");
        Send(3);
        Assert.Equal((3u, 2u), Counts());
        Lab.Batch(lab.Node, $"route delete unreachable {network}");
        Send(4);
        Assert.Equal((4u, 2u), Counts());
    }

    private static Table TableOf(IPAddress source)
    {
        byte[] bytes = source.GetAddressBytes();
        bool isIPv4 = bytes.Length == 4;
        Expression[] isFromSource =
        [
            new MetaExpression(MetaKey.NetworkProtocol, Register.R1),
            new CmpExpression(Register.R1, new Bytes([(byte)(isIPv4 ? TableFamily.IPv4 : TableFamily.IPv6)])),
            new PayloadExpression(PayloadBase.NetworkHeader, isIPv4 ? 12u : 8u, (uint)bytes.Length, Register.R1),
            new CmpExpression(Register.R1, new Bytes(bytes)),
        ];
        return new Table(
            TableFamily.Inet,
            Name,
            [new Chain("input", new BaseChain("filter", NetFilterHook.PreRouting, -300))],
            [
                // Missing first: who has read the other counter sees this one too.
                new Rule("input", [
                    .. isFromSource,
                    new FibExpression(Register.R1, FibQuery.HasReversePath),
                    new CmpExpression(Register.R1, new Bytes([0, 0, 0, 0])),
                    new CounterReferenceExpression("missing")]),
                new Rule("input", [.. isFromSource, new CounterReferenceExpression("seen")]),
            ],
            [])
        {
            Counters = [new NamedCounter("seen"), new NamedCounter("missing")],
        };
    }
}
