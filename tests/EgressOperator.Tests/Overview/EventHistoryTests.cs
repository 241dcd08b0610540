using System.Globalization;
using System.Text.Json;
using EgressOperator.Overview;

namespace EgressOperator.Tests.Overview;

/// <summary>What is kept of the events that controllers tell.</summary>
public class EventHistoryTests
{
    private static readonly DateTimeOffset _now = new(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Those_of_a_day_are_kept_and_the_newest_is_first()
    {
        var kept = new KeptEvents();
        foreach (int minute in (int[])[5, 1, 3, (-24 * 60) - 1])
        {
            kept.Add(Told(minute));
        }

        Assert.Equal([5, 3, 1], Minutes(kept));
    }

    [Fact]
    public void Of_more_than_a_thousand_the_oldest_go()
    {
        var kept = new KeptEvents();
        foreach (int minute in Enumerable.Range(-1200, 1201))
        {
            kept.Add(Told(minute));
        }

        Assert.Equal(Enumerable.Range(-999, 1000).Reverse(), Minutes(kept));
    }

    [Theory]
    [InlineData("""{"metadata":{"name":"e","namespace":"default"},"lastTimestamp":"2026-11-27T12:00:00Z"}""", "2026-11-27T12:00:00Z")]
    [InlineData("""{"metadata":{"name":"e","creationTimestamp":"2026-11-27T12:00:00Z"},"lastTimestamp":null}""", "2026-11-27T12:00:00Z")]
    [InlineData("""{"metadata":{"name":"e"},"involvedObject":"x","message":5}""", "0001-01-01T00:00:00Z")]
    public void An_event_of_any_shape_is_read(string json, string time)
    {
        using var document = JsonDocument.Parse(json);
        Assert.Equal(time, ToldEvent.Read(document.RootElement).Time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
    }

    private static ToldEvent Told(int minute) => new(
        $"default/{minute}", _now + TimeSpan.FromMinutes(minute), "EgressIP", null, "shop", "Normal", "Reassigned", "moves");

    private static IEnumerable<int> Minutes(KeptEvents kept) =>
        kept.Read(_now).Select(told => (int)(told.Time - _now).TotalMinutes);
}
