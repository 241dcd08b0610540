using Prometheus;

namespace EgressOperator.Agent;

/// <summary>A counter with one label, whose values the kernel has counted.</summary>
internal sealed class KernelCounter(Counter counter)
{
    private Dictionary<string, ulong> _last = [];

    /// <summary>
    /// Takes the kernel's values, by label. One that is lower than before counts anew: another program had deleted the table. A label that
    /// is gone is removed.
    /// </summary>
    public void Take(IEnumerable<(string Label, ulong Value)> values)
    {
        var now = values.ToDictionary(one => one.Label, one => one.Value);
        foreach (string gone in _last.Keys.Except(now.Keys))
        {
            counter.RemoveLabelled(gone);
        }

        foreach ((string label, ulong value) in now)
        {
            ulong last = _last.GetValueOrDefault(label);
            counter.WithLabels(label).Inc(value < last ? value : value - last);
        }

        _last = now;
    }
}
