using System.Collections.Immutable;
using Netlink.Wire;
using static Netlink.NetFilter.NftablesConstants;

namespace Netlink.NetFilter;

/// <summary>
/// Intervals of keys with one field. The kernel keeps each as two elements: its first key, and the key after its last one
/// (<see cref="NFT_SET_ELEM_INTERVAL_END"/>), which is absent if there is no such key.
/// </summary>
internal static class Intervals
{
    /// <summary>The next key; null after the last one.</summary>
    public static Bytes? After(Bytes key)
    {
        byte[] next = key.Span.ToArray();
        for (int i = next.Length - 1; i >= 0; i--)
        {
            if (++next[i] != 0)
            {
                return new Bytes(next);
            }
        }

        // Without a key the kernel refuses the element; without an element the interval would have no end.
        return key.Length == 0 ? key : null;
    }

    /// <summary>The intervals of the kernel's elements, in order.</summary>
    public static ImmutableArray<MapElement> Of(List<MapElement> elements)
    {
        // At the same key one interval ends and another begins.
        elements.Sort((left, right) => left.Key.Span.SequenceCompareTo(right.Key.Span) is int order and not 0
            ? order
            : right.IsEnd.CompareTo(left.IsEnd));
        return [.. elements.Select((element, index) => element with
        {
            KeyEnd = index + 1 < elements.Count ? Before(elements[index + 1].Key) : Last(element.Key.Length),
        }).Where(element => !element.IsEnd)];
    }

    private static Bytes Before(Bytes key)
    {
        byte[] previous = key.Span.ToArray();
        for (int i = previous.Length - 1; i >= 0 && previous[i]-- == 0; i--)
        {
        }

        return new Bytes(previous);
    }

    private static Bytes Last(int length) => new([.. Enumerable.Repeat(byte.MaxValue, length)]);
}
