using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Netlink;

namespace SystemTests.Legacy;

/// <summary>
/// A server in a namespace that answers a line with what it sees of the connection, as often as it is asked; and an HTTP
/// request with the same as a page.
/// </summary>
internal sealed class LineServer : IDisposable
{
    private readonly Socket _socket;
    private readonly ConcurrentBag<Socket> _connections = [];
    private int _requests;

    /// <summary>Starts in the namespace of a name.</summary>
    public LineServer(string name, string address, int port)
    {
        var endpoint = new IPEndPoint(IPAddress.Parse(address), port);
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(name));
        _socket = space.Run(() => new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        _socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _socket.Bind(endpoint);
        _socket.Listen(64);
        _ = Task.Run(Accept);
    }

    /// <summary>How many lines or requests have arrived. Connections that say nothing are health checks.</summary>
    public int Requests => Volatile.Read(ref _requests);

    public void Dispose()
    {
        _socket.Dispose();
        foreach (Socket connection in _connections)
        {
            connection.Dispose();
        }
    }

    private async Task Accept()
    {
        try
        {
            while (true)
            {
                Socket connection = await _socket.AcceptAsync();
                _connections.Add(connection);
                _ = Serve(connection);
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // The test has ended.
        }
    }

    private async Task Serve(Socket connection)
    {
        try
        {
            using var stream = new NetworkStream(connection, ownsSocket: true);
            using var reader = new StreamReader(stream);
            var (remote, local) = ((IPEndPoint)connection.RemoteEndPoint!, (IPEndPoint)connection.LocalEndPoint!);
            string seen = string.Create(CultureInfo.InvariantCulture, $"{remote.Address} {local.Address} {local.Port}");
            while (await reader.ReadLineAsync() is string line)
            {
                Interlocked.Increment(ref _requests);
                bool isHttp = line.StartsWith("GET ", StringComparison.Ordinal);
                while (isHttp && await reader.ReadLineAsync() is { Length: > 0 })
                {
                    // The headers.
                }

                string answer = isHttp
                    ? $"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {seen.Length}\r\n\r\n{seen}"
                    : seen + "\n";
                await stream.WriteAsync(Encoding.ASCII.GetBytes(answer));
                if (isHttp)
                {
                    return;
                }
            }
        }
        catch (Exception fault) when (fault is IOException or SocketException or ObjectDisposedException)
        {
            // Whoever asked is gone, or the test has ended.
        }
    }
}
