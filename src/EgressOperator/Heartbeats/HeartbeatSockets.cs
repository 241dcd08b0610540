using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Netlink;
using Serilog;

namespace EgressOperator.Heartbeats;

/// <summary>
/// The UDP sockets of this node: one for its first address of each family. They come and go with the addresses. One thread calls
/// <see cref="Open"/>, <see cref="Wait"/> and <see cref="Receive"/>; all calls but <see cref="Wait"/> exclude each other.
/// </summary>
internal sealed class HeartbeatSockets(NetNamespace? space, int port, TimeSpan pause, ILogger log) : IDisposable
{
    /// <summary>Half a second of beats of a thousand nodes; the kernel may give less.</summary>
    private const int ReceiveBuffer = 4 * 1024 * 1024;

    private readonly byte[] _buffer = new byte[2 * MessageFormat.MaxLength];
    private readonly List<Socket> _open = [];
    private readonly HashSet<Socket> _broken = [];
    private readonly HashSet<IPAddress> _failed = [];
    private ImmutableArray<IPAddress> _addresses = [];
    private TimeSpan _nextTry = TimeSpan.MinValue;

    /// <summary>The open sockets.</summary>
    public IReadOnlyList<Socket> All => _open;

    /// <summary>Sets the addresses of this node, for the next <see cref="Open"/>.</summary>
    public void SetAddresses(IEnumerable<IPAddress> addresses)
    {
        _addresses = [.. addresses.DistinctBy(address => address.AddressFamily)];
        _failed.Clear();
        _nextTry = TimeSpan.MinValue;
    }

    /// <summary>Closes sockets whose address has gone, and opens those that are missing unless that has just failed.</summary>
    public void Open(TimeSpan now)
    {
        foreach (Socket socket in _open.Where(socket => _broken.Contains(socket) || !_addresses.Contains(AddressOf(socket))).ToArray())
        {
            _open.Remove(socket);
            socket.Dispose();
        }

        _broken.Clear();
        if (_open.Count == _addresses.Length || now < _nextTry)
        {
            return;
        }

        _nextTry = now + pause;
        foreach (IPAddress address in _addresses.Except(_open.Select(AddressOf)).ToArray())
        {
            try
            {
                _open.Add(space is null ? Bind(address) : space.Run(() => Bind(address)));
                _failed.Remove(address);
                log.Information("heartbeats: bound to {Address} port {Port}", address, port);
            }
            catch (Exception fault) when (fault is SocketException or NetlinkException)
            {
                if (_failed.Add(address))
                {
                    log.Warning("heartbeats: {Address} port {Port}: {Failure:l}; trying again", address, port, fault.Message);
                }
            }
        }
    }

    /// <returns>The sockets from which something can be read, after at most this time.</returns>
    public List<Socket> Wait(TimeSpan time)
    {
        List<Socket> readable = [.. _open];
        int milliseconds = (int)Math.Max(0, Math.Ceiling(time.TotalMilliseconds));
        if (readable.Count == 0)
        {
            Thread.Sleep(milliseconds);
            return readable;
        }

        Socket.Select(readable, null, null, milliseconds * 1000);
        return readable;
    }

    /// <summary>Reads one datagram; empty and null if there is none.</summary>
    public ReadOnlySpan<byte> Receive(Socket socket, out IPAddress? source)
    {
        source = null;
        EndPoint from = new IPEndPoint(AddressOf(socket), 0);
        try
        {
            if (!socket.Poll(0, SelectMode.SelectRead))
            {
                return default;
            }

            int length = socket.ReceiveFrom(_buffer, ref from);
            source = ((IPEndPoint)from).Address;
            return _buffer.AsSpan(0, length);
        }
        catch (SocketException)
        {
            // Errors that ICMP tells, and datagrams with a wrong checksum: there is nothing to read.
            return default;
        }
    }

    /// <returns>Whether the kernel took it. What it does not take is lost, as on the way.</returns>
    public bool Send(byte[] datagram, ImmutableArray<IPAddress> to)
    {
        foreach (IPAddress address in to)
        {
            Socket? socket = _open.Find(socket => socket.AddressFamily == address.AddressFamily);
            if (socket is null)
            {
                continue;
            }

            try
            {
                socket.SendTo(datagram, new IPEndPoint(address, port));
                return true;
            }
            catch (SocketException fault)
            {
                if (fault.SocketErrorCode is SocketError.InvalidArgument or SocketError.AddressNotAvailable)
                {
                    // The kernel refuses the source: the address has gone.
                    _broken.Add(socket);
                }

                return false;
            }
        }

        return false;
    }

    public void Dispose()
    {
        _open.ForEach(socket => socket.Dispose());
        _open.Clear();
    }

    private static IPAddress AddressOf(Socket socket) => ((IPEndPoint)socket.LocalEndPoint!).Address;

    private Socket Bind(IPAddress address)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.Blocking = false;
            socket.ReceiveBufferSize = ReceiveBuffer;
            socket.Bind(new IPEndPoint(address, port));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
