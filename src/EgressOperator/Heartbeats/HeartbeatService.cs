using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Serilog;

namespace EgressOperator.Heartbeats;

/// <summary>
/// Sends and receives heartbeats on a thread of its own, so that they keep time when the thread pool is busy. All members may be used by
/// any thread.
/// </summary>
internal sealed class HeartbeatService : IDisposable
{
    /// <summary>Datagrams that are read before this node's own beats are looked after again.</summary>
    private const int MostAtOnce = 256;

    /// <summary>More than a socket's buffer holds.</summary>
    private const int MostDiscarded = 16 * 1024;

    private readonly Lock _gate = new();
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly HeartbeatOptions _options;
    private readonly HeartbeatMetrics _metrics;
    private readonly MessageFormat _format;
    private readonly PeerTable _table;
    private readonly HeartbeatSockets _sockets;
    private readonly Thread _thread;
    private HashSet<IPAddress> _sources = [];
    private volatile HeartbeatView _current = HeartbeatView.Empty;
    private volatile bool _ends;

    public HeartbeatService(HeartbeatOptions options, HeartbeatMetrics metrics, ILogger log)
    {
        _options = options;
        _metrics = metrics;
        _format = new MessageFormat(options.Key);
        _table = new PeerTable(options.Node, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), options.Timing, Now);
        _sockets = new HeartbeatSockets(options.Space, options.Port, 5 * options.Timing.Interval, log);
        _thread = new Thread(Run) { IsBackground = true, Name = "heartbeats" };
    }

    /// <summary>
    /// Something in <see cref="Current"/> has changed. Called on the heartbeats' thread: the handler must not throw, nor take longer than a
    /// few milliseconds.
    /// </summary>
    public event Action<HeartbeatView>? Changed;

    /// <summary>What is known now.</summary>
    public HeartbeatView Current => _current;

    private TimeSpan Now => Stopwatch.GetElapsedTime(_started);

    /// <summary>Begins. Nothing is sent before <see cref="SetPeers"/>.</summary>
    public void Start() => _thread.Start();

    /// <summary>Sets all nodes with an agent, this one included: heartbeats use its addresses.</summary>
    public void SetPeers(IReadOnlyCollection<PeerNode> nodes)
    {
        lock (_gate)
        {
            _table.SetPeers(nodes, Now);
            _sources = [.. nodes.Where(node => node.Name != _options.Node).SelectMany(node => node.Addresses)];
            _sockets.SetAddresses(nodes.FirstOrDefault(node => node.Name == _options.Node)?.Addresses ?? []);
        }
    }

    /// <summary>Tells all what this node holds. Needed once after the start too, also without addresses.</summary>
    /// <exception cref="ArgumentException">They are more than <see cref="MessageFormat.MaxParts"/> datagrams.</exception>
    public void SetHoldings(IEnumerable<HeldAddress> addresses)
    {
        lock (_gate)
        {
            _table.SetHoldings(addresses);
            Send(_table.TakeHoldings(Now));
        }
    }

    /// <summary>Ends, at once or within a few intervals. Peers see silence.</summary>
    public void Dispose()
    {
        _ends = true;
        if (_thread.IsAlive && _thread != Thread.CurrentThread)
        {
            _thread.Join();
        }

        lock (_gate)
        {
            _sockets.Dispose();
        }
    }

    private void Run()
    {
        TimeSpan lastWork = Now;
        TimeSpan wakeAt = lastWork;
        while (!_ends)
        {
            List<Socket> readable = _sockets.Wait(wakeAt - Now);
            lock (_gate)
            {
                wakeAt = Work(readable, wakeAt, ref lastWork);
            }

            if (_table.View != _current)
            {
                _current = _table.View;
                _metrics.Set(_current);
                Changed?.Invoke(_current);
            }
        }
    }

    /// <returns>When to wake.</returns>
    private TimeSpan Work(List<Socket> readable, TimeSpan wakeAt, ref TimeSpan lastWork)
    {
        TimeSpan woken = Now;
        bool wasPaused = woken > wakeAt + _options.Timing.Lateness;
        if (wasPaused)
        {
            _table.Skip(woken - lastWork);
        }

        lastWork = woken;

        foreach (Socket socket in wasPaused ? _sockets.All : readable)
        {
            Read(socket, wasPaused);
        }

        _sockets.Open(Now);
        TimeSpan now = Now;
        _table.Look(now);
        Send(_table.TakeBeats(now));
        Send(_table.TakeHoldings(now));
        return _table.NextDeadline;
    }

    private void Read(Socket socket, bool wasPaused)
    {
        for (int count = wasPaused ? MostDiscarded : MostAtOnce; count > 0; count--)
        {
            ReadOnlySpan<byte> datagram = _sockets.Receive(socket, out IPAddress? source);
            if (source is null)
            {
                return;
            }

            _metrics.CountReceived(wasPaused ? DropReason.Late : Use(datagram, source));
        }
    }

    private DropReason? Use(ReadOnlySpan<byte> datagram, IPAddress source)
    {
        // First what costs least: a flood should find nothing to slow down.
        if (!_sources.Contains(source))
        {
            return DropReason.WrongSource;
        }

        return _format.Read(datagram, out HeartbeatMessage? message) ?? _table.Receive(source, message!, Now);
    }

    private void Send(List<Outgoing> messages)
    {
        foreach (Outgoing one in messages)
        {
            _metrics.CountSent(_sockets.Send(_format.Write(one.Message), one.To.Addresses));
        }
    }
}
