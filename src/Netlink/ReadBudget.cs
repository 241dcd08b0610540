using System.Diagnostics;
using System.Globalization;

namespace Netlink;

/// <summary>
/// What it may cost to read the lists of one network namespace, by all sockets that share this: whoever rules in it can fill it
/// as he likes. What is read and not kept costs time only. Not thread-safe.
/// </summary>
/// <param name="bytes">How much may be kept: the messages' bytes, and <see cref="ObjectBytes"/> for each.</param>
/// <param name="time">How long reading may take.</param>
public sealed class ReadBudget(long bytes, TimeSpan time)
{
    /// <summary>By so much an object is larger in memory than the message that tells of it.</summary>
    public const int ObjectBytes = 256;

    private readonly Stopwatch _clock = new();
    private long _kept;

    /// <summary>Gives back the whole limit: what was kept is not needed any more, or its list is given up.</summary>
    public void Restart()
    {
        _clock.Reset();
        _kept = 0;
    }

    /// <summary>A list begins.</summary>
    /// <returns>What is kept of others: where it is read again, nothing of it counts.</returns>
    internal long Begin()
    {
        _clock.Start();
        return _kept;
    }

    /// <summary>A list is read again from its start.</summary>
    /// <param name="others">What is kept of others.</param>
    internal void BeginAgain(long others) => _kept = others;

    internal void End() => _clock.Stop();

    /// <exception cref="NetlinkException">E2BIG: it is more than may be kept.</exception>
    internal void Keep(int messageBytes, string operation)
    {
        _kept += messageBytes + ObjectBytes;
        if (_kept > bytes)
        {
            throw new NetlinkException(
                operation, Errno.E2BIG, $"the namespace holds more than the {bytes / 1024 / 1024} MiB that are read of one");
        }
    }

    /// <exception cref="NetlinkException">ETIMEDOUT: it has taken too long.</exception>
    internal void CheckTime(string operation)
    {
        if (_clock.Elapsed > time)
        {
            throw new NetlinkException(
                operation, Errno.ETIMEDOUT,
                string.Create(CultureInfo.InvariantCulture, $"reading this namespace has taken more than {time.TotalSeconds} s"));
        }
    }
}
