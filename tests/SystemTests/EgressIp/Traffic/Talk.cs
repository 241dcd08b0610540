using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace SystemTests.EgressIp.Traffic;

/// <summary>What became of an open connection.</summary>
/// <param name="Longest">The longest time in which nothing arrived, up to its end.</param>
/// <param name="Messages">How many have arrived.</param>
/// <param name="Fault">Why it ended; null: it goes on.</param>
internal sealed record TalkResult(TimeSpan Longest, int Messages, SocketError? Fault)
{
    public override string ToString() =>
        $"{Messages} messages, longest gap {Longest.TotalSeconds:0.00} s, {(Fault is null ? "goes on" : $"ended: {Fault}")}";
}

/// <summary>
/// An open TCP connection over which either both ends talk, or only the server does. It measures how long nothing arrives.
/// </summary>
internal sealed class Talk : IDisposable
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(20);

    private readonly Socket _socket;

    private readonly Thread _thread;

    private readonly bool _sends;

    private volatile bool _ends;

    private long _last;

    private TimeSpan _longest;

    private int _messages;

    private SocketError? _fault;

    /// <summary>Connects, and begins to talk; the client too if it <paramref name="sends"/>.</summary>
    public Talk(string space, TellingServer server, bool sends)
    {
        _sends = sends;
        var end = new IPEndPoint(IPAddress.Parse(server.Address), sends ? TellingServer.Port : TellingServer.PushPort);
        _socket = NamespaceSocket.Open(space, end.AddressFamily, Transport.Tcp);
        _socket.SendTimeout = _socket.ReceiveTimeout = 200;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        _socket.ConnectAsync(end, limit.Token).AsTask().GetAwaiter().GetResult();
        var buffer = new byte[100];
        int length = _socket.ReceiveAsync(buffer, limit.Token).AsTask().GetAwaiter().GetResult();
        // A server that pushes may have sent more than the line.
        Source = Question.Read(buffer.AsSpan(0, Array.IndexOf(buffer, (byte)'\n', 0, length) + 1), _socket)?.Source;
        _last = Stopwatch.GetTimestamp();
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>Whom the server saw when it began.</summary>
    public string? Source { get; }

    /// <summary>Whether the connection was closed or reset.</summary>
    public bool HasEnded => !_thread.IsAlive;

    /// <summary>Stops to talk, and closes the connection.</summary>
    public TalkResult End()
    {
        _ends = true;
        _thread.Join();
        _socket.Dispose();
        TimeSpan silence = Stopwatch.GetElapsedTime(_last);
        return new TalkResult(silence > _longest ? silence : _longest, _messages, _fault);
    }

    public void Dispose() => _ = End();

    private void Run()
    {
        try
        {
            for (byte number = 0; !_ends; number++)
            {
                if (_sends)
                {
                    _socket.Send([number]);
                }

                Receive(number);
                if (_sends)
                {
                    Thread.Sleep(_pause);
                }
            }
        }
        catch (SocketException fault)
        {
            _fault = fault.SocketErrorCode;
        }
    }

    /// <summary>Waits for a byte; of a client that talks it must be the one that was sent.</summary>
    private void Receive(byte number)
    {
        var buffer = new byte[1];
        while (!_ends)
        {
            try
            {
                if (_socket.Receive(buffer) == 0)
                {
                    throw new SocketException((int)SocketError.Disconnecting);
                }
            }
            catch (SocketException timeout) when (timeout.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
            {
                continue;
            }

            if (_sends && buffer[0] != number)
            {
                throw new SocketException((int)SocketError.MessageSize);
            }

            TimeSpan gap = Stopwatch.GetElapsedTime(_last);
            (_longest, _last) = (gap > _longest ? gap : _longest, Stopwatch.GetTimestamp());
            _messages++;
            return;
        }
    }
}
