using System.Net.Sockets;
using Shared;

namespace SystemTests;

/// <summary>
/// Everything that goes over a link, in both directions, as tcpdump would see it. Unlike tcpdump it works in a user namespace,
/// where no other user can be changed to.
/// </summary>
internal sealed class Capture : IDisposable
{
    private readonly LinkEnd _peer;
    private readonly Socket _socket;
    private readonly List<Frame> _frames = [];
    private long _fence;

    /// <summary>Starts to capture.</summary>
    /// <param name="link">The link.</param>
    /// <param name="peer">The other end of its veth pair.</param>
    private Capture(LinkEnd link, LinkEnd peer)
    {
        _peer = peer;
        _socket = PacketSocket.Listen(link, "capture", Take);
    }

    /// <summary>Between the node's parent interface and the outside.</summary>
    public static Capture Outside(Lab lab) => new(new(lab.Lan, "node0"), new(lab.Node, "lan0"));

    /// <summary>Between the client and the pod.</summary>
    public static Capture Cluster(Lab lab) => new(new(lab.Client, "pod0"), new(lab.Pod, "eth0"));

    /// <summary>All that went over the link until now, from either end.</summary>
    public IReadOnlyList<Frame> Frames()
    {
        using Socket peer = PacketSocket.Open(_peer);
        long number = Fence.Send(peer);
        Eventually.IsTrue(() => Volatile.Read(ref _fence) >= number, "the capture does not see its fence");

        lock (_frames)
        {
            return [.. _frames];
        }
    }

    public void Dispose() => _socket.Dispose();

    private void Take(ReadOnlySpan<byte> frame)
    {
        if (Fence.NumberOf(frame) is > 0 and long number)
        {
            Volatile.Write(ref _fence, number);
            return;
        }

        Frame one = Frame.Parse(frame);
        lock (_frames)
        {
            _frames.Add(one);
        }
    }
}
