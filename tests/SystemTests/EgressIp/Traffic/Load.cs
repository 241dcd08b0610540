using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Netlink;

namespace SystemTests.EgressIp.Traffic;

/// <summary>What became of many connections.</summary>
/// <param name="Connections">How many were begun.</param>
/// <param name="Failures">How often each fault happened.</param>
/// <param name="Retried">How many needed their first packet a second time.</param>
/// <param name="Slowest">The longest time to the server's first line.</param>
/// <param name="Sources">Whom the server saw.</param>
internal sealed record LoadResult(
    int Connections, IReadOnlyDictionary<SocketError, int> Failures, int Retried, TimeSpan Slowest, IReadOnlyCollection<string> Sources)
{
    public override string ToString() =>
        $"{Connections} connections, slowest {Slowest.TotalSeconds:0.00} s, {Retried} tried again, seen as {string.Join(' ', Sources)}; failures: "
        + (Failures.Count == 0 ? "none" : string.Join(", ", Failures.Select(failure => $"{failure.Value} {failure.Key}")));
}

/// <summary>
/// Begins connections at a steady rate, whatever becomes of those before, reads the server's first line of each, and closes it. A
/// connection fails if that takes longer than <see cref="Limit"/>.
/// </summary>
internal sealed class Load : IDisposable
{
    /// <summary>The kernel sends the first packet of a connection again after 1 s and after 3 s: only once within this time.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(2.9);

    private static readonly TimeSpan _firstRetry = TimeSpan.FromSeconds(0.95);

    private readonly ConcurrentDictionary<SocketError, int> _failures = [];

    private readonly ConcurrentDictionary<string, int> _sources = [];

    private readonly IPEndPoint _server;

    private readonly Thread _thread;

    private volatile bool _ends;

    private int _connections;

    private int _open;

    private int _retried;

    private long _slowest;

    public Load(string space, TellingServer server, int perSecond)
    {
        _server = new IPEndPoint(IPAddress.Parse(server.Address), TellingServer.Port);
        // Sockets are of the namespace of the thread that makes them.
        _thread = new Thread(() =>
        {
            using NetNamespace inside = NetNamespace.Open(Lab.PathOf(space));
            inside.Run(() => Begin(perSecond));
        })
        { IsBackground = true };
        _thread.Start();
    }

    /// <summary>Begins no more connections, and waits for those that are open.</summary>
    public LoadResult End()
    {
        _ends = true;
        _thread.Join();
        Assert.True(
            SpinWait.SpinUntil(() => Volatile.Read(ref _open) == 0, Limit + TimeSpan.FromSeconds(2)), $"{_open} connections stay open");
        return new LoadResult(
            _connections, new SortedDictionary<SocketError, int>(_failures), _retried, TimeSpan.FromTicks(_slowest),
                [.. _sources.Keys.Order()]);
    }

    public void Dispose()
    {
        _ends = true;
        _thread.Join();
    }

    private void Begin(int perSecond)
    {
        long began = Stopwatch.GetTimestamp();
        while (!_ends)
        {
            for (int due = (int)(Stopwatch.GetElapsedTime(began).TotalSeconds * perSecond); _connections < due; _connections++)
            {
                Interlocked.Increment(ref _open);
                _ = ConnectAsync(NamespaceSocket.Open(_server.AddressFamily, Transport.Tcp));
            }

            Thread.Sleep(1);
        }
    }

    private async Task ConnectAsync(Socket socket)
    {
        // Not in the thread that begins connections.
        await Task.Yield();
        long began = Stopwatch.GetTimestamp();
        using (socket)
        using (var limit = new CancellationTokenSource(Limit))
        {
            try
            {
                await socket.ConnectAsync(_server, limit.Token);
                var buffer = new byte[100];
                int length = await socket.ReceiveAsync(buffer, limit.Token);
                Sight? sight = Question.Read(buffer.AsSpan(0, length), socket);
                _sources.AddOrUpdate(sight?.Source ?? "nobody", 1, (_, count) => count + 1);
            }
            catch (OperationCanceledException)
            {
                Count(SocketError.TimedOut);
            }
            catch (SocketException fault)
            {
                Count(fault.SocketErrorCode);
            }
        }

        TimeSpan took = Stopwatch.GetElapsedTime(began);
        if (took > _firstRetry)
        {
            Interlocked.Increment(ref _retried);
        }

        for (long seen; took.Ticks > (seen = Volatile.Read(ref _slowest));)
        {
            Interlocked.CompareExchange(ref _slowest, took.Ticks, seen);
        }

        Interlocked.Decrement(ref _open);
    }

    private void Count(SocketError fault) => _failures.AddOrUpdate(fault, 1, (_, count) => count + 1);
}
