using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace SystemTests.Hold;

/// <summary>
/// From which hardware addresses the connections of each shared address were made that arrive at the host, one after the other. A packet
/// that opens one is not enough: it may have waited in a pod that has lost its carrier, until that is back.
/// </summary>
internal sealed class SourceWatch : IDisposable
{
    private const int Synchronize = 2;

    private const int Acknowledge = 16;

    private readonly Lock _lock = new();

    private readonly Dictionary<IPAddress, List<(PhysicalAddress From, string Text)>> _senders;

    private readonly Socket _socket;

    public SourceWatch(string host, IEnumerable<string> shared)
    {
        _senders = shared.ToDictionary(address => IPAddress.Parse(address), _ => new List<(PhysicalAddress, string)>());
        _socket = PacketSocket.Listen(new LinkEnd(host, "eth0"), "source watch", frame => Take(Frame.Parse(frame)));
    }

    /// <summary>A connection that came from another address than a shared one; null: none did.</summary>
    public string? Fault { get; private set; }

    /// <summary>How often the hardware address of each shared address has changed.</summary>
    public int[] Changes
    {
        get
        {
            lock (_lock)
            {
                return [.. _senders.Values.Select(senders => senders.Count - 1)];
            }
        }
    }

    /// <summary>The first connection of each hardware address.</summary>
    public string Text()
    {
        lock (_lock)
        {
            return string.Join('\n', _senders.Values.SelectMany(senders => senders.Select(sender => sender.Text)));
        }
    }

    public void Dispose() => _socket.Dispose();

    private void Take(Frame frame)
    {
        if (frame is not { Source: IPAddress source, Port: PairNetwork.HostPort })
        {
            return;
        }

        if (_senders.TryGetValue(source, out List<(PhysicalAddress From, string Text)>? senders))
        {
            lock (_lock)
            {
                if (frame.TcpFlags == Acknowledge && (senders.Count == 0 || !senders[^1].From.Equals(frame.From)))
                {
                    senders.Add((frame.From, $"{DateTime.UtcNow:HH:mm:ss.fff} {frame}"));
                }
            }
        }
        else if (frame.TcpFlags == Synchronize)
        {
            Fault = $"a connection came from {source}";
        }
    }
}
