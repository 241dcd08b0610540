using System.Diagnostics;
using System.Runtime.InteropServices;
using Netlink.Wire;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink;

/// <summary>Reads one message of a dump or of an answer; what it cannot use it skips.</summary>
public delegate void MessageHandler(Message message);

/// <summary>
/// A netlink socket of one family. It stays in the network namespace that it was opened in, whatever the thread does
/// later. Not thread-safe.
/// </summary>
/// <remarks>
/// Every answer is checked for the port and the sequence number of the request: a late answer to an earlier request is
/// skipped. Every wait is bounded by <see cref="Timeout"/>. EINTR is tried again; a dump that changed while it was read
/// (NLM_F_DUMP_INTR) or that overran the receive buffer (ENOBUFS) is read again from its start.
/// </remarks>
public sealed class NetlinkSocket : IDisposable
{
    private const int DumpAttempts = 10;

    private readonly INetlinkTransport _transport;
    private readonly byte[] _receiveBuffer = GC.AllocateUninitializedArray<byte>(64 * 1024);
    private uint _sequence;

    internal NetlinkSocket(INetlinkTransport transport) => _transport = transport;

    /// <summary>How long the kernel may take to answer one request.</summary>
    public static TimeSpan Timeout { get; } = TimeSpan.FromSeconds(4);

    /// <summary>Opens a NETLINK_ROUTE socket in the calling thread's network namespace.</summary>
    /// <exception cref="NetlinkException">The kernel refuses the socket or one of its options.</exception>
    public static NetlinkSocket OpenRoute() => new(KernelTransport.Open(NETLINK_ROUTE, Timeout));

    /// <summary>Opens a NETLINK_NETFILTER socket in the calling thread's network namespace.</summary>
    /// <exception cref="NetlinkException">The kernel refuses the socket (EPROTONOSUPPORT: it has no nf_tables).</exception>
    public static NetlinkSocket OpenNetFilter() => new(KernelTransport.Open(NETLINK_NETFILTER, Timeout));

    /// <summary>
    /// Sends all messages of the batch in one send, and waits for the kernel's acknowledgement of each. The kernel
    /// carries them out one by one, in order; one that fails does not stop the others.
    /// </summary>
    /// <exception cref="NetlinkException">The first failure, with the operation that failed.</exception>
    public void Execute(RequestBatch batch)
    {
        if (TryExecute(batch) is [NetlinkException first, ..])
        {
            throw first;
        }
    }

    /// <summary>As <see cref="Execute"/>, but returns the failures of single messages, in their order.</summary>
    /// <exception cref="NetlinkException">The batch could not be sent, or the kernel does not answer.</exception>
    public IReadOnlyList<NetlinkException> TryExecute(RequestBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var failures = new List<NetlinkException>();
        if (batch.Count == 0)
        {
            return failures;
        }

        uint first = Send(batch.Writer, NLM_F_ACK, batch.Operations[0]);
        int waiting = batch.Count;
        ReceiveUntil(() => waiting == 0, batch.Operations[0], message =>
        {
            uint index = message.Sequence - first;
            if (index >= (uint)batch.Count || message.Type != NLMSG_ERROR)
            {
                return;
            }

            waiting--;
            if (KernelError.Read(message, batch.Operations[(int)index]) is NetlinkException failure)
            {
                failures.Add(failure);
            }
        });
        return failures;
    }

    /// <summary>
    /// Sends one batch of nf_tables messages, which the kernel carries out as a whole or not at all (nfnetlink batch).
    /// </summary>
    /// <exception cref="NetlinkException">The first failure, with the operation that failed; nothing was changed.</exception>
    public void ExecuteAtomically(RequestBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        _transport.ReserveSendBuffer(batch.Writer.Written.Length);
        // Only BATCH_END's forerunner is acknowledged when all is well; failures are reported for each message.
        uint first = Send(batch.Writer, 0, batch.Operations[0]);
        uint acknowledged = first + (uint)batch.Count - 2;
        NetlinkException? failure = null;
        bool done = false;
        ReceiveUntil(() => done, batch.Operations[0], message =>
        {
            uint index = message.Sequence - first;
            if (index >= (uint)batch.Count || message.Type != NLMSG_ERROR)
            {
                return;
            }

            failure ??= KernelError.Read(message, batch.Operations[(int)index]);
            // A failure of the whole batch (permission, memory) is reported for its first message, and ends it.
            done = message.Sequence == acknowledged || message.Sequence == first;
        });
        if (failure is not null)
        {
            throw failure;
        }
    }

    /// <summary>Asks for one object.</summary>
    /// <returns>False when the kernel says that there is none with one of <paramref name="absent"/>'s error numbers.</returns>
    /// <exception cref="NetlinkException">Any other error.</exception>
    public bool Get(MessageWriter request, string operation, ReadOnlySpan<int> absent, MessageHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        uint sequence = Send(request, 0, operation);
        NetlinkException? failure = null;
        bool done = false;
        ReceiveUntil(() => done, operation, message =>
        {
            if (message.Sequence != sequence)
            {
                return;
            }

            done = true;
            if (message.Type == NLMSG_ERROR)
            {
                failure = KernelError.Read(message, operation) ?? Malformed.Message("an acknowledgement where an object was asked for");
            }
            else
            {
                handler(message);
            }
        });
        if (failure is null)
        {
            return true;
        }

        return absent.Contains(failure.Number) ? false : throw failure;
    }

    /// <summary>Asks for a list of objects.</summary>
    /// <param name="request">One message; NLM_F_DUMP is added.</param>
    /// <param name="operation">What is being read, for errors.</param>
    /// <param name="restart">Called before each attempt: forget what was read.</param>
    /// <param name="handler">Called for each object.</param>
    /// <exception cref="NetlinkException">The kernel refuses, or the list changed during each of several attempts.</exception>
    public void Dump(MessageWriter request, string operation, Action restart, MessageHandler handler)
    {
        ArgumentNullException.ThrowIfNull(restart);
        for (int attempt = 1; ; attempt++)
        {
            restart();
            if (DumpOnce(request, operation, handler))
            {
                return;
            }

            if (attempt == DumpAttempts)
            {
                throw new NetlinkException(operation, Errno.EINTR, $"the list changed during each of {attempt} attempts to read it");
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _transport.Dispose();

    private bool DumpOnce(MessageWriter request, string operation, MessageHandler handler)
    {
        uint sequence = Send(request, NLM_F_DUMP, operation);
        bool done = false;
        bool consistent = true;
        NetlinkException? failure = null;
        ReceiveUntil(() => done, operation, message =>
        {
            if (message.Sequence != sequence)
            {
                return;
            }

            consistent &= (message.Flags & NLM_F_DUMP_INTR) == 0;
            switch (message.Type)
            {
                case NLMSG_ERROR:
                    failure = KernelError.Read(message, operation);
                    done = true;
                    break;
                case NLMSG_DONE:
                    // A dump that fails half-way says so in its last message.
                    failure = KernelError.ReadDone(message, operation);
                    done = true;
                    break;
                default:
                    handler(message);
                    // The answer to a dump that the kernel made in one piece has no NLMSG_DONE.
                    done = (message.Flags & NLM_F_MULTI) == 0;
                    break;
            }
        },
        // Messages were lost, but the dump goes on, and the kernel takes no other before its end.
        onOverrun: () => consistent = false);
        return failure is null || failure.Number == Errno.EINTR ? consistent && failure is null : throw failure;
    }

    /// <summary>Numbers the messages, sends them, and returns the number of the first.</summary>
    private uint Send(MessageWriter writer, ushort flags, string operation)
    {
        uint first = _sequence + 1;
        Span<byte> rest = writer.Written;
        while (!rest.IsEmpty)
        {
            int length = MemoryMarshal.Read<int>(rest);
            MemoryMarshal.Write(rest[6..], (ushort)(MemoryMarshal.Read<ushort>(rest[6..]) | flags));
            MemoryMarshal.Write(rest[8..], ++_sequence);
            rest = rest[Align(length)..];
        }

        int errno;
        do
        {
            errno = _transport.Send(writer.Written);
        }
        while (errno == Errno.EINTR);

        return errno == 0 ? first : throw new NetlinkException(operation, errno);
    }

    private void ReceiveUntil(Func<bool> done, string operation, MessageHandler handler, Action? onOverrun = null)
    {
        long start = Stopwatch.GetTimestamp();
        while (!done())
        {
            int length = _transport.Receive(_receiveBuffer, out int errno);
            // Strangers' messages and signals must not prolong the wait for ever.
            if (errno == Errno.EAGAIN || Stopwatch.GetElapsedTime(start) > Timeout)
            {
                throw new NetlinkException(operation, Errno.EAGAIN, $"no answer from the kernel within {Timeout.TotalSeconds} s");
            }

            if (errno == Errno.EINTR)
            {
                continue;
            }

            if (errno == Errno.ENOBUFS && onOverrun is not null)
            {
                onOverrun();
                continue;
            }

            if (errno != 0)
            {
                throw new NetlinkException(operation, errno);
            }

            if (length > _receiveBuffer.Length)
            {
                throw new NetlinkException(operation, Errno.EMSGSIZE, $"the kernel's answer of {length} bytes was cut off");
            }

            var reader = new MessageReader(_receiveBuffer.AsSpan(0, length));
            while (!done() && reader.Next(out Message message))
            {
                if (message.Port == _transport.Port && message.Type != NLMSG_NOOP)
                {
                    handler(message);
                }
            }
        }
    }
}
