using Prometheus;

namespace EgressOperator.Controller;

/// <summary>Gauges whose labels come and go.</summary>
internal static class LabelledGauge
{
    /// <summary>Sets the gauge to 1 for these labels, and removes all others.</summary>
    public static void SetOnes(this Gauge gauge, IEnumerable<string[]> labels) => gauge.SetAll(labels.Select(one => (one, 1.0)));

    /// <summary>Sets the gauge for these labels, and removes all others.</summary>
    public static void SetAll(this Gauge gauge, IEnumerable<(string[] Labels, double Value)> values)
    {
        (string[] Labels, double Value)[] wanted = [.. values];
        HashSet<string> kept = [.. wanted.Select(one => Key(one.Labels))];
        foreach (string[] gone in gauge.GetAllLabelValues().Where(one => !kept.Contains(Key(one))))
        {
            gauge.RemoveLabelled(gone);
        }

        Array.ForEach(wanted, one => gauge.WithLabels(one.Labels).Set(one.Value));
    }

    private static string Key(string[] labels) => string.Join('\0', labels);
}
