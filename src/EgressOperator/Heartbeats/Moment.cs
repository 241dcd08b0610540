namespace EgressOperator.Heartbeats;

/// <summary>The present. It remembers the earliest of the later times with which it was compared: until then the answers stay.</summary>
internal sealed class Moment(TimeSpan now)
{
    public TimeSpan Now => now;

    public TimeSpan NextChange { get; private set; } = TimeSpan.MaxValue;

    public bool IsBefore(TimeSpan time)
    {
        if (time <= now)
        {
            return false;
        }

        NextChange = time < NextChange ? time : NextChange;
        return true;
    }
}
