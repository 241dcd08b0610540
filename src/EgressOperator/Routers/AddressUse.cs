using System.Collections.Immutable;
using System.Net;

namespace EgressOperator.Routers;

/// <summary>
/// Which EgressRouter uses which address. An address has one user: the EgressRouter whose attachment has it already, else the oldest
/// one that asks for it.
/// </summary>
internal sealed class AddressUse
{
    private readonly Lock _lock = new();

    private readonly Dictionary<string, Claim> _claims = [];

    private readonly Dictionary<IPAddress, HashSet<string>> _claimants = [];

    /// <summary>Told with the key of an EgressRouter for which another one may have made an address free, or taken it.</summary>
    public event Action<string>? Affected;

    /// <summary>An EgressRouter asks for addresses.</summary>
    /// <param name="key">Its namespace and name.</param>
    public void Want(string key, DateTimeOffset created, IEnumerable<IPAddress> addresses) =>
        Change(key, claim => claim with { Created = created, Wanted = [.. addresses] });

    /// <summary>The attachment of an EgressRouter has these addresses; none if there is no attachment.</summary>
    public void Has(string key, IEnumerable<IPAddress> addresses) => Change(key, claim => claim with { Attached = [.. addresses] });

    /// <summary>The EgressRouter is gone; its attachment may still be there.</summary>
    public void Gone(string key) => Change(key, claim => claim with { Wanted = [], Taken = [] });

    /// <summary>Takes what an EgressRouter wants, if nobody else uses any of it.</summary>
    /// <returns>An address that another one uses, and that one's key; null if all are taken.</returns>
    public (IPAddress Address, string User)? Take(string key)
    {
        (IPAddress, string)? rival = null;
        Change(key, claim =>
        {
            foreach (IPAddress address in claim.Wanted)
            {
                if (UserOf(address) is string user && user != key)
                {
                    rival ??= (address, user);
                }
            }

            return rival is null ? claim with { Taken = claim.Wanted } : claim;
        });
        return rival;
    }

    private string? UserOf(IPAddress address) => _claimants.GetValueOrDefault(address)?
        .OrderByDescending(key => _claims[key].Holds(address)).ThenBy(key => _claims[key].Created)
        .ThenBy(key => key, StringComparer.Ordinal).FirstOrDefault();

    private void Change(string key, Func<Claim, Claim> change)
    {
        string[] affected;
        lock (_lock)
        {
            Claim before = _claims.GetValueOrDefault(key, Claim.None);
            Claim after = change(before);
            _claims[key] = after;
            foreach (IPAddress address in after.All.Except(before.All))
            {
                (_claimants.TryGetValue(address, out HashSet<string>? keys) ? keys : _claimants[address] = []).Add(key);
            }

            affected = [.. before.All.Union(after.All).Where(address => before.Holds(address) != after.Holds(address)
                    || before.All.Contains(address) != after.All.Contains(address))
                .SelectMany(address => _claimants[address]).Where(other => other != key).Distinct()];
            foreach (IPAddress address in before.All.Except(after.All))
            {
                _claimants[address].Remove(key);
                if (_claimants[address].Count == 0)
                {
                    _claimants.Remove(address);
                }
            }

            if (after.All.IsEmpty)
            {
                _claims.Remove(key);
            }
        }

        foreach (string other in affected)
        {
            Affected?.Invoke(other);
        }
    }

    /// <param name="Taken">Those with which this process writes the attachment.</param>
    /// <param name="Attached">Those that the attachment in the API has.</param>
    private sealed record Claim(
        DateTimeOffset Created, ImmutableHashSet<IPAddress> Wanted, ImmutableHashSet<IPAddress> Taken, ImmutableHashSet<IPAddress> Attached)
    {
        public static Claim None { get; } = new(DateTimeOffset.MaxValue, [], [], []);

        public ImmutableHashSet<IPAddress> All => Wanted.Union(Taken).Union(Attached);

        public bool Holds(IPAddress address) => Taken.Contains(address) || Attached.Contains(address);
    }
}
