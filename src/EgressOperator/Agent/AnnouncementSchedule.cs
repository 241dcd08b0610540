using System.Net;
using EgressDataPath.Kernel;

namespace EgressOperator.Agent;

/// <summary>Announces held addresses: three times when they are new, and then each minute, for neighbors that missed it.</summary>
internal sealed class AnnouncementSchedule(Neighborhood neighborhood, TimeProvider clock)
{
    private static readonly TimeSpan[] _first = [TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(1)];

    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(60);

    private readonly Dictionary<(IPAddress Address, string Link), (int Times, TimeSpan Next)> _schedule = [];

    /// <summary>How long until the next announcement.</summary>
    public TimeSpan UntilNext => _schedule.Count == 0 ? _interval
        : _schedule.Values.Min(entry => entry.Next) - Now is TimeSpan left && left > TimeSpan.Zero ? left : TimeSpan.FromMilliseconds(1);

    private TimeSpan Now => clock.GetElapsedTime(0);

    /// <summary>What is held counts as new.</summary>
    public void Forget() => _schedule.Clear();

    /// <summary>Announces what is new, and what is due.</summary>
    public void Set(IEnumerable<(IPAddress Address, string Link)> held)
    {
        (IPAddress, string)[] now = [.. held];
        foreach ((IPAddress, string) gone in _schedule.Keys.Except(now).ToArray())
        {
            _schedule.Remove(gone);
        }

        foreach ((IPAddress, string) added in now.Where(one => !_schedule.ContainsKey(one)))
        {
            _schedule.Add(added, (0, TimeSpan.Zero));
        }

        TimeSpan time = Now;
        foreach (IGrouping<string, (IPAddress Address, string Link)> link in _schedule.Where(entry => entry.Value.Next <= time)
            .Select(entry => entry.Key).GroupBy(one => one.Link).ToArray())
        {
            neighborhood.Announce(link.Key, link.Select(one => one.Address));
            foreach ((IPAddress Address, string Link) one in link)
            {
                int times = _schedule[one].Times;
                _schedule[one] = (times + 1, time + (times < _first.Length ? _first[times] : _interval));
            }
        }
    }
}
