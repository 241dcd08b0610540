using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Netlink;
using SystemTests.EgressIp.Traffic;

namespace SystemTests.Hold;

/// <summary>Opens a TCP connection each 20 ms, in one thread, whether or not the earlier ones were answered.</summary>
internal sealed class SteadyClient : IDisposable
{
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(20);

    /// <summary>
    /// A connection that is not answered by then has failed. The kernel asks again after a second: only a lost packet takes that long.
    /// </summary>
    private static readonly TimeSpan _limit = TimeSpan.FromMilliseconds(900);

    private readonly Lock _lock = new();

    private readonly List<(long Began, long Ended, bool Works)> _attempts = [];

    private readonly List<(Socket Socket, long Began)> _open = [];

    private readonly IPEndPoint _server;

    private readonly SocketError _expected;

    private readonly Thread _thread;

    private volatile bool _ends;

    /// <summary>Begins. A server that works gives the expected answer: it accepts, or it refuses.</summary>
    public SteadyClient(string space, string server, int port, SocketError expected)
    {
        (_server, _expected) = (new IPEndPoint(IPAddress.Parse(server), port), expected);
        _thread = new Thread(() =>
        {
            using NetNamespace inside = NetNamespace.Open(Lab.PathOf(space));
            inside.Run(Work);
        })
        { IsBackground = true };
        _thread.Start();
    }

    /// <summary>How many connections have worked since the last one that failed, of those that began since a moment.</summary>
    public int StreakSince(long moment)
    {
        lock (_lock)
        {
            return _attempts.AsEnumerable().Reverse().TakeWhile(attempt => attempt.Began >= moment && attempt.Works).Count();
        }
    }

    /// <summary>How many of the connections that began since then have failed.</summary>
    public int FailuresSince(long moment)
    {
        lock (_lock)
        {
            return _attempts.Count(attempt => attempt.Began >= moment && !attempt.Works);
        }
    }

    /// <summary>How long it took from a moment until a connection was made after which none failed; 0: none has failed.</summary>
    public TimeSpan GapSince(long moment)
    {
        lock (_lock)
        {
            (long Began, long Ended, bool Works)[] since =
                [.. _attempts.Where(attempt => attempt.Began >= moment).OrderBy(attempt => attempt.Began)];
            int failed = Array.FindLastIndex(since, attempt => !attempt.Works);
            return failed < 0 ? TimeSpan.Zero
                : failed + 1 < since.Length ? Stopwatch.GetElapsedTime(moment, since[failed + 1].Ended)
                : TimeSpan.MaxValue;
        }
    }

    public void Dispose()
    {
        _ends = true;
        _thread.Join();
    }

    private void Work()
    {
        long next = Stopwatch.GetTimestamp();
        while (!_ends)
        {
            if (Stopwatch.GetElapsedTime(next) >= TimeSpan.Zero)
            {
                next = Stopwatch.GetTimestamp() + (long)(_interval.TotalSeconds * Stopwatch.Frequency);
                Begin();
            }

            TimeSpan left = -Stopwatch.GetElapsedTime(next);
            var ready = _open.Select(attempt => attempt.Socket).ToList();
            if (ready.Count > 0)
            {
                Socket.Select(checkRead: null, ready, checkError: null, left > TimeSpan.Zero ? left : TimeSpan.Zero);
            }
            else if (left > TimeSpan.Zero)
            {
                Thread.Sleep(left);
            }

            // What was answered while this thread could not run has not failed.
            foreach ((Socket Socket, long Began) attempt in _open.ToArray())
            {
                if (ready.Contains(attempt.Socket))
                {
                    End(attempt, (SocketError)attempt.Socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!);
                }
                else if (Stopwatch.GetElapsedTime(attempt.Began) > _limit)
                {
                    End(attempt, SocketError.TimedOut);
                }
            }
        }

        _open.ForEach(attempt => attempt.Socket.Dispose());
    }

    private void Begin()
    {
        Socket socket = NamespaceSocket.Open(_server.AddressFamily, Transport.Tcp);
        // A connection that is closed is reset, and no longer remembered.
        (socket.Blocking, socket.LingerState) = (false, new LingerOption(true, 0));
        long began = Stopwatch.GetTimestamp();
        _open.Add((socket, began));
        try
        {
            socket.Connect(_server);
        }
        catch (SocketException failure)
        {
            if (failure.SocketErrorCode is not (SocketError.WouldBlock or SocketError.InProgress))
            {
                End((socket, began), failure.SocketErrorCode);
            }
        }
    }

    private void End((Socket Socket, long Began) attempt, SocketError answer)
    {
        attempt.Socket.Dispose();
        _open.Remove(attempt);
        lock (_lock)
        {
            _attempts.Add((attempt.Began, Stopwatch.GetTimestamp(), answer == _expected));
        }
    }
}
