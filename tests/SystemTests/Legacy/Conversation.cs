using System.Net;
using System.Net.Sockets;
using System.Text;
using Netlink;

namespace SystemTests.Legacy;

/// <summary>A client's connection.</summary>
internal sealed class Conversation : IDisposable
{
    private const int Milliseconds = 5000;

    private readonly Socket _socket;
    private readonly StreamReader _reader;

    private Conversation(Socket socket) => (_socket, _reader) = (socket, new StreamReader(new NetworkStream(socket)));

    /// <summary>Connects; null where nobody answers.</summary>
    public static Conversation? Open(string from, string address, int port, string? source = null, int milliseconds = Milliseconds)
    {
        var endpoint = new IPEndPoint(IPAddress.Parse(address), port);
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(from));
        Socket socket = space.Run(() => new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        try
        {
            socket.ReceiveTimeout = Milliseconds;
            if (source is not null)
            {
                socket.Bind(new IPEndPoint(IPAddress.Parse(source), 0));
            }

            using var limit = new CancellationTokenSource(milliseconds);
            socket.ConnectAsync(endpoint, limit.Token).AsTask().GetAwaiter().GetResult();
            return new Conversation(socket);
        }
        catch (Exception fault) when (fault is SocketException or OperationCanceledException)
        {
            socket.Dispose();
            return null;
        }
    }

    /// <summary>Sends a line and returns the answer's; null where the connection ends instead.</summary>
    public string? Ask(string line)
    {
        try
        {
            _socket.Send(Encoding.ASCII.GetBytes(line + "\r\n"));
            return _reader.ReadLine();
        }
        catch (Exception fault) when (fault is IOException or SocketException)
        {
            return null;
        }
    }

    /// <summary>Sends a request, and returns all that comes until the other side closes the connection.</summary>
    public string AskAll(string text)
    {
        try
        {
            _socket.Send(Encoding.ASCII.GetBytes(text));
            return _reader.ReadToEnd();
        }
        catch (Exception fault) when (fault is IOException or SocketException)
        {
            return $"{fault.GetType().Name}";
        }
    }

    /// <summary>Reads lines up to an empty one.</summary>
    public void SkipHeaders()
    {
        while (_reader.ReadLine() is { Length: > 0 })
        {
        }
    }

    public void Dispose()
    {
        _reader.Dispose();
        _socket.Dispose();
    }
}
