using System.Collections.Immutable;
using System.Net;

namespace EgressRouter.Config;

/// <summary>
/// The addresses that a runtime asks for, which take the place of all that are written in the configuration. The
/// configuration says which are allowed: those of its own list, and what lies in <c>ip.allowedAddresses</c>.
/// </summary>
internal static class AskedAddresses
{
    /// <summary>The addresses; null when any is faulty or not allowed.</summary>
    public static ImmutableArray<EgressAddress>? Choose(
        ImmutableArray<AskedText> asked, ImmutableArray<EgressAddress> written, ImmutableArray<AllowedSubnet> allowed, JsonPath section, FaultList faults)
    {
        ImmutableArray<EgressAddress>.Builder chosen = ImmutableArray.CreateBuilder<EgressAddress>(asked.Length);
        Dictionary<IPAddress, EgressAddress> own = written.ToDictionary(address => address.Address);
        var seen = new HashSet<IPAddress>();
        foreach (AskedText wish in asked)
        {
            if (!AddressText.TryParsePrefix(wish.Text, out IPAddress? address, out int? length, out string? reason)
                || (reason = AddressesReader.WhyNot(address, length)) is not null
                || (reason = WhyNot(address, length, own, allowed, section)) is not null)
            {
                faults.Fault(wish.Path, wish.Text, reason);
            }
            else if (!seen.Add(address))
            {
                faults.Fault(wish.Path, wish.Text, "is requested twice");
            }
            else
            {
                // One that is written is as good as an allowed subnet of the length that it is written with, or of its own.
                int? least = own.TryGetValue(address, out EgressAddress one) ? one.PrefixLength ?? address.AddressFamily.AddressBits() : AllowedSubnet.ShortestOf(allowed, address);
                chosen.Add(new EgressAddress(address, length ?? one.PrefixLength, least));
            }
        }

        return chosen.Count == asked.Length ? chosen.MoveToImmutable() : null;
    }

    private static string? WhyNot(
        IPAddress address, int? length, Dictionary<IPAddress, EgressAddress> written, ImmutableArray<AllowedSubnet> allowed, JsonPath section)
    {
        if (written.TryGetValue(address, out EgressAddress other))
        {
            return length is null || other.PrefixLength is null || length == other.PrefixLength
                ? null
                : $"prefix length must be {other.PrefixLength}, as in {section}.addresses";
        }

        return allowed.Any(subnet => subnet.Contains(address))
            ? null
            : $"is not in {(written.Count == 0 ? "" : $"{section}.addresses or ")}{section}.{AllowedReader.Key}";
    }
}
