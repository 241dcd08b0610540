using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Netlink;

namespace SystemTests;

/// <summary>A transport protocol of a test's traffic.</summary>
public enum Protocol
{
    Tcp,
    Udp,
}

/// <summary>What a server saw of a connection.</summary>
/// <param name="Source">The address that the connection came from.</param>
/// <param name="Destination">The address of the server that answered.</param>
/// <param name="Port">The server's port.</param>
internal sealed record Arrival(string Source, string Destination, int Port);

/// <summary>A server in a namespace that answers each connection with what it sees of it, and the client that asks.</summary>
internal sealed class EchoServer : IDisposable
{
    private readonly Socket _socket;
    private int _arrivals;

    private EchoServer(Socket socket) => _socket = socket;

    /// <summary>How many connections or datagrams have arrived.</summary>
    public int Arrivals => Volatile.Read(ref _arrivals);

    /// <summary>Starts a server in the namespace at <paramref name="path"/>.</summary>
    public static EchoServer Start(string path, Protocol protocol, string address, int port)
    {
        var endpoint = new IPEndPoint(IPAddress.Parse(address), port);
        var server = new EchoServer(Open(path, protocol, endpoint.AddressFamily));
        server._socket.Bind(endpoint);
        if (protocol == Protocol.Tcp)
        {
            server._socket.Listen(64);
        }

        _ = protocol == Protocol.Tcp ? Task.Run(server.ServeTcp) : Task.Run(server.ServeUdp);
        return server;
    }

    /// <summary>Connects from the namespace at <paramref name="path"/>; null if nothing answers in time.</summary>
    public static Arrival? Ask(string path, Protocol protocol, string address, int port, string? source, TimeSpan limit)
    {
        var endpoint = new IPEndPoint(IPAddress.Parse(address), port);
        using Socket socket = Open(path, protocol, endpoint.AddressFamily);
        if (source is not null)
        {
            socket.Bind(new IPEndPoint(IPAddress.Parse(source), 0));
        }

        using var deadline = new CancellationTokenSource(limit);
        try
        {
            return AskAsync(socket, endpoint, protocol, deadline.Token).GetAwaiter().GetResult();
        }
        catch (Exception fault) when (fault is SocketException or OperationCanceledException)
        {
            return null;
        }
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>A socket belongs to the namespace that it was opened in, whoever uses it later.</summary>
    private static Socket Open(string path, Protocol protocol, AddressFamily family)
    {
        using NetNamespace space = NetNamespace.Open(path);
        return space.Run(() => protocol == Protocol.Tcp
            ? new Socket(family, SocketType.Stream, ProtocolType.Tcp)
            : new Socket(family, SocketType.Dgram, ProtocolType.Udp));
    }

    private static async Task<Arrival?> AskAsync(Socket socket, IPEndPoint endpoint, Protocol protocol, CancellationToken stop)
    {
        await socket.ConnectAsync(endpoint, stop);
        var buffer = new byte[512];
        int length;
        if (protocol == Protocol.Tcp)
        {
            length = await socket.ReceiveAsync(buffer, stop);
        }
        else
        {
            // The first datagrams may be lost while neighbors are resolved.
            Task<int> answer = socket.ReceiveAsync(buffer, stop).AsTask();
            do
            {
                await socket.SendAsync("hello"u8.ToArray(), stop);
            }
            while (await Task.WhenAny(answer, Task.Delay(500, stop)) != answer && !stop.IsCancellationRequested);
            length = await answer;
        }

        if (length == 0)
        {
            return null;
        }

        string[] words = Encoding.ASCII.GetString(buffer, 0, length).Split(' ');
        return new Arrival(words[0], words[1], int.Parse(words[2], CultureInfo.InvariantCulture));
    }

    private async Task ServeTcp()
    {
        try
        {
            while (true)
            {
                using Socket connection = await _socket.AcceptAsync();
                Interlocked.Increment(ref _arrivals);
                await connection.SendAsync(Describe(connection.RemoteEndPoint!, connection.LocalEndPoint!));
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // The test has ended.
        }
    }

    private async Task ServeUdp()
    {
        try
        {
            var buffer = new byte[512];
            EndPoint any = new IPEndPoint(_socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
            while (true)
            {
                SocketReceiveFromResult datagram = await _socket.ReceiveFromAsync(buffer, any);
                Interlocked.Increment(ref _arrivals);
                await _socket.SendToAsync(Describe(datagram.RemoteEndPoint, _socket.LocalEndPoint!), datagram.RemoteEndPoint);
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // The test has ended.
        }
    }

    private static byte[] Describe(EndPoint remote, EndPoint local) => Encoding.ASCII.GetBytes(string.Create(
        CultureInfo.InvariantCulture, $"{((IPEndPoint)remote).Address} {((IPEndPoint)local).Address} {((IPEndPoint)local).Port}"));
}
