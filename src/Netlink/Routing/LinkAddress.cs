using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Netlink.Wire;
using static Netlink.Routing.RtnetlinkConstants;

namespace Netlink.Routing;

/// <summary>Flags of an address (IFA_F_*, linux/if_addr.h).</summary>
[Flags]
public enum AddressFlags : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>IPv6: no duplicate address detection; the address can be used at once.</summary>
    NoDad = 0x02,

    /// <summary>IPv6: duplicate address detection found another holder.</summary>
    DadFailed = 0x08,

    /// <summary>IPv6: duplicate address detection is under way.</summary>
    Tentative = 0x40,

    /// <summary>The address has no lifetime.</summary>
    Permanent = 0x80,
}

/// <summary>An address of a link, as RTM_NEWADDR describes it.</summary>
/// <param name="LinkIndex">The link's index.</param>
/// <param name="Address">The address: IFA_LOCAL if present, because IFA_ADDRESS is then the peer; otherwise IFA_ADDRESS.</param>
/// <param name="PrefixLength">The prefix length in bits.</param>
/// <param name="Flags">IFA_FLAGS.</param>
public sealed record LinkAddress(int LinkIndex, IPAddress Address, int PrefixLength, AddressFlags Flags = AddressFlags.None)
{
    internal static LinkAddress Read(Message message)
    {
        AttributeReader attributes = message.Attributes(AddressHeaderLength);
        IPAddress? address = null;
        IPAddress? local = null;
        uint flags = message.Payload[2];
        while (attributes.Next(out Wire.Attribute attribute))
        {
            switch (attribute.Type)
            {
                case IFA_ADDRESS: address = attribute.Address(); break;
                case IFA_LOCAL: local = attribute.Address(); break;
                case IFA_FLAGS: flags = attribute.UInt32(); break;
                default: break;
            }
        }

        return new LinkAddress(
            MemoryMarshal.Read<int>(message.Payload[4..]),
            local ?? address ?? throw Malformed.Message("an address message without an address"),
            message.Payload[1],
            (AddressFlags)flags);
    }

    internal void WriteTo(MessageWriter writer)
    {
        writer.Byte(KernelFamily.Of(Address));
        writer.Byte((byte)PrefixLength);
        writer.Byte((byte)Flags);
        writer.Byte(0);
        writer.Int32(LinkIndex);
        writer.AttributeAddress(IFA_LOCAL, Address);
        writer.AttributeAddress(IFA_ADDRESS, Address);
    }
}

/// <summary>Linux address family numbers; .NET has another number for IPv6.</summary>
internal static class KernelFamily
{
    public const byte AF_UNSPEC = 0;
    public const byte AF_INET = 2;
    public const byte AF_INET6 = 10;

    public static byte Of(IPAddress address) => Of(address.AddressFamily);

    public static byte Of(AddressFamily family) => family switch
    {
        AddressFamily.InterNetwork => AF_INET,
        AddressFamily.InterNetworkV6 => AF_INET6,
        _ => throw new ArgumentOutOfRangeException(nameof(family), family, "neither IPv4 nor IPv6"),
    };

    public static AddressFamily From(byte family) => family switch
    {
        AF_INET => AddressFamily.InterNetwork,
        AF_INET6 => AddressFamily.InterNetworkV6,
        _ => throw Malformed.Message($"address family {family}"),
    };
}
