using System.Collections.Immutable;
using Cni;
using EgressIp;

namespace EgressOperator.Controller;

/// <summary>
/// Which EgressIP has which address: by its status in the API, or by a write whose outcome is not known yet. No address is given to an
/// EgressIP before the status of the one that had it has let it go, so that no two statuses ever name one address.
/// </summary>
internal sealed class AddressClaims
{
    private readonly Lock _lock = new();

    private readonly Dictionary<string, Claim> _claims = [];

    private readonly Dictionary<string, HashSet<string>> _holders = [];

    private readonly HashSet<string> _waiting = [];

    /// <summary>Told with the name of an EgressIP that should ask again.</summary>
    public event Action<string>? Freed;

    /// <summary>What the status of an EgressIP names, as the API has it.</summary>
    public void Saw(string name, IEnumerable<StatusItem> items) => Set(name, claim => claim with { Seen = Addresses(items) });

    /// <summary>The EgressIP is gone.</summary>
    public void Gone(string name) => Set(name, _ => Claim.None);

    /// <summary>Claims addresses for an EgressIP, before its status is written.</summary>
    /// <returns>Those that no other one has.</returns>
    public ImmutableArray<AssignedAddress> Take(string name, ImmutableArray<AssignedAddress> wanted)
    {
        lock (_lock)
        {
            ImmutableArray<AssignedAddress> free = [.. wanted.Where(
                address => !_holders.TryGetValue(address.EgressIP, out HashSet<string>? names) || names.All(other => other == name))];
            if (free.Length < wanted.Length)
            {
                _waiting.Add(name);
            }

            Set(name, claim => claim with { Written = claim.Written.Union(free.Select(address => address.EgressIP)) });
            return free;
        }
    }

    /// <summary>The outcome of the last write is known: this is the status now.</summary>
    public void Settle(string name, IEnumerable<StatusItem> items) => Set(name, _ => new Claim(Addresses(items), []));

    private static ImmutableHashSet<string> Addresses(IEnumerable<StatusItem> items) =>
        [.. items.Select(item => StrictAddress.Parse(item.EgressIP)?.ToString() ?? item.EgressIP)];

    private void Set(string name, Func<Claim, Claim> change)
    {
        string[] asking = [];
        lock (_lock)
        {
            Claim before = _claims.GetValueOrDefault(name, Claim.None);
            Claim after = change(before);
            _claims[name] = after;
            foreach (string address in after.All.Except(before.All))
            {
                (_holders.TryGetValue(address, out HashSet<string>? names) ? names : _holders[address] = []).Add(name);
            }

            ImmutableHashSet<string> freed = before.All.Except(after.All);
            foreach (string address in freed)
            {
                _holders[address].Remove(name);
                if (_holders[address].Count == 0)
                {
                    _holders.Remove(address);
                }
            }

            if (after.All.IsEmpty)
            {
                _claims.Remove(name);
            }

            if (!freed.IsEmpty)
            {
                asking = [.. _waiting];
                _waiting.Clear();
            }
        }

        foreach (string other in asking)
        {
            Freed?.Invoke(other);
        }
    }

    /// <param name="Seen">By the status in the API.</param>
    /// <param name="Written">By a write that may have succeeded.</param>
    private sealed record Claim(ImmutableHashSet<string> Seen, ImmutableHashSet<string> Written)
    {
        public static Claim None { get; } = new([], []);

        public ImmutableHashSet<string> All => Seen.Union(Written);
    }
}
