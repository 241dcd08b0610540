using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Netlink;
using SystemTests;

namespace Benchmarks;

/// <summary>A way from a client to one destination, and the times of connections that took it.</summary>
internal sealed class Variant : IDisposable
{
    private static readonly TimeSpan _timeLimit = TimeSpan.FromSeconds(10);

    private static int _sourcePort = 30_000;

    private readonly IPEndPoint _target;
    private readonly NetNamespace _client;
    private readonly Socket _listener;
    private readonly Queue<Socket> _sockets = [];
    private readonly byte[] _sent = new byte[256 * 1024];
    private readonly byte[] _received = new byte[256 * 1024];
    private Socket? _sender;
    private Socket? _receiver;

    /// <summary>A way through the lab's pod.</summary>
    /// <param name="name">Its name in reports.</param>
    /// <param name="lab">The lab.</param>
    /// <param name="port">The port that is connected to, at the pod and at the destination.</param>
    /// <param name="address">What the client connects to.</param>
    public Variant(string name, Lab lab, int port, string address = Lab.PodAddress)
        : this(name, lab.Client, lab.Lan, new(IPAddress.Parse(address), port), new(IPAddress.Parse(Destinations.Address), port))
    {
    }

    /// <param name="name">Its name in reports.</param>
    /// <param name="client">The client's namespace.</param>
    /// <param name="server">The server's namespace.</param>
    /// <param name="target">What the client connects to.</param>
    /// <param name="destination">Where the server listens.</param>
    public Variant(string name, string client, string server, IPEndPoint target, IPEndPoint destination)
    {
        (Name, _target) = (name, target);
        _client = NetNamespace.Open(Lab.PathOf(client));
        using NetNamespace lan = NetNamespace.Open(Lab.PathOf(server));
        _listener = lan.Run(NewSocket);
        try
        {
            _listener.Bind(destination);
            _listener.Listen(16);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Name { get; }

    public Samples Samples { get; } = new();

    /// <summary>
    /// Opens sockets ahead: entering a namespace takes a thread, which must not disturb what is measured. Each has a port
    /// that no other had: connection tracking would know the port of an earlier one, and would ask no rule.
    /// </summary>
    public void Prepare(int count) => _client.Run(() =>
    {
        for (int i = 0; i < count; i++)
        {
            Socket socket = NewSocket();
            _sockets.Enqueue(socket);
            socket.Bind(new IPEndPoint(IPAddress.Any, _sourcePort++));
        }
    });

    /// <summary>
    /// How long connect() takes. One thread is the client and the server: the kernel completes a connection without the
    /// server's doing, and nobody else runs meanwhile. That the listener has the connection shows where it went.
    /// </summary>
    public TimeSpan Connect()
    {
        using Socket socket = _sockets.Dequeue();
        long start = Stopwatch.GetTimestamp();
        socket.Connect(_target);
        TimeSpan time = Stopwatch.GetElapsedTime(start);
        if (!_listener.Poll(_timeLimit, SelectMode.SelectRead))
        {
            throw new TimeoutException($"{Name}: the connection did not arrive at the destination");
        }

        // Both sides close by a reset: neither keeps the connection in TIME_WAIT.
        using Socket accepted = _listener.Accept();
        accepted.LingerState = new LingerOption(enable: true, seconds: 0);
        return time;
    }

    /// <summary>Opens the connection of <see cref="Stream"/>.</summary>
    public void OpenStream()
    {
        Prepare(1);
        _sender = _sockets.Dequeue();
        _sender.Connect(_target);
        _receiver = _listener.Accept();
    }

    /// <summary>Sends as much as goes through, for so long; bytes a second that arrived.</summary>
    public double Stream(TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        var sending = new Thread(() =>
        {
            while (Stopwatch.GetElapsedTime(start) < time)
            {
                _ = _sender!.Send(_sent);
            }

            // The end of this slice, not of the connection.
            _ = _sender!.Send([1]);
        });
        sending.Start();
        long count = 0;
        while (true)
        {
            int length = _receiver!.Receive(_received);
            count += length;
            if (length == 0 || _received[length - 1] == 1)
            {
                break;
            }
        }

        TimeSpan taken = Stopwatch.GetElapsedTime(start);
        sending.Join();
        return count / taken.TotalSeconds;
    }

    public void Dispose()
    {
        _sender?.Dispose();
        _receiver?.Dispose();
        foreach (Socket socket in _sockets)
        {
            socket.Dispose();
        }

        _listener.Dispose();
        _client.Dispose();
    }

    private static Socket NewSocket() => new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
    {
        LingerState = new LingerOption(enable: true, seconds: 0),
    };
}
