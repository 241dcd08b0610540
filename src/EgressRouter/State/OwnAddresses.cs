using System.Net;
using System.Text;
using EgressRouter.Config;

namespace EgressRouter.State;

/// <summary>The IPv4 link-local addresses (RFC 3927) of egress interfaces with high availability.</summary>
internal static class OwnAddresses
{
    /// <summary>The multicast group of VRRP (RFC 5798): the only destination of an own address.</summary>
    public static readonly IPAddress VrrpGroup = IPAddress.Parse("224.0.0.18");

    /// <summary>169.254.1.0 ... 169.254.254.255: the rest is reserved (RFC 3927, section 2.1).</summary>
    private const uint First = 1 << 8;

    private const uint Count = 254 << 8;

    /// <summary>
    /// Derived, so that CHECK knows it, and not a constant: pods of one ipvlan parent cannot share an address, and VRRP tells senders apart
    /// by it. A /32 has no route that the kernel would make.
    /// </summary>
    public static AddressState For(Owner? owner, AttachmentNames names)
    {
        string text = $"{SavedState.ShortenName(owner?.Container ?? "")}/{names.Interface}";
        uint number = First + (Fnv1a.Of(Encoding.UTF8.GetBytes(text)) % Count);
        return new AddressState(new IPAddress([169, 254, (byte)(number >> 8), (byte)number]), 32);
    }

    /// <summary>Whether it can be one; an egress address cannot.</summary>
    public static bool IsOne(IPAddress address) => AddressKinds.Of(address) == AddressKind.Ipv4LinkLocal;
}
