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

    /// <summary>The kernel adds no route to the network of the address.</summary>
    NoPrefixRoute = 0x200,
}

/// <summary>
/// The remaining time of an address in seconds (IFA_CACHEINFO, struct ifa_cacheinfo). The kernel deletes the address at its end.
/// </summary>
/// <param name="Preferred">How long new connections may use the address.</param>
/// <param name="Valid">How long the link has the address; not 0, and at least <paramref name="Preferred"/>.</param>
public readonly record struct AddressLifetime(uint Preferred, uint Valid)
{
    /// <summary>INFINITY_LIFE_TIME.</summary>
    public const uint Infinite = uint.MaxValue;

    /// <summary>sizeof(struct ifa_cacheinfo): both lifetimes, and the times of creation and of the last change.</summary>
    private const int Length = 16;

    internal static AddressLifetime? Read(ReadOnlySpan<byte> information)
    {
        AddressLifetime lifetime = information.Length == Length
            ? new AddressLifetime(MemoryMarshal.Read<uint>(information), MemoryMarshal.Read<uint>(information[4..]))
            : throw Malformed.Message($"address lifetimes of {information.Length} bytes, {Length} expected");
        return lifetime == new AddressLifetime(Infinite, Infinite) ? null : lifetime;
    }

    internal void WriteTo(MessageWriter writer)
    {
        Span<byte> information = stackalloc byte[Length];
        information.Clear();
        MemoryMarshal.Write(information, Preferred);
        MemoryMarshal.Write(information[4..], Valid);
        writer.Attribute(IFA_CACHEINFO, information);
    }
}

/// <summary>An address of a link, as RTM_NEWADDR describes it.</summary>
/// <param name="LinkIndex">The link's index.</param>
/// <param name="Address">The address: IFA_LOCAL if present, because IFA_ADDRESS is then the peer; otherwise IFA_ADDRESS.</param>
/// <param name="PrefixLength">The prefix length in bits.</param>
/// <param name="Flags">IFA_FLAGS.</param>
public sealed record LinkAddress(int LinkIndex, IPAddress Address, int PrefixLength, AddressFlags Flags = AddressFlags.None)
{
    /// <summary>
    /// IFA_PROTO: which program added the address (IFAPROT_*, linux/if_addr.h): 0 if it is unknown, 1 to 3 for the kernel, any other
    /// number for a program. Linux before 5.18 ignores it.
    /// </summary>
    public byte Origin { get; init; }

    /// <summary>The scope of an IPv4 address that is added: the kernel chooses it as a source only within that scope.</summary>
    public RouteScope Scope { get; init; }

    /// <summary>IFA_CACHEINFO; null for an address that stays.</summary>
    public AddressLifetime? Lifetime { get; init; }

    internal static LinkAddress Read(Message message)
    {
        AttributeReader attributes = message.Attributes(AddressHeaderLength);
        IPAddress? address = null;
        IPAddress? local = null;
        uint flags = message.Payload[2];
        byte origin = 0;
        AddressLifetime? lifetime = null;
        while (attributes.Next(out Wire.Attribute attribute))
        {
            switch (attribute.Type)
            {
                case IFA_ADDRESS: address = attribute.Address(); break;
                case IFA_LOCAL: local = attribute.Address(); break;
                case IFA_FLAGS: flags = attribute.UInt32(); break;
                case IFA_PROTO: origin = attribute.Byte(); break;
                case IFA_CACHEINFO: lifetime = AddressLifetime.Read(attribute.Value); break;
                default: break;
            }
        }

        return new LinkAddress(
            MemoryMarshal.Read<int>(message.Payload[4..]),
            local ?? address ?? throw Malformed.Message("an address message without an address"),
            message.Payload[1],
            (AddressFlags)flags)
        {
            Origin = origin,
            Scope = (RouteScope)message.Payload[3],
            Lifetime = lifetime,
        };
    }

    internal void WriteTo(MessageWriter writer)
    {
        writer.Byte(KernelFamily.Of(Address));
        writer.Byte((byte)PrefixLength);
        writer.Byte((uint)Flags > byte.MaxValue ? (byte)0 : (byte)Flags);
        writer.Byte((byte)Scope);
        writer.Int32(LinkIndex);
        writer.AttributeAddress(IFA_LOCAL, Address);
        // The header field holds flags up to 0x80; larger ones need IFA_FLAGS.
        if ((uint)Flags > byte.MaxValue)
        {
            writer.AttributeUInt32(IFA_FLAGS, (uint)Flags);
        }

        if (Origin != 0)
        {
            writer.AttributeByte(IFA_PROTO, Origin);
        }

        writer.AttributeAddress(IFA_ADDRESS, Address);
        Lifetime?.WriteTo(writer);
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
