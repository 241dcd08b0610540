using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace SystemTests.EgressIp.Traffic;

/// <summary>A TCP connection of a pod to a server, over which nothing is said until a test wants it.</summary>
internal sealed class SilentConnection : IDisposable
{
    private readonly Socket _client;

    private readonly Socket _server;

    public SilentConnection(string serverSpace, string address, int port, LabPod pod)
    {
        Pod = pod;
        var end = new IPEndPoint(IPAddress.Parse(address), port);
        using Socket listener = NamespaceSocket.Open(serverSpace, end.AddressFamily, Transport.Tcp);
        listener.Bind(end);
        listener.Listen(1);
        _client = NamespaceSocket.Open(pod.Namespace, end.AddressFamily, Transport.Tcp);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        _client.ConnectAsync(end, limit.Token).AsTask().GetAwaiter().GetResult();
        _server = listener.AcceptAsync(limit.Token).AsTask().GetAwaiter().GetResult();
    }

    public LabPod Pod { get; }

    /// <summary>The pod sends a byte, whether it arrives or not.</summary>
    public void Say() => _client.Send([1]);

    /// <summary>The pod ends the connection: it sends FIN, or RST.</summary>
    public void End(bool withReset)
    {
        _client.LingerState = new LingerOption(withReset, 0);
        _client.Close();
    }

    /// <summary>Whether the server gets a byte within a time.</summary>
    public bool Hears(TimeSpan limit)
    {
        _server.ReceiveTimeout = (int)limit.TotalMilliseconds;
        try
        {
            return _server.Receive(new byte[1]) == 1;
        }
        catch (SocketException silent) when (silent.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            return false;
        }
    }

    /// <summary>The server sends a byte.</summary>
    /// <returns>When the client has it. If it has not after 12 s, this fails.</returns>
    public TimeSpan Speak()
    {
        _client.ReceiveTimeout = 12_000;
        long began = Stopwatch.GetTimestamp();
        _server.Send([1]);
        Assert.Equal(1, _client.Receive(new byte[1]));
        return Stopwatch.GetElapsedTime(began);
    }

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
    }
}
