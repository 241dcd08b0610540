using Netlink.Wire;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink;

/// <summary>What a <see cref="ChangeMonitor{T}"/> heard.</summary>
/// <typeparam name="T">The kind of change.</typeparam>
/// <param name="Changes">The changes, in order.</param>
/// <param name="WereLost">
/// Whether the kernel had more changes than the receive buffer can hold (ENOBUFS), so that any number is lost, and
/// <paramref name="Changes"/> is empty. The caller must read everything again.
/// </param>
public readonly record struct HeardChanges<T>(IReadOnlyList<T> Changes, bool WereLost);

/// <summary>
/// A netlink socket that hears of changes in the network namespace in which it was opened (netlink(7), multicast groups). Open it
/// before reading the state, so that no change falls between. Not thread-safe.
/// </summary>
/// <typeparam name="T">The kind of change.</typeparam>
public sealed class ChangeMonitor<T> : IDisposable
    where T : class
{
    /// <summary>The default size of the receive buffer in bytes: thousands of changes.</summary>
    public const int DefaultReceiveBuffer = 2 * 1024 * 1024;

    /// <summary>Larger than any message but those of links with very many names.</summary>
    private const int SlotLength = 32 * 1024;

    /// <summary>Maximum number of receives in one wait, so that it ends even if changes never do.</summary>
    private const int MaxReceives = 1_000;

    private static readonly int[] _slots = [SlotLength, SlotLength];

    private readonly byte[] _buffer = new byte[2 * SlotLength];
    private readonly INetlinkTransport _transport;
    private readonly string _operation;
    private readonly ChangeReader<T> _read;

    /// <summary>Whether changes were lost; what is still queued is older than these, and is discarded.</summary>
    private bool _wereLost;

    internal ChangeMonitor(INetlinkTransport transport, string operation, ChangeReader<T> read) =>
        (_transport, _operation, _read) = (transport, operation, read);

    /// <summary>How many changes did not fit into the receive buffer since the monitor was opened, modulo 2^32.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public uint Lost => _transport.Lost;

    /// <summary>Waits for changes, and returns all that the kernel has queued.</summary>
    /// <param name="limit">Maximum wait; a signal may end the wait earlier. Zero: do not wait.</param>
    /// <returns>The changes; none if the time is over.</returns>
    /// <exception cref="NetlinkException">The kernel refuses, or a message is malformed.</exception>
    public HeardChanges<T> Wait(TimeSpan limit)
    {
        var changes = new List<T>();
        if (!_transport.WaitForDatagram(limit))
        {
            return new HeardChanges<T>(changes, WereLost: false);
        }

        for (int receives = 0; receives < MaxReceives; receives++)
        {
            int errno = Receive(changes);
            if (errno == Errno.EAGAIN)
            {
                bool wereLost = _wereLost;
                _wereLost = false;
                return new HeardChanges<T>(changes, wereLost);
            }

            if (errno is not (0 or Errno.EINTR or Errno.ENOBUFS))
            {
                throw new NetlinkException(_operation, errno);
            }

            if (errno == Errno.ENOBUFS || _wereLost)
            {
                _wereLost = true;
                changes.Clear();
            }
        }

        return new HeardChanges<T>(changes, _wereLost);
    }

    /// <inheritdoc/>
    public void Dispose() => _transport.Dispose();

    private int Receive(List<T> changes)
    {
        Span<int> lengths = stackalloc int[_slots.Length];
        int count = _transport.Receive(_buffer, _slots, lengths, out int errno);
        for (int i = 0; i < count; i++)
        {
            if (lengths[i] > SlotLength)
            {
                _wereLost = true;
                continue;
            }

            var reader = new MessageReader(_buffer.AsSpan(i * SlotLength, lengths[i]));
            while (reader.Next(out Message message))
            {
                if (message.Type > NLMSG_DONE && _read(message) is T change)
                {
                    changes.Add(change);
                }
            }
        }

        return errno;
    }
}

/// <summary>Reads a change; null for a message about something else.</summary>
internal delegate T? ChangeReader<T>(Message message)
    where T : class;
