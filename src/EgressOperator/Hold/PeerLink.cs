using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace EgressOperator.Hold;

/// <summary>Tells the other pod of the pair how this one is, by UDP on the cluster network, and hears it.</summary>
/// <param name="key">The key of both pods.</param>
/// <param name="others">The other pods of the selector. Promises count only if it is one: another could take the addresses.</param>
internal sealed class PeerLink(HoldContext context, Holder holder, int port, byte[] key, Func<IReadOnlyList<PairPod>> others) : IDisposable
{
    /// <summary>How many of the own messages can be answered: more than are sent while an answer counts.</summary>
    private const int Remembered = 64;

    private static readonly TimeSpan _longestSilence = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();

    private readonly long _process = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long))) | 1;

    private readonly TimeSpan[] _sentAt = new TimeSpan[Remembered];

    private readonly Socket _socket = context.Network.Run(() => Bind(port, context.Interface));

    private long _number;

    /// <summary>The newest message that was heard.</summary>
    private (long Process, long Number) _heard;

    /// <summary>The newest message that answered one of this pod.</summary>
    private PairMessage? _answer;

    private readonly HashSet<IPAddress> _failing = [];

    /// <summary>When that was heard; before the first one, when this process began.</summary>
    private TimeSpan _answeredAt = context.Now;

    private bool _isSilent;

    /// <summary>Told when the peer has given the Lease up.</summary>
    public event Action? PeerReleased;

    /// <summary>How long ago the other pod answered last, or this process began.</summary>
    public TimeSpan AnswerAge
    {
        get
        {
            lock (_lock)
            {
                return context.Now - _answeredAt;
            }
        }
    }

    /// <summary>Sends until it is stopped.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (true)
        {
            Send();
            await Task.Delay(context.Timing.Beat, context.Clock, stop);
        }
    }

    /// <summary>Listens until it is stopped.</summary>
    public async Task ListenAsync(CancellationToken stop)
    {
        var buffer = new byte[PairMessage.MaxLength + 1];
        while (true)
        {
            try
            {
                Hear(buffer.AsSpan(0, await _socket.ReceiveAsync(buffer, stop)));
            }
            catch (SocketException)
            {
                // What ICMP tells of messages that did not arrive.
            }
        }
    }

    /// <summary>Sends a message now.</summary>
    /// <param name="promises">Whether it grants what the newest message asked for.</param>
    public void Send(bool promises = false)
    {
        IReadOnlyList<PairPod> pods = others();
        lock (_lock)
        {
            TimeSpan now = context.Now;
            PairState state = holder.State;
            _sentAt[++_number % Remembered] = now;
            byte[] message = new PairMessage(
                context.Pod, _process, _number, _heard.Process, _heard.Number, pods.Count == 1 && state.Asks(now), promises,
                state.IsAble, state.IsHolding, state.LeaseHolder == state.Identity, context.Lease.TotalSeconds,
                state.ServerAnswers).Write(key);
            foreach (IPAddress address in pods.SelectMany(pod => pod.Addresses))
            {
                SendTo(address, message);
            }

            Tell(pods.Count, now);
        }
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>Nothing moves while the other pod is not heard, but nobody can promise anything either.</summary>
    private void Tell(int others, TimeSpan now)
    {
        bool isSilent = others == 1 && now > _answeredAt + _longestSilence;
        if (isSilent != _isSilent)
        {
            _isSilent = isSilent;
            string state = isSilent ? $"does not answer by UDP port {port}: while the API server is away, the holder lets go"
                : others == 0 ? "is gone" : others == 1 ? "answers again" : "is no longer the only one";
            context.Log.Warning("the other pod {State:l}", [state]);
        }
    }

    private void Hear(ReadOnlySpan<byte> datagram)
    {
        PairMessage? received = PairMessage.Read(datagram, key);
        if (received is null)
        {
            context.Metrics.Rejected();
        }

        if (received is PairMessage message && others().Any(pod => pod.Name == message.Pod)
            && Recognize(message) is (TimeSpan from, PairMessage last))
        {
            Take(message, from, hasLetGo: last.IsHolding && !message.IsHolding);
            if (message.IsAble && !last.IsAble)
            {
                // Hosts that were cut off together with the peer have its hardware address.
                holder.AnnounceAgain();
            }

            if (last.HasLease && !message.HasLease)
            {
                PeerReleased?.Invoke();
            }
        }
    }

    /// <returns>When the own message was sent that this one answers, and the answer before; null: it is old, or answers none.</returns>
    private (TimeSpan From, PairMessage Last)? Recognize(PairMessage message)
    {
        lock (_lock)
        {
            TimeSpan now = context.Now;
            bool isRemembered = message.Echo > 0 && message.Echo > _number - Remembered && message.Echo <= _number;
            TimeSpan? from = message.EchoProcess == _process && isRemembered ? _sentAt[message.Echo % Remembered] : null;
            bool isAnswer = now - from <= context.Timing.Fresh;
            // A replay answers nothing, and may not hide a peer that does.
            if (message.Process == _heard.Process ? message.Number <= _heard.Number
                : !isAnswer && _answer is not null && now < _answeredAt + context.Timing.Fresh)
            {
                return null;
            }

            _heard = (message.Process, message.Number);
            if (!isAnswer)
            {
                return null;
            }

            PairMessage last = _answer ?? message;
            (_answer, _answeredAt) = (message, now);
            return (from!.Value, last);
        }
    }

    private void Take(PairMessage message, TimeSpan from, bool hasLetGo)
    {
        bool isPair = others().Count == 1;
        bool isGranted = false;
        holder.Change((state, now) =>
        {
            PairState next = state.Heard(message.IsAble, from, now);
            next = hasLetGo ? next.PeerLetGo(now) : next;
            next = message.Promises && isPair ? next.Promised(from, now) : next;
            isGranted = message.Asks && isPair && next.MayPromise(message.ServerAnswers, now);
            return isGranted ? next.Asked(PairTiming.RespectOf(message.LeaseSeconds), now) : next;
        });
        if (isGranted)
        {
            context.Metrics.Promised();
            Send(promises: true);
        }

        if (message.Promises)
        {
            context.Metrics.GotPromise();
        }
    }

    private void SendTo(IPAddress address, byte[] message)
    {
        try
        {
            IPAddress to = _socket.AddressFamily == AddressFamily.InterNetworkV6 ? address.MapToIPv6() : address;
            if (to.AddressFamily == _socket.AddressFamily)
            {
                _socket.SendTo(message, new IPEndPoint(to, port));
            }

            _failing.Remove(address);
        }
        catch (SocketException failure)
        {
            if (_failing.Add(address))
            {
                context.Log.Warning("the other pod, {Address:l}: {Failure:l}", [address.ToString(), failure.Message]);
            }
        }
    }

    /// <summary>A socket of IPv6 serves both families.</summary>
    private static Socket Bind(int port, string link)
    {
        AddressFamily family = Socket.OSSupportsIPv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        var socket = new Socket(family, SocketType.Dgram, ProtocolType.Udp);
        if (family == AddressFamily.InterNetworkV6)
        {
            socket.DualMode = true;
        }

        ClusterRoute.Take(socket, link);
        socket.Bind(new IPEndPoint(family == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, port));
        return socket;
    }
}
