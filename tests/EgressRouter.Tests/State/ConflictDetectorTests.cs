using System.Net;
using EgressRouter.State;
using Netlink;
using Netlink.Neighbors;
using Netlink.Wire;

namespace EgressRouter.Tests.State;

/// <summary>Conflicts that a frame reveals, before the addresses are assigned and afterwards.</summary>
public class ConflictDetectorTests
{
    private static readonly MacAddress _own = new([2, 0, 0, 0, 0, 0x63]);

    private static readonly MacAddress _other = new([2, 0, 0, 0, 0, 0x42]);

    private static readonly MacAddress _third = new([2, 0, 0, 0, 0, 0x17]);

    private static readonly Bytes _nonce = new([1, 2, 3, 4, 5, 6]);

    private static readonly IPAddress _ipv4 = IPAddress.Parse("192.168.12.99");

    private static readonly IPAddress _ipv6 = IPAddress.Parse("2001:db8:12::99");

    private const string Held = "held";

    private const string Taken = "taken";

    /// <summary>A description, its frame, and the expected conflict before the addresses are assigned and afterwards.</summary>
    public static TheoryData<string, byte[], string?, string?> Frames => new()
    {
        { "an answer to a probe", Arp(ArpOperation.Reply, _other, _ipv4, _own, IPAddress.Any), Held, Held },
        { "an announcement", ArpPacket.Announcement(_other, _ipv4).ToBroadcastFrame(), Held, Held },
        { "a question of the holder", Arp(ArpOperation.Request, _other, _ipv4, default, IPAddress.Parse("192.168.12.1")), Held, Held },
        { "a question for the address", Arp(ArpOperation.Request, _other, IPAddress.Parse("192.168.12.1"), default, _ipv4), null, null },
        { "an announcement of another address", ArpPacket.Announcement(_other, IPAddress.Parse("192.168.12.98"))
            .ToBroadcastFrame(), null, null },
        { "a probe of another", ArpPacket.Probe(_other, _ipv4).ToBroadcastFrame(), Taken, null },
        { "a probe of another for another address", ArpPacket.Probe(_other, IPAddress.Parse("192.168.12.98"))
            .ToBroadcastFrame(), null, null },
        { "our own probe", ArpPacket.Probe(_own, _ipv4).ToBroadcastFrame(), null, null },
        { "our own announcement", ArpPacket.Announcement(_own, _ipv4).ToBroadcastFrame(), "twin", null },
        { "an answer without a sender", Arp(ArpOperation.Reply, _other, IPAddress.Any, _own, _ipv4), null, null },
        { "IPv6: an answer to a probe", NeighborMessage.Announcement(_other, _ipv6).ToMulticastFrame(), Held, Held },
        { "IPv6: an answer without the option", (NeighborMessage.Announcement(_other, _ipv6) with { LinkLayer = null })
            .ToMulticastFrame(), Held, Held },
        { "IPv6: an answer by a proxy's frame", (NeighborMessage.Announcement(_third, _ipv6) with { LinkLayer = _other })
            .ToMulticastFrame(), Held, Held },
        { "IPv6: an advertisement of another address", NeighborMessage.Announcement(_other, IPAddress.Parse("2001:db8:12::98"))
            .ToMulticastFrame(), null, null },
        { "IPv6: a question of the holder", Solicit(_ipv6, IPAddress.Parse("2001:db8:12::1")), Held, Held },
        { "IPv6: a question for the address", Solicit(IPAddress.Parse("2001:db8:12::1"), _ipv6), null, null },
        { "IPv6: a probe of another", NeighborMessage.Probe(_other, _ipv6, new Bytes([6, 5, 4, 3, 2, 1]))
            .ToMulticastFrame(), Taken, null },
        { "IPv6: a probe of another without a nonce", NeighborMessage.Probe(_other, _ipv6, default).ToMulticastFrame(), Taken, null },
        { "IPv6: our own probe", NeighborMessage.Probe(_own, _ipv6, _nonce).ToMulticastFrame(), null, null },
        { "IPv6: our own probe, from another hardware address", NeighborMessage.Probe(_other, _ipv6, _nonce)
            .ToMulticastFrame(), null, null },
        { "IPv6: our own announcement", NeighborMessage.Announcement(_own, _ipv6).ToMulticastFrame(), "twin", null },
        { "nothing", [], null, null },
    };

    [Theory]
    [MemberData(nameof(Frames))]
    public void Is_understood(string what, byte[] frame, string? before, string? after)
    {
        Assert.Equal((what, before), (what, Inspect(frame, areAssigned: false)));
        Assert.Equal((what, after), (what, Inspect(frame, areAssigned: true)));
    }

    [Fact]
    public void Names_the_address_and_the_other()
    {
        Assert.Equal("address 192.168.12.99 is held by 02:00:00:00:00:42", new AddressConflict(_ipv4, _other, IsProbing: false).ToString());
        Assert.Equal(
            "address 192.168.12.99 is being taken by 02:00:00:00:00:42 at the same time",
            new AddressConflict(_ipv4, _other, IsProbing: true).ToString());
    }

    private static string? Inspect(byte[] frame, bool areAssigned)
    {
        AddressConflict? conflict = new ConflictDetector(_own, [_ipv4, _ipv6], _nonce, areAssigned).Inspect(frame);
        if (conflict is null)
        {
            return null;
        }

        // Before the address is assigned, this host sends no frame for it: one with its MAC address is from a twin.
        return conflict.Other == _own ? "twin" : conflict.Other != _other ? "somebody else" : conflict.IsProbing ? Taken : Held;
    }

    private static byte[] Arp(ArpOperation operation, MacAddress senderMac, IPAddress sender, MacAddress targetMac, IPAddress target) =>
        new ArpPacket(operation, senderMac, sender, targetMac, target).ToBroadcastFrame();

    private static byte[] Solicit(IPAddress source, IPAddress target) =>
        new NeighborMessage(
            NeighborMessageType.Solicitation, _other, source, NeighborMessage.SolicitedNode(target),
            target)
        { LinkLayer = _other }.ToMulticastFrame();
}
