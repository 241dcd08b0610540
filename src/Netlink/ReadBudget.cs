using System.Diagnostics;
using System.Globalization;

namespace Netlink;

/// <summary>
/// Limits the memory and the time for the dumps of one network namespace, because a tenant can fill its namespace at will.
/// All sockets that share the object share the limits. Messages that are not kept cost time only. Not thread-safe.
/// </summary>
/// <param name="bytes">Maximum memory: the bytes of each kept message plus <see cref="ObjectBytes"/>.</param>
/// <param name="time">Maximum time for all dumps.</param>
public sealed class ReadBudget(long bytes, TimeSpan time)
{
    /// <summary>Estimated bytes that an object needs in memory beyond the length of its message.</summary>
    public const int ObjectBytes = 256;

    private readonly Stopwatch _clock = new();
    private long _kept;

    /// <summary>Restores both limits, after the kept objects are released or their dump is abandoned.</summary>
    public void Restart()
    {
        _clock.Reset();
        _kept = 0;
    }

    /// <summary>Starts the clock for a dump.</summary>
    /// <returns>The bytes kept so far, for <see cref="BeginAgain"/> if the dump is repeated.</returns>
    internal long Begin()
    {
        _clock.Start();
        return _kept;
    }

    /// <summary>Repeats a dump: the bytes kept in the failed attempt no longer count.</summary>
    /// <param name="others">The bytes kept before the dump.</param>
    internal void BeginAgain(long others) => _kept = others;

    internal void End() => _clock.Stop();

    /// <exception cref="NetlinkException">E2BIG: the memory limit is exceeded.</exception>
    internal void Keep(int messageBytes, string operation)
    {
        _kept += messageBytes + ObjectBytes;
        if (_kept > bytes)
        {
            throw new NetlinkException(
                operation, Errno.E2BIG, $"the namespace holds more than the {bytes / 1024 / 1024} MiB that are read of one");
        }
    }

    /// <exception cref="NetlinkException">ETIMEDOUT: the time limit is exceeded.</exception>
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
