using EgressOperator.Hold;

namespace EgressOperator.Tests.Hold;

/// <summary>
/// Writes the members of a <see cref="World"/> as the digits of one number: far less memory than the world itself needs. A member
/// out of its range is an error, so no two worlds have the same number.
/// </summary>
internal struct WorldKey
{
    private UInt128 _value;

    /// <summary>The number of a world whose pods are written in this order.</summary>
    public static UInt128 Of(Pod first, Pod second, string holder)
    {
        string a = first.State.Identity, b = second.State.Identity;
        var key = new WorldKey();
        key.AddName(holder, a, b);
        key.Add(first, a, b);
        key.Add(second, a, b);
        return key._value;
    }

    private void Add(Pod pod, string a, string b)
    {
        PairState state = pod.State;
        AddTime(state.GivenUntil, 0, 4);
        AddTime(state.RenewedFrom, -2, 0);
        AddTime(state.PromisedFrom, -2, 0);
        AddTime(state.LeaseSeenAt, -3, 0);
        AddTime(state.AwaySince, -2, 0);
        AddTime(state.ApiBackAt, -1, 0);
        AddTime(state.PeerAbleAt, -1, 0);
        AddDigit(state.LeaseVersion switch { null => 0, "" => 1, World.Older => 2, _ => 3 }, 4);
        AddName(state.LeaseHolder ?? "", a, b);
        Add(state.IsHolding);
        Add(state.IsLinkHealthy);
        Add(state.IsStopping);
        Add(pod.IsRunning);
        Add(pod.IsDead);
        Add(pod.IsKnown);
        AddTime(pod.Expires, 0, 2);
        Add(pod.Write, a, b);
        Add(pod.Ghost, a, b);
        AddTime(pod.Question, -2, 0);
        AddTime(pod.Promise, -2, 0);
    }

    private void Add(Write? write, string a, string b)
    {
        AddTime(write?.From, -2, 0);
        AddName(write?.Holder ?? "", a, b);
        Add(write is { IsOfCurrent: true });
        Add(write is { IsDone: true });
        Add(write is { IsConflict: true });
    }

    private void AddName(string name, string a, string b) => AddDigit(name.Length == 0 ? 0 : name == a ? 1 : name == b ? 2 : 3, 4);

    private void AddTime(TimeSpan? time, int least, int most) =>
        AddDigit(time is TimeSpan there ? checked((int)there.Ticks) - least + 1 : 0, most - least + 2);

    private void Add(bool value) => AddDigit(value ? 1 : 0, 2);

    private void AddDigit(int digit, int radix)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)digit, (uint)radix);
        _value = checked((_value * (uint)radix) + (uint)digit);
    }
}
