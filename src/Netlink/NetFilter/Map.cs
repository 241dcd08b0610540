using System.Collections.Immutable;
using Netlink.Wire;
using static Netlink.NetFilter.NftablesConstants;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink.NetFilter;

/// <summary>A map from a (concatenated) key to (concatenated) data, or a set, with a counter for each element.</summary>
/// <param name="Name">The name in the table.</param>
/// <param name="Key">The fields of the key.</param>
/// <param name="Data">The fields of the data; empty for a set.</param>
/// <param name="IsInterval">
/// Whether keys are ranges (<c>flags interval</c>; Linux 5.6 for concatenated keys). Ranges must not overlap; those of one field must
/// be in network byte order.
/// </param>
/// <param name="Elements">The elements, in any order.</param>
public sealed record Map(
    string Name, ImmutableArray<SetDataType> Key, ImmutableArray<SetDataType> Data, bool IsInterval, ImmutableArray<MapElement> Elements)
{
    /// <summary>
    /// Whether rules add elements, by <see cref="DynsetExpression"/>; then <see cref="Elements"/> are the initial ones.
    /// </summary>
    public bool IsDynamic { get; init; }

    /// <summary>
    /// Whether an observed map has properties that this library never writes: constant elements, elements with timeouts, or
    /// elements whose expression is not a counter.
    /// </summary>
    public bool IsForeign { get; init; }

    /// <summary>
    /// Maximum number of elements. 0: in a new map, the number of its elements; in an observed map, no limit. A new interval map has no
    /// limit.
    /// </summary>
    public int Size { get; init; }

    /// <summary>
    /// Whether adding and deleting elements can turn an observed map into this one. Only a dynamic map needs room for more
    /// elements than are written. An element without a key is a catch-all, which this library does not write.
    /// </summary>
    internal bool CanBeMadeFrom(Map observed) => ReferenceEquals(this, observed)
        || (HasDefinitionOf(observed)
        && (observed.Size == 0 || observed.Size >= (IsDynamic ? Size : Elements.Length))
        && observed.Elements.Length - Elements.Length <= MaxDeletions
        && observed.Elements.All(element => element.Key.Length > 0));

    /// <summary>Whether the kernel keeps each interval as two elements (<see cref="Intervals"/>).</summary>
    private bool HasIntervalsOfOneField => IsInterval && Key.Length == 1;

    private bool HasConcatenatedIntervals => IsInterval && Key.Length > 1;

    /// <summary>Deleting one element takes a fraction of a millisecond, and deleting the whole map takes no longer.</summary>
    private const int MaxDeletions = 1_000;

    /// <summary>Maximum number of elements per message: an attribute is limited to 64 KiB.</summary>
    internal const int ElementsInMessage = 500;

    /// <summary>
    /// Maps are equal if they have the same definition and the same elements in any order; of dynamic maps the elements do
    /// not count.
    /// </summary>
    public bool Equals(Map? other) =>
        other is not null && HasDefinitionOf(other) && (IsDynamic || new HashSet<MapElement>(Elements).SetEquals(other.Elements));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, IsDynamic ? 0 : Elements.Length);

    /// <summary>Whether name, types and flags are equal, regardless of the elements.</summary>
    public bool HasDefinitionOf(Map other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Name == other.Name && Key.SequenceEqual(other.Key) && Data.SequenceEqual(other.Data) && IsInterval == other.IsInterval
            && IsDynamic == other.IsDynamic
            && IsForeign == other.IsForeign;
    }

    internal void WriteTo(MessageWriter writer, string table, uint id)
    {
        writer.AttributeString(NFTA_SET_TABLE, table);
        writer.AttributeString(NFTA_SET_NAME, Name);
        // The kernel requires NFT_SET_CONCAT for concatenated intervals; nft omits it for other maps.
        writer.AttributeUInt32BigEndian(
            NFTA_SET_FLAGS,
            (Data.IsEmpty ? 0 : NFT_SET_MAP) | (IsInterval ? NFT_SET_INTERVAL : 0) | (HasConcatenatedIntervals ? NFT_SET_CONCAT : 0)
                | (IsDynamic ? NFT_SET_EVAL : 0));
        writer.AttributeUInt32BigEndian(NFTA_SET_KEY_TYPE, SetDataType.TypeOf(Key));
        writer.AttributeUInt32BigEndian(NFTA_SET_KEY_LEN, SetDataType.LengthOf(Key));
        if (!Data.IsEmpty)
        {
            writer.AttributeUInt32BigEndian(NFTA_SET_DATA_TYPE, SetDataType.TypeOf(Data));
            writer.AttributeUInt32BigEndian(NFTA_SET_DATA_LEN, SetDataType.LengthOf(Data));
        }

        writer.AttributeUInt32BigEndian(NFTA_SET_ID, id);
        WriteDescription(writer);
        int counter = writer.BeginNested(NFTA_SET_EXPR | NLA_F_NESTED);
        writer.AttributeString(NFTA_EXPR_NAME, "counter");
        writer.EndNested(writer.BeginNested(NFTA_EXPR_DATA | NLA_F_NESTED));
        writer.EndNested(counter);
    }

    /// <summary>Writes elements into a message.</summary>
    /// <param name="writer">The message.</param>
    /// <param name="table">The map's table.</param>
    /// <param name="id">The ID of the map in the batch that creates it; null if the map exists.</param>
    /// <param name="elements">The elements; elements to delete have keys only.</param>
    internal void WriteElements(MessageWriter writer, string table, uint? id, ReadOnlySpan<MapElement> elements)
    {
        writer.AttributeString(NFTA_SET_ELEM_LIST_TABLE, table);
        writer.AttributeString(NFTA_SET_ELEM_LIST_SET, Name);
        if (id is uint number)
        {
            writer.AttributeUInt32BigEndian(NFTA_SET_ELEM_LIST_SET_ID, number);
        }

        int list = writer.BeginNested(NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED);
        foreach (ref readonly MapElement element in elements)
        {
            int entry = writer.BeginNested(NFTA_LIST_ELEM | NLA_F_NESTED);
            writer.Value(NFTA_SET_ELEM_KEY, element.Key.Span);
            if (HasConcatenatedIntervals)
            {
                writer.Value(NFTA_SET_ELEM_KEY_END, element.KeyEnd.Span);
            }

            if (element.Data.Length > 0)
            {
                writer.Value(NFTA_SET_ELEM_DATA, element.Data.Span);
            }

            if (element.Decision is Decision decision)
            {
                writer.Decision(NFTA_SET_ELEM_DATA, decision);
            }

            if (element.Counted != default)
            {
                new CounterExpression { Counted = element.Counted }.WriteTo(writer, NFTA_SET_ELEM_EXPR);
            }

            writer.EndNested(entry);
            if (HasIntervalsOfOneField && Intervals.After(element.KeyEnd) is Bytes end)
            {
                int after = writer.BeginNested(NFTA_LIST_ELEM | NLA_F_NESTED);
                writer.AttributeUInt32BigEndian(NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
                writer.Value(NFTA_SET_ELEM_KEY, end.Span);
                writer.EndNested(after);
            }
        }

        writer.EndNested(list);
    }

    /// <summary>Reads the map without its elements, and the name of its table; null for an anonymous set.</summary>
    internal static (string Table, Map Map)? Read(Message message)
    {
        ExpressionFields fields = ExpressionFields.Of(message);
        uint flags = fields.Number(NFTA_SET_FLAGS) ?? 0;
        return (flags & NFT_SET_ANONYMOUS) == 0
            && fields.Text(NFTA_SET_TABLE) is string table
            && fields.Text(NFTA_SET_NAME) is string name
            && fields.Number(NFTA_SET_KEY_TYPE) is uint key
                ? (table, new Map(
                    name, SetDataType.FieldsOf(key), SetDataType.FieldsOf(fields.Number(NFTA_SET_DATA_TYPE) ?? 0),
                    (flags & NFT_SET_INTERVAL) != 0, [])
                {
                    IsDynamic = (flags & NFT_SET_EVAL) != 0,
                    IsForeign = (flags & ~(NFT_SET_MAP | NFT_SET_INTERVAL | NFT_SET_CONCAT | NFT_SET_EVAL | NFT_SET_EXPR)) != 0
                        || !fields.Nested(NFTA_SET_EXPR, out ExpressionFields counter) || counter.Text(NFTA_EXPR_NAME) != "counter",
                    Size = fields.Nested(NFTA_SET_DESC, out ExpressionFields description)
                        ? (int)Math.Min(description.Number(NFTA_SET_DESC_SIZE) ?? 0, int.MaxValue)
                        : 0,
                })
                : null;
    }

    /// <summary>The map's elements, from those that the kernel lists.</summary>
    internal ImmutableArray<MapElement> ElementsOf(List<MapElement> listed) => HasIntervalsOfOneField ? Intervals.Of(listed)
        // A dynamic set can be resized during the dump; then an element can appear twice (rhashtable_walk_start).
        : IsDynamic ? [.. listed.Distinct()]
        : [.. listed];

    internal static void ReadElements(Message message, List<MapElement> found)
    {
        AttributeReader attributes = message.Attributes(NfHeaderLength);
        while (attributes.Next(out Wire.Attribute attribute))
        {
            if (attribute.Type != NFTA_SET_ELEM_LIST_ELEMENTS)
            {
                continue;
            }

            AttributeReader list = attribute.Nested();
            while (list.Next(out Wire.Attribute entry))
            {
                var element = new ExpressionFields(entry.Value);
                found.Add(new MapElement(
                    element.Value(NFTA_SET_ELEM_KEY) ?? default,
                    element.Value(NFTA_SET_ELEM_KEY_END) ?? default,
                    element.Value(NFTA_SET_ELEM_DATA) ?? default)
                {
                    IsEnd = ((element.Number(NFTA_SET_ELEM_FLAGS) ?? 0) & NFT_SET_ELEM_INTERVAL_END) != 0,
                    Decision = element.Decision(NFTA_SET_ELEM_DATA),
                    Counted = element.Nested(NFTA_SET_ELEM_EXPR, out ExpressionFields counter)
                        && counter.Nested(NFTA_EXPR_DATA, out ExpressionFields data)
                        ? CounterExpression.Read(data).Counted : default,
                });
            }
        }
    }

    /// <summary>
    /// Writes the field lengths of concatenated intervals, or the size of a map without intervals. With a size the kernel uses a fixed
    /// hash table; without one the table is resized in the background, and a dump meanwhile silently misses elements.
    /// </summary>
    private void WriteDescription(MessageWriter writer)
    {
        int size = Size > 0 ? Size : Elements.Length;
        if (HasIntervalsOfOneField || (!IsInterval && size == 0))
        {
            return;
        }

        int description = writer.BeginNested(NFTA_SET_DESC | NLA_F_NESTED);
        if (IsInterval)
        {
            int concatenation = writer.BeginNested(NFTA_SET_DESC_CONCAT | NLA_F_NESTED);
            foreach (SetDataType field in Key)
            {
                int element = writer.BeginNested(NFTA_LIST_ELEM | NLA_F_NESTED);
                writer.AttributeUInt32BigEndian(NFTA_SET_FIELD_LEN, field.Length);
                writer.EndNested(element);
            }

            writer.EndNested(concatenation);
        }
        else
        {
            writer.AttributeUInt32BigEndian(NFTA_SET_DESC_SIZE, (uint)size);
        }

        writer.EndNested(description);
    }
}
