using System.Net;
using Netlink.NetFilter;
using Netlink.Wire;

namespace EgressDataPath.Desired;

/// <summary>
/// Gives numbers to names, and the same name always the same number. A freed number is the last to be used again, because connections and
/// packets may still have it.
/// </summary>
/// <param name="most">The highest number; the lowest is 1.</param>
/// <param name="use">What the numbers are for, and how there can be more.</param>
public sealed class Numbering(int most, string use)
{
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);

    private readonly HashSet<int> _used = [];

    private int _last;

    /// <summary>The name with its number.</summary>
    public IReadOnlyDictionary<string, int> Numbers => _numbers;

    /// <summary>The number of a name.</summary>
    /// <exception cref="NumbersExhaustedException">All numbers are in use.</exception>
    public int Of(string name)
    {
        if (_numbers.TryGetValue(name, out int known))
        {
            return known;
        }

        if (_used.Count >= most)
        {
            throw new NumbersExhaustedException(most, use);
        }

        do
        {
            _last = (_last % most) + 1;
        }
        while (!_used.Add(_last));

        return _numbers[name] = _last;
    }

    /// <summary>Takes over a number from the kernel, unless it or the name has one already.</summary>
    public void Take(string name, int number)
    {
        if (number >= 1 && number <= most && !_numbers.ContainsKey(name) && _used.Add(number))
        {
            _numbers.Add(name, number);
            _last = Math.Max(_last, number);
        }
    }

    /// <summary>Frees the numbers of all other names, and returns them.</summary>
    public IReadOnlyList<int> Keep(IReadOnlySet<string> names)
    {
        var freed = new List<int>();
        foreach ((string name, int number) in _numbers.Where(pair => !names.Contains(pair.Key)).ToArray())
        {
            _numbers.Remove(name);
            _used.Remove(number);
            freed.Add(number);
        }

        return freed;
    }
}

/// <summary>There are more egress addresses or egress nodes than the masks have numbers.</summary>
public sealed class NumbersExhaustedException(int most, string use) : Exception($"more than {most} {use}");

/// <summary>The numbers of a node: slots of egress addresses, in connections' marks, and next hops, in packets' marks.</summary>
public sealed class NodeNumbers(Settings settings)
{
    /// <summary>By the text of the egress address.</summary>
    public Numbering Slots { get; } = new(settings.OpenSlot - 1, "egress addresses with pods on this node: widen --connection-mark-mask");

    /// <summary>By the name of the chain: <c>to_192.0.2.11</c> or <c>by_eth1</c>.</summary>
    public Numbering Hops { get; } = new(settings.AnswerHop - 1, settings.AnswerHop + 1 < Settings.MostHops
        ? "egress nodes that pods of this node use: widen --mark-mask" : "egress nodes that pods of this node use");

    /// <summary>Takes over the numbers of a table that is in the kernel: connections have them.</summary>
    public void Take(Table table)
    {
        ArgumentNullException.ThrowIfNull(table);
        foreach (Rule rule in table.Rules)
        {
            foreach (BitwiseExpression set in rule.Expressions.OfType<BitwiseExpression>().Where(set => set.Xor != NftNumber.Zero))
            {
                if (EgressTable.AddressOf(rule.Chain) is IPAddress address)
                {
                    Slots.Take(address.ToString(), settings.SlotOf(NftNumber.Of(set.Xor)));
                }
                else if (EgressTable.IsHop(rule.Chain))
                {
                    Hops.Take(rule.Chain, (int)(NftNumber.Of(set.Xor) / settings.PacketMark(1)));
                }
            }
        }
    }

    /// <summary>The slot of an egress address.</summary>
    public int SlotOf(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return Slots.Of(address.ToString());
    }
}

/// <summary>Numbers in registers: four bytes in host byte order.</summary>
internal static class NftNumber
{
    public static Bytes Zero { get; } = new([0, 0, 0, 0]);

    public static uint Of(Bytes register) => register.Length == 4 ? BitConverter.ToUInt32(register.Span) : 0;
}
