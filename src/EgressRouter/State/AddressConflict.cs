using System.Collections.Immutable;
using System.Net;
using Netlink;
using Netlink.Neighbors;
using Netlink.Wire;

namespace EgressRouter.State;

/// <summary>Another holder of an egress address, or another host that is claiming it.</summary>
/// <param name="Address">The address.</param>
/// <param name="Other">The other host's hardware address.</param>
/// <param name="IsProbing">Whether the other host is only probing for the address at the same time.</param>
public sealed record AddressConflict(IPAddress Address, MacAddress Other, bool IsProbing)
{
    /// <summary>The pod's own link with that hardware address; null if it belongs to another host or pod.</summary>
    public string? OwnLink { get; init; }

    /// <summary>Describes the conflict if the egress interface already has the address.</summary>
    public string WithOwnAddress =>
        $"{(OwnLink is null ? "another host" : $"the pod's own interface {OwnLink}")} also has address {Address}: {Other}";

    /// <inheritdoc/>
    public override string ToString() => IsProbing
        ? $"address {Address} is being taken by {Other} at the same time"
        : $"address {Address} is held by {(OwnLink is null ? $"{Other}" : $"the pod's own interface {OwnLink} ({Other})")}";
}

/// <summary>
/// Detects from received frames whether another host has one of the addresses (RFC 5227, section 2.1.1; RFC 4862, sections
/// 5.4.3 and 5.4.4).
/// </summary>
/// <param name="Own">The hardware address of the egress interface.</param>
/// <param name="Addresses">The addresses to check.</param>
/// <param name="Nonce">The nonce of the plugin's own IPv6 probes, to recognize probes that a switch loops back (RFC 7527).</param>
/// <param name="AreAssigned">
/// Whether the addresses are assigned to the egress interface. If not, any sender with such an address is a conflict, even with
/// the same hardware address, and so is any probe. If so, the kernel answers probes, and they are no conflict.
/// </param>
public sealed record ConflictDetector(MacAddress Own, ImmutableArray<IPAddress> Addresses, Bytes Nonce, bool AreAssigned)
{
    /// <summary>The conflict that an Ethernet frame shows, or null if it shows none.</summary>
    public AddressConflict? Inspect(ReadOnlySpan<byte> frame) =>
        ArpPacket.TryRead(frame) is ArpPacket arp ? Inspect(arp)
        : NeighborMessage.TryRead(frame) is NeighborMessage message ? Inspect(message)
        : null;

    private AddressConflict? Inspect(ArpPacket arp)
    {
        if (Addresses.Contains(arp.Sender))
        {
            return Held(arp.Sender, arp.SenderMac);
        }

        bool isProbe = arp.Operation == ArpOperation.Request && arp.Sender.Equals(IPAddress.Any) && Addresses.Contains(arp.Target);
        return isProbe && arp.SenderMac != Own ? Wanted(arp.Target, arp.SenderMac) : null;
    }

    private AddressConflict? Inspect(NeighborMessage message)
    {
        if (message.Type == NeighborMessageType.Advertisement)
        {
            return Addresses.Contains(message.Target) ? Held(message.Target, message.LinkLayer ?? message.SourceMac) : null;
        }

        if (Addresses.Contains(message.Source))
        {
            return Held(message.Source, message.LinkLayer ?? message.SourceMac);
        }

        bool isProbe = message.Source.Equals(IPAddress.IPv6Any) && Addresses.Contains(message.Target);
        return isProbe && message.SourceMac != Own && message.Nonce != Nonce ? Wanted(message.Target, message.SourceMac) : null;
    }

    private AddressConflict? Held(IPAddress address, MacAddress other) =>
        AreAssigned && other == Own ? null : new AddressConflict(address, other, IsProbing: false);

    private AddressConflict? Wanted(IPAddress address, MacAddress other) =>
        AreAssigned ? null : new AddressConflict(address, other, IsProbing: true);
}
