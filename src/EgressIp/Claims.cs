using System.Collections.Immutable;
using System.Net;

namespace EgressIp;

/// <summary>Which addresses may have a node: those that a host can have, that are free, and that no other object has.</summary>
internal static class Claims
{
    /// <summary>Refuses all others. Objects are in order of age.</summary>
    public static void Check(ImmutableArray<WantingObject> objects, Topology topology)
    {
        var claims = new Dictionary<IPAddress, List<WantedAddress>>();
        foreach (WantedAddress wanted in objects.SelectMany(owner => owner.Addresses))
        {
            if (wanted.Refusal is null && wanted.Address is IPAddress address)
            {
                CheckAlone(wanted, address, topology);
                if (wanted.Refusal is null)
                {
                    (claims.TryGetValue(address, out List<WantedAddress>? list) ? list : claims[address] = []).Add(wanted);
                }
            }
        }

        foreach (List<WantedAddress> rivals in claims.Values.Where(list => list.Count > 1))
        {
            // Who has the address keeps it. Else, and of two that have it, the oldest wins.
            WantedAddress winner = rivals.Find(rival => rival.Home != WantedAddress.None) ?? rivals[0];
            foreach (WantedAddress loser in rivals.Where(rival => rival != winner))
            {
                loser.Refuse(UnassignedReason.UnsupportedRequest, $"EgressIP {winner.Owner.Source.Name} has it");
            }
        }
    }

    private static void CheckAlone(WantedAddress wanted, IPAddress address, Topology topology)
    {
        if (topology.WhoseIs(address) is string owner)
        {
            wanted.Refuse(UnassignedReason.EgressIPConflict, $"it is {owner}");
            return;
        }

        wanted.Coverage = topology.CoverageOf(address);
        foreach (IPNetwork network in wanted.Coverage.Cidrs)
        {
            wanted.Refuse(UnassignedReason.InvalidEgressIP, WhyNotHost(address, network));
        }

        wanted.HadBy = [.. wanted.Owner.Source.Items.Where(item => address.Equals(Cni.StrictAddress.Parse(item.EgressIP)))
            .Select(item => item.Node).Distinct().Order(StringComparer.Ordinal)];
        wanted.Home = topology.TakersOf(address, wanted.HadBy).Concat(wanted.HadBy).Select(topology.IndexOf).OfType<int>()
            .Where(node => wanted.Coverage.Candidates.Contains(node) && wanted.Owner.Addresses.All(other => other.Home != node))
            .FirstOrDefault(WantedAddress.None);
        if (wanted.Home == WantedAddress.None)
        {
            wanted.Refuse(UnassignedReason.InvalidSelector, wanted.Owner.SelectorFault);
        }
    }

    /// <summary>
    /// The first address of a network stands for the network (IPv4) or for any of its routers (RFC 4291), the last is for broadcasts
    /// (IPv4) or reserved (RFC 2526). Networks of two addresses have no such ends (RFC 3021, RFC 6164).
    /// </summary>
    private static string? WhyNotHost(IPAddress address, IPNetwork network)
    {
        byte[] first = network.BaseAddress.GetAddressBytes();
        byte[] last = [.. first];
        int width = first.Length * 8;
        for (int bit = network.PrefixLength; bit < width; bit++)
        {
            last[bit / 8] |= (byte)(0x80 >> (bit % 8));
        }

        byte[] bytes = address.GetAddressBytes();
        return width - network.PrefixLength < 2 ? null
            : bytes.AsSpan().SequenceEqual(first) ? $"it is the first address of {network}"
            : bytes.AsSpan().SequenceEqual(last) ? $"it is the last address of {network}"
            : null;
    }
}
