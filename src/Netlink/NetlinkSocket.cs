using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Netlink.Wire;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink;

/// <summary>Handles one message of an answer; ignores messages that it does not use.</summary>
public delegate void MessageHandler(Message message);

/// <summary>
/// A socket of one netlink family. It stays in the network namespace in which it was opened, even if the thread enters another
/// one. Not thread-safe.
/// </summary>
/// <remarks>
/// Receiving never blocks: the kernel answers before the send returns. Answers are matched by sequence number, so that a
/// late answer to an earlier request is skipped. EINTR is retried. A dump is repeated if it changed while it was read
/// (NLM_F_DUMP_INTR) or overran the receive buffer (ENOBUFS).
/// </remarks>
public sealed class NetlinkSocket : IDisposable
{
    private const int DumpAttempts = 10;

    /// <summary>Messages per send: their acknowledgements must fit into the kernel's default receive buffer.</summary>
    private const int MessagesPerSend = 100;

    /// <summary>Buffer bytes for an acknowledgement or a single object.</summary>
    private const int ShortSlot = 4 * 1024;

    /// <summary>Buffer bytes for one datagram of a dump.</summary>
    private const int LongSlot = 32 * 1024;

    /// <summary>Larger than the message for a link with the maximum of names and addresses.</summary>
    private const int MaxAnswerLength = 1024 * 1024;

    private const int MaxRequests = 5;

    private const int BufferLength = (2 * LongSlot) + ((MaxRequests - 1) * ShortSlot);

    /// <summary>A dump usually arrives as one datagram of objects and one with NLMSG_DONE.</summary>
    private static readonly int[] _forList = [LongSlot, LongSlot];

    private static readonly int[] _forShort = [.. Enumerable.Repeat(ShortSlot, BufferLength / ShortSlot)];

    private readonly INetlinkTransport _transport;
    private readonly ReadBudget? _budget;
    private uint _sequence;

    /// <summary>The full length of a truncated answer; 0 if none was truncated.</summary>
    private int _truncated;

    /// <summary>The buffer length after a truncated answer; 0 before the first one.</summary>
    private int _enlarged;

    /// <summary>The socket's number in the namespace: nl_pid in netlink(7), not always the process ID.</summary>
    public uint Port => _transport.Port;

    internal NetlinkSocket(INetlinkTransport transport, ReadBudget? budget = null)
    {
        _transport = transport;
        _budget = budget;
    }

    /// <summary>Opens a NETLINK_ROUTE socket in the calling thread's network namespace.</summary>
    /// <param name="budget">Limits dumps and ties the socket to this thread and namespace; null for no limit.</param>
    /// <exception cref="NetlinkException">The kernel refuses the socket or one of its options.</exception>
    public static NetlinkSocket OpenRoute(ReadBudget? budget = null) => new(KernelTransport.Open(NETLINK_ROUTE), budget);

    /// <summary>Opens a NETLINK_NETFILTER socket in the calling thread's network namespace.</summary>
    /// <param name="budget">Limits dumps and ties the socket to this thread and namespace; null for no limit.</param>
    /// <exception cref="NetlinkException">The kernel refuses the socket (EPROTONOSUPPORT: it has no nf_tables).</exception>
    public static NetlinkSocket OpenNetFilter(ReadBudget? budget = null) => new(KernelTransport.Open(NETLINK_NETFILTER), budget);

    /// <summary>
    /// Sends the messages of the batch, in several sends if there are many, and reads the acknowledgement of each. The kernel
    /// applies them one by one, in order; a failed message does not stop the others.
    /// </summary>
    /// <exception cref="NetlinkException">The first failure, with the operation that failed.</exception>
    public void Execute(RequestBatch batch)
    {
        if (TryExecute(batch) is [RefusedRequest first, ..])
        {
            throw first.Error;
        }
    }

    /// <summary>Like <see cref="Execute(RequestBatch)"/>, but returns the failures of single messages, in order.</summary>
    /// <exception cref="NetlinkException">The batch could not be sent, or the kernel does not answer.</exception>
    public IReadOnlyList<RefusedRequest> TryExecute(RequestBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        batch.RollBack();
        var failures = new List<RefusedRequest>();
        Span<byte> rest = batch.Writer.Written;
        for (int done = 0; done < batch.Count;)
        {
            int count = Math.Min(batch.Count - done, MessagesPerSend);
            int length = LengthOf(rest, count);
            Execute(rest[..length], batch.Operations, done, count, failures);
            rest = rest[length..];
            done += count;
        }

        return failures;
    }

    /// <summary>Sends a batch of nf_tables messages, which the kernel applies atomically (nfnetlink batch).</summary>
    /// <exception cref="NetlinkException">The first failure, with the operation that failed; nothing was changed.</exception>
    public void ExecuteAtomically(RequestBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        batch.RollBack();
        _transport.ReserveSendBuffer(batch.Writer.Written.Length);
        // On success only the message before BATCH_END is acknowledged; a failure is reported for each message that failed.
        uint first = Send(batch.Writer.Written, 0, batch.Operations[0]);
        uint acknowledged = first + (uint)batch.Count - 2;
        NetlinkException? failure = null;
        bool done = false;
        ReceiveUntil(() => done, _forShort, batch.Operations[0], message =>
        {
            uint index = message.Sequence - first;
            if (index >= (uint)batch.Count || message.Type != NLMSG_ERROR)
            {
                return;
            }

            failure ??= NetlinkErrorReader.Read(message, batch.Operations[(int)index]);
            // A failure of the whole batch (permission, memory) is reported for its first message and is the last answer.
            done = message.Sequence == acknowledged || message.Sequence == first;
        });
        if (failure is not null)
        {
            throw failure;
        }
    }

    /// <summary>Sends requests in one send and reads their answers. Only the last request may be a dump.</summary>
    /// <exception cref="NetlinkException">
    /// The kernel refuses, the dump changed during each of several attempts, or it exceeds the budget (E2BIG, ETIMEDOUT).
    /// </exception>
    internal void Ask(params ReadOnlySpan<NetlinkRequest> questions)
    {
        NetlinkRequest? list = questions[^1].Restart is null ? null : questions[^1];
        long others = list is null ? 0 : _budget?.Begin() ?? 0;
        try
        {
            for (int attempt = 1; !TryAsk(questions, list); attempt++)
            {
                if (attempt == DumpAttempts)
                {
                    throw new NetlinkException(
                        list!.Operation, Errno.EINTR, $"the list changed during each of {attempt} attempts to read it");
                }

                questions = questions[^1..];
                _budget?.BeginAgain(others);
            }
        }
        finally
        {
            _budget?.End();
        }
    }

    /// <inheritdoc cref="INetlinkTransport.CloseInBackground"/>
    internal void CloseInBackground() => _transport.CloseInBackground();

    /// <inheritdoc/>
    public void Dispose() => _transport.Dispose();

    private void Execute(Span<byte> messages, IReadOnlyList<object> operations, int begin, int count, List<RefusedRequest> failures)
    {
        uint first = Send(messages, NLM_F_ACK, operations[begin]);
        var answered = new Answered(count);
        ReceiveUntil(() => answered.All, _forShort, operations[begin], message =>
        {
            uint index = message.Sequence - first;
            if (message.Type != NLMSG_ERROR || !answered.Set(index))
            {
                return;
            }

            object operation = operations[begin + (int)index];
            if (NetlinkErrorReader.Read(message, operation) is NetlinkException failure)
            {
                failures.Add(new RefusedRequest(operation, failure));
            }
        });
    }

    /// <summary>Like <see cref="AskOnce"/>, but repeats a truncated answer with a larger buffer: a link can have very many names.</summary>
    private bool TryAsk(ReadOnlySpan<NetlinkRequest> questions, NetlinkRequest? list)
    {
        while (true)
        {
            try
            {
                return AskOnce(questions, list);
            }
            catch (NetlinkException) when (_truncated > _enlarged && _truncated <= MaxAnswerLength && (list is null || _budget is not null))
            {
                // The rest of a dump would still arrive, unless AskOnce reopened the socket, as it does with a budget.
                (_enlarged, _truncated) = (2 * _truncated, 0);
                _budget?.Begin();
            }
        }
    }

    /// <returns>False if the dump changed while it was read.</returns>
    private bool AskOnce(ReadOnlySpan<NetlinkRequest> questions, NetlinkRequest? list)
    {
        list?.Restart!();
        NetlinkRequest[] asked = questions.ToArray();
        uint first = SendAll(asked, list);
        var answered = new Answered(asked.Length);
        bool consistent = true;
        NetlinkException? failure = null;
        // The single objects arrive before the dump.
        int[] slots = list is null ? _forShort : [.. Enumerable.Repeat(ShortSlot, asked.Length - 1), .. _forList];
        bool IsAnswered()
        {
            if (list is not null)
            {
                _budget?.CheckTime(list.Operation);
            }

            return answered.All;
        }

        try
        {
            ReceiveUntil(IsAnswered, slots, asked[0].Operation, message =>
            {
                uint index = message.Sequence - first;
                if (index >= (uint)asked.Length || answered.Has(index))
                {
                    return;
                }

                NetlinkRequest question = asked[index];
                if (question != list)
                {
                    ReadOne(message, question, ref failure);
                    answered.Set(index);
                    return;
                }

                consistent &= (message.Flags & NLM_F_DUMP_INTR) == 0;
                if (ReadDumped(message, question, ref failure))
                {
                    answered.Set(index);
                }
            },
            // Messages were lost, but the dump continues, and the kernel refuses another one before its end.
            onOverrun: list is null ? null : () => consistent = false);
        }
        catch (NetlinkException) when (list is not null && _budget is not null)
        {
            // A caller that continues without this dump, such as DEL, gets the whole budget for the next one.
            _transport.Reopen();
            _budget.Restart();
            throw;
        }

        return failure is null || (list is not null && failure.Number == Errno.EINTR) ? consistent && failure is null : throw failure;
    }

    private static void ReadOne(Message message, NetlinkRequest question, ref NetlinkException? failure)
    {
        if (message.Type != NLMSG_ERROR)
        {
            question.Handler(message);
            return;
        }

        NetlinkException refused = NetlinkErrorReader.Read(message, question.Operation)
            ?? Malformed.Message("an acknowledgement where an object was asked for");
        question.IsFound = false;
        if (!question.Absent.Contains(refused.Number))
        {
            failure ??= refused;
        }
    }

    /// <returns>Whether this was the last message of the dump.</returns>
    private bool ReadDumped(Message message, NetlinkRequest question, ref NetlinkException? failure)
    {
        switch (message.Type)
        {
            case NLMSG_ERROR:
                failure ??= NetlinkErrorReader.Read(message, question.Operation);
                return true;
            case NLMSG_DONE:
                // NLMSG_DONE carries the error of a dump that failed midway.
                failure ??= NetlinkErrorReader.ReadDone(message, question.Operation);
                return true;
            default:
                if (question.Handler(message))
                {
                    _budget?.Keep(message.Payload.Length, question.Operation);
                }

                // A dump without NLM_F_MULTI is a single message without NLMSG_DONE.
                return (message.Flags & NLM_F_MULTI) == 0;
        }
    }

    private uint SendAll(NetlinkRequest[] questions, NetlinkRequest? list)
    {
        list?.Request.AddFlags(NLM_F_DUMP);
        if (questions.Length > MaxRequests)
        {
            throw new ArgumentException($"{questions.Length} questions are too many for one send");
        }

        if (questions.Length == 1)
        {
            return Send(questions[0].Request.Written, 0, questions[0].Operation);
        }

        byte[] all = new byte[questions.Sum(question => question.Request.Written.Length)];
        int length = 0;
        foreach (NetlinkRequest question in questions)
        {
            question.Request.Written.CopyTo(all.AsSpan(length));
            length += question.Request.Written.Length;
        }

        return Send(all, 0, questions[0].Operation);
    }

    /// <summary>The number of bytes of the first <paramref name="count"/> messages.</summary>
    private static int LengthOf(ReadOnlySpan<byte> messages, int count)
    {
        int length = 0;
        for (int i = 0; i < count; i++)
        {
            length += Align(MemoryMarshal.Read<int>(messages[length..]));
        }

        return length;
    }

    /// <summary>Sets sequence numbers and flags, sends the messages, and returns the first sequence number.</summary>
    private uint Send(Span<byte> messages, ushort flags, object operation)
    {
        uint first = _sequence + 1;
        for (Span<byte> rest = messages; !rest.IsEmpty; rest = rest[LengthOf(rest, 1)..])
        {
            MemoryMarshal.Write(rest[6..], (ushort)(MemoryMarshal.Read<ushort>(rest[6..]) | flags));
            MemoryMarshal.Write(rest[8..], ++_sequence);
        }

        int errno;
        do
        {
            errno = _transport.Send(messages);
        }
        while (errno == Errno.EINTR);

        return errno == 0 ? first : throw new NetlinkException($"{operation}", errno) { WasSent = false };
    }

    /// <summary>Receives until done: first into the given slots, then, if these include dump slots, into dump slots.</summary>
    [SkipLocalsInit]
    private void ReceiveUntil(Func<bool> done, int[] slots, object operation, MessageHandler handler, Action? onOverrun = null)
    {
        Span<byte> buffer = _enlarged > 0 ? new byte[_enlarged] : stackalloc byte[BufferLength];
        slots = _enlarged > 0 ? [_enlarged] : slots;
        while (!done())
        {
            ReceiveOnce(buffer, slots, operation, handler, onOverrun);
            slots = slots == _forShort || _enlarged > 0 ? slots : _forList;
        }
    }

    private void ReceiveOnce(Span<byte> buffer, int[] slots, object operation, MessageHandler handler, Action? onOverrun)
    {
        Span<int> lengths = stackalloc int[slots.Length];
        int count = _transport.Receive(buffer, slots, lengths, out int errno);
        switch (errno)
        {
            case 0:
                break;
            case Errno.EINTR:
                return;
            case Errno.EAGAIN:
                throw new NetlinkException($"{operation}", errno, "the kernel did not answer");
            case Errno.ENOBUFS when onOverrun is not null:
                onOverrun();
                return;
            default:
                throw new NetlinkException($"{operation}", errno);
        }

        for (int i = 0; i < count; i++)
        {
            if (lengths[i] > slots[i])
            {
                _truncated = lengths[i];
                throw new NetlinkException($"{operation}", Errno.EMSGSIZE, $"the kernel's answer of {lengths[i]} bytes was cut off");
            }

            var reader = new MessageReader(buffer[..lengths[i]]);
            while (reader.Next(out Message message))
            {
                if (message.Type != NLMSG_NOOP)
                {
                    handler(message);
                }
            }

            buffer = buffer[slots[i]..];
        }
    }

    /// <summary>Tracks which messages of one send have been answered.</summary>
    private sealed class Answered(int count)
    {
        private readonly bool[] _answered = new bool[count];
        private int _left = count;

        public bool All => _left == 0;

        public bool Has(uint index) => _answered[index];

        /// <returns>False if the message does not exist or was answered before.</returns>
        public bool Set(uint index)
        {
            if (index >= (uint)_answered.Length || _answered[index])
            {
                return false;
            }

            _left--;
            return _answered[index] = true;
        }
    }
}
