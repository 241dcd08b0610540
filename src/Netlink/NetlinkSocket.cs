using System.Runtime.CompilerServices;
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
/// Nothing waits: the kernel has answered when the send returns. Every answer is checked for the sequence number of the
/// request: a late answer to an earlier request is skipped. EINTR is tried again; a dump that changed while it was read
/// (NLM_F_DUMP_INTR) or that overran the receive buffer (ENOBUFS) is read again from its start.
/// </remarks>
public sealed class NetlinkSocket : IDisposable
{
    private const int DumpAttempts = 10;

    /// <summary>
    /// How many messages go out in one send: their acknowledgements have to fit into the kernel's default receive buffer.
    /// </summary>
    private const int AtOnce = 100;

    /// <summary>Room for an acknowledgement or a single object.</summary>
    private const int ShortSlot = 4 * 1024;

    /// <summary>Room for what the kernel sends at once of a list.</summary>
    private const int LongSlot = 32 * 1024;

    /// <summary>More than a link with all names and addresses that it can have takes.</summary>
    private const int LongestAnswer = 1024 * 1024;

    private const int MaxRequests = 5;

    private const int BufferLength = (2 * LongSlot) + ((MaxRequests - 1) * ShortSlot);

    /// <summary>Of a list there come one part, and then as a rule the word that it was the last.</summary>
    private static readonly int[] _forList = [LongSlot, LongSlot];

    private static readonly int[] _forShort = [.. Enumerable.Repeat(ShortSlot, BufferLength / ShortSlot)];

    private readonly INetlinkTransport _transport;
    private readonly ReadBudget? _budget;
    private uint _sequence;

    /// <summary>The length of an answer that did not fit in; 0 if all did.</summary>
    private int _cutOff;

    /// <summary>Room for such answers; 0 as long as none came.</summary>
    private int _room;

    internal NetlinkSocket(INetlinkTransport transport, ReadBudget? budget = null)
    {
        _transport = transport;
        _budget = budget;
    }

    /// <summary>Opens a NETLINK_ROUTE socket in the calling thread's network namespace.</summary>
    /// <param name="budget">What lists may cost; such a socket is used by this thread only, and in this namespace. Null: no bound.</param>
    /// <exception cref="NetlinkException">The kernel refuses the socket or one of its options.</exception>
    public static NetlinkSocket OpenRoute(ReadBudget? budget = null) => new(KernelTransport.Open(NETLINK_ROUTE), budget);

    /// <summary>Opens a NETLINK_NETFILTER socket in the calling thread's network namespace.</summary>
    /// <param name="budget">What lists may cost; such a socket is used by this thread only, and in this namespace. Null: no bound.</param>
    /// <exception cref="NetlinkException">The kernel refuses the socket (EPROTONOSUPPORT: it has no nf_tables).</exception>
    public static NetlinkSocket OpenNetFilter(ReadBudget? budget = null) => new(KernelTransport.Open(NETLINK_NETFILTER), budget);

    /// <summary>
    /// Sends the messages of the batch, as many in one send as can be acknowledged at once, and reads the kernel's
    /// acknowledgement of each. The kernel carries them out one by one, in order; one that fails does not stop the others.
    /// </summary>
    /// <exception cref="NetlinkException">The first failure, with the operation that failed.</exception>
    public void Execute(RequestBatch batch)
    {
        if (TryExecute(batch) is [RefusedRequest first, ..])
        {
            throw first.Error;
        }
    }

    /// <summary>As <see cref="Execute(RequestBatch)"/>, but returns the failures of single messages, in their order.</summary>
    /// <exception cref="NetlinkException">The batch could not be sent, or the kernel does not answer.</exception>
    public IReadOnlyList<RefusedRequest> TryExecute(RequestBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        batch.RollBack();
        var failures = new List<RefusedRequest>();
        Span<byte> rest = batch.Writer.Written;
        for (int done = 0; done < batch.Count;)
        {
            int count = Math.Min(batch.Count - done, AtOnce);
            int length = LengthOf(rest, count);
            Execute(rest[..length], batch.Operations, done, count, failures);
            rest = rest[length..];
            done += count;
        }

        return failures;
    }

    /// <summary>
    /// Sends one batch of nf_tables messages, which the kernel carries out as a whole or not at all (nfnetlink batch).
    /// </summary>
    /// <exception cref="NetlinkException">The first failure, with the operation that failed; nothing was changed.</exception>
    public void ExecuteAtomically(RequestBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        batch.RollBack();
        _transport.ReserveSendBuffer(batch.Writer.Written.Length);
        // Only BATCH_END's forerunner is acknowledged when all is well; failures are reported for each message.
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
            // A failure of the whole batch (permission, memory) is reported for its first message, and ends it.
            done = message.Sequence == acknowledged || message.Sequence == first;
        });
        if (failure is not null)
        {
            throw failure;
        }
    }

    /// <summary>Asks questions in one send. Of lists there may be one, the last question.</summary>
    /// <exception cref="NetlinkException">
    /// The kernel refuses, a list changed during each of several attempts, or it costs more than the budget allows (E2BIG, ETIMEDOUT).
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

    /// <summary>As <see cref="AskOnce"/>, and with more room where an answer did not fit in: a link can have very many names.</summary>
    private bool TryAsk(ReadOnlySpan<NetlinkRequest> questions, NetlinkRequest? list)
    {
        while (true)
        {
            try
            {
                return AskOnce(questions, list);
            }
            catch (NetlinkException) when (_cutOff > _room && _cutOff <= LongestAnswer && (list is null || _budget is not null))
            {
                // Of a list the rest would still come; with a budget the socket was opened anew.
                (_room, _cutOff) = (2 * _cutOff, 0);
                _budget?.Begin();
            }
        }
    }

    /// <summary>False when the list changed while it was read.</summary>
    private bool AskOnce(ReadOnlySpan<NetlinkRequest> questions, NetlinkRequest? list)
    {
        list?.Restart!();
        NetlinkRequest[] asked = questions.ToArray();
        uint first = SendAll(asked, list);
        var answered = new Answered(asked.Length);
        bool consistent = true;
        NetlinkException? failure = null;
        // The single objects come before the list.
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
                if (ReadListed(message, question, ref failure))
                {
                    answered.Set(index);
                }
            },
            // Messages were lost, but the dump goes on, and the kernel takes no other before its end.
            onOverrun: list is null ? null : () => consistent = false);
        }
        catch (NetlinkException) when (list is not null && _budget is not null)
        {
            // Whoever goes on without this list, as DEL does, has the whole budget for the next.
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

    /// <summary>Whether it was the last message of the list.</summary>
    private bool ReadListed(Message message, NetlinkRequest question, ref NetlinkException? failure)
    {
        switch (message.Type)
        {
            case NLMSG_ERROR:
                failure ??= NetlinkErrorReader.Read(message, question.Operation);
                return true;
            case NLMSG_DONE:
                // A dump that fails half-way says so in its last message.
                failure ??= NetlinkErrorReader.ReadDone(message, question.Operation);
                return true;
            default:
                if (question.Handler(message))
                {
                    _budget?.Keep(message.Payload.Length, question.Operation);
                }

                // The answer to a dump that the kernel made in one piece has no NLMSG_DONE.
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

    /// <summary>The bytes of the first messages.</summary>
    private static int LengthOf(ReadOnlySpan<byte> messages, int count)
    {
        int length = 0;
        for (int i = 0; i < count; i++)
        {
            length += Align(MemoryMarshal.Read<int>(messages[length..]));
        }

        return length;
    }

    /// <summary>Numbers the messages, sends them, and returns the number of the first.</summary>
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

    /// <summary>Reads until all has come, the first time with these slots, then with those of a list, which hold anything.</summary>
    [SkipLocalsInit]
    private void ReceiveUntil(Func<bool> done, int[] slots, object operation, MessageHandler handler, Action? onOverrun = null)
    {
        Span<byte> buffer = _room > 0 ? new byte[_room] : stackalloc byte[BufferLength];
        slots = _room > 0 ? [_room] : slots;
        while (!done())
        {
            ReceiveOnce(buffer, slots, operation, handler, onOverrun);
            slots = slots == _forShort || _room > 0 ? slots : _forList;
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
                _cutOff = lengths[i];
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

    /// <summary>Which messages of one send have been answered; a repeated answer does not count.</summary>
    private sealed class Answered(int count)
    {
        private readonly bool[] _answered = new bool[count];
        private int _left = count;

        public bool All => _left == 0;

        public bool Has(uint index) => _answered[index];

        /// <summary>False where there is no such message, or its answer has come before.</summary>
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
