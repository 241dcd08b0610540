using System.Net;
using System.Net.Sockets;

namespace SystemTests.EgressIp.Traffic;

/// <summary>
/// What a pod sends to a server all the time, whether anybody answers or not: over a TCP connection and from a UDP socket that stay, and
/// from new ones.
/// </summary>
internal sealed class Sender : IDisposable
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(10);

    private readonly string _space;

    private readonly IPEndPoint _server;

    private readonly Dictionary<Transport, Socket> _open = [];

    private readonly Repeating _sending;

    private int _rounds;

    public Sender(LabPod pod, TellingServer server)
    {
        (_space, _server) = (pod.Namespace, new IPEndPoint(IPAddress.Parse(server.Address), TellingServer.Port));
        _sending = new Repeating(Send);
    }

    /// <summary>How often it has sent something over each.</summary>
    public int Rounds => Volatile.Read(ref _rounds);

    public void Dispose()
    {
        _sending.Dispose();
        foreach (Socket socket in _open.Values)
        {
            socket.Dispose();
        }
    }

    private void Send()
    {
        foreach (Transport transport in (Transport[])[Transport.Tcp, Transport.Udp])
        {
            // A new socket sends once.
            using (Socket once = Begin(transport))
            {
                TrySend(once);
            }

            if (!_open.TryGetValue(transport, out Socket? stays))
            {
                _open[transport] = stays = Begin(transport);
            }

            if (!TrySend(stays))
            {
                stays.Dispose();
                _open.Remove(transport);
            }
        }

        Interlocked.Increment(ref _rounds);
        Thread.Sleep(_pause);
    }

    private Socket Begin(Transport transport)
    {
        Socket socket = NamespaceSocket.Open(_space, _server.AddressFamily, transport);
        // A connection that is closed is reset, and no longer remembered.
        (socket.Blocking, socket.LingerState) = (false, new LingerOption(true, 0));
        try
        {
            socket.Connect(_server);
        }
        catch (SocketException begun) when (begun.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            // The answer is not waited for.
        }

        return socket;
    }

    /// <returns>Whether the connection goes on, or has yet to begin.</returns>
    private static bool TrySend(Socket socket)
    {
        try
        {
            return socket.Send(new byte[1]) == 1;
        }
        catch (SocketException refused)
        {
            return socket.ProtocolType == ProtocolType.Udp || refused.SocketErrorCode is SocketError.WouldBlock or SocketError.NotConnected;
        }
    }
}
