using System.Collections.Immutable;

namespace Netlink.NetFilter;

/// <summary>The type of one field of a map's key or data, with nft's type number (its "datatype.h").</summary>
/// <param name="Number">nft's type number: six bits.</param>
/// <param name="Length">The length in bytes.</param>
public readonly record struct SetDataType(uint Number, uint Length)
{
    private const int FieldTypeBits = 6;

    /// <summary><c>ipv4_addr</c>.</summary>
    public static SetDataType IPv4Address => new(7, 4);

    /// <summary><c>ipv6_addr</c>.</summary>
    public static SetDataType IPv6Address => new(8, 16);

    /// <summary><c>inet_proto</c>: the number of a transport protocol.</summary>
    public static SetDataType TransportProtocol => new(12, 1);

    /// <summary><c>inet_service</c>: a port.</summary>
    public static SetDataType Port => new(13, 2);

    /// <summary><c>mark</c>: the mark of a packet or a connection, in host byte order.</summary>
    public static SetDataType Mark => new(19, 4);

    /// <summary><c>verdict</c>: the only field of a map's data (NFT_DATA_VERDICT); the kernel knows its length.</summary>
    public static SetDataType Verdict => new(0xffffff00, 0);

    /// <summary>The length in a concatenation, in which every field starts at a multiple of four bytes.</summary>
    public uint PaddedLength => (Length + 3) & ~3u;

    /// <summary>nft's type number of a concatenation: the type numbers of its fields, six bits each.</summary>
    internal static uint TypeOf(ImmutableArray<SetDataType> fields) =>
        fields.Aggregate(0u, (type, field) => (type << FieldTypeBits) | field.Number);

    internal static uint LengthOf(ImmutableArray<SetDataType> fields) =>
        fields.Length == 1 ? fields[0].Length : (uint)fields.Sum(field => field.PaddedLength);

    internal static ImmutableArray<SetDataType> FieldsOf(uint type)
    {
        if (type == Verdict.Number)
        {
            return [Verdict];
        }

        var fields = new Stack<SetDataType>();
        for (; type != 0; type >>= FieldTypeBits)
        {
            uint number = type & ((1 << FieldTypeBits) - 1);
            fields.Push(number switch
            {
                7 => IPv4Address,
                8 => IPv6Address,
                12 => TransportProtocol,
                13 => Port,
                19 => Mark,
                _ => new SetDataType(number, 0),
            });
        }

        return [.. fields];
    }
}
