using System.Collections.Immutable;
using System.Net;
using EgressRouter.State.Nftables;
using Netlink.NetFilter;

namespace EgressRouter.State;

/// <summary>The egress addresses of an attachment with high availability. Without it, there are none.</summary>
/// <param name="Held">Those that the pod has now.</param>
/// <param name="Standby">Those that another pod may have.</param>
/// <param name="Dropped">What was dropped because the pod had no such address.</param>
public sealed record SharedAddresses(ImmutableArray<IPAddress> Held, ImmutableArray<IPAddress> Standby, Counted Dropped)
{
    /// <summary>No high availability.</summary>
    public static SharedAddresses None { get; } = new([], [], default);

    /// <summary>Whether there are any.</summary>
    public bool Any => Held.Length + Standby.Length > 0;

    /// <summary>The addresses of an observed attachment.</summary>
    public static SharedAddresses Of(NetworkState observed)
    {
        ArgumentNullException.ThrowIfNull(observed);
        if (observed.Table is not Table table)
        {
            return None;
        }

        ILookup<bool, IPAddress> all = NftTableReader.SharedAddresses(table).ToLookup(observed.Has);
        return new SharedAddresses(
            [.. all[true]], [.. all[false]],
            table.Counters.FirstOrDefault(counter => counter.Name == NftRuleset.StandbyCounter)?.Counted ?? default);
    }

    /// <summary><c>holds 192.168.12.98; standby for 192.168.12.99</c>.</summary>
    public override string ToString() => string.Join("; ", new[] { ("holds", Held), ("standby for", Standby) }
        .Where(part => !part.Item2.IsEmpty)
        .Select(part => $"{part.Item1} {string.Join(", ", ShortList.Short([.. part.Item2.Select(address => address.ToString())]))}"));
}
