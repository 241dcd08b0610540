using System.Buffers.Binary;
using System.Net.Sockets;

namespace SystemTests;

/// <summary>
/// Frames that follow other traffic on the same path: once a fence has arrived, the kernel has processed all that was sent before it.
/// </summary>
internal static class Fence
{
    /// <summary>IEEE 802's first EtherType for experiments: no program looks at such a frame.</summary>
    private const int EtherType = 0x88b5;

    private const int HeaderLength = 14;

    private static long _last;

    /// <summary>Waits until the pod has got all that the outside sent, and the outside all of the pod's answers.</summary>
    public static void PassOutside(Lab lab) => PassBothWays(new(lab.Lan, "node0"), new(lab.Pod, "net1"));

    /// <summary>The same between client and pod.</summary>
    public static void PassCluster(Lab lab) => PassBothWays(new(lab.Client, "pod0"), new(lab.Pod, "eth0"));

    /// <summary>Sends a fence to everybody on the link, and returns its number.</summary>
    public static long Send(Socket from)
    {
        long number = Interlocked.Increment(ref _last);
        var frame = new byte[60];
        frame.AsSpan(0, 6).Fill(0xff);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), EtherType);
        BinaryPrimitives.WriteInt64BigEndian(frame.AsSpan(HeaderLength), number);
        from.Send(frame);
        return number;
    }

    /// <summary>The number of a fence; 0 for any other frame.</summary>
    public static long NumberOf(ReadOnlySpan<byte> frame) => BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) == EtherType
        ? BinaryPrimitives.ReadInt64BigEndian(frame[HeaderLength..])
        : 0;

    /// <summary>Passes twice: who answers may have to ask for a hardware address first.</summary>
    private static void PassBothWays(LinkEnd here, LinkEnd there)
    {
        using Socket near = PacketSocket.Open(here);
        using Socket far = PacketSocket.Open(there);
        near.ReceiveTimeout = far.ReceiveTimeout = 5000;
        for (int round = 0; round < 2; round++)
        {
            Pass(near, far);
            Pass(far, near);
        }
    }

    private static void Pass(Socket from, Socket to)
    {
        long number = Send(from);
        var buffer = new byte[1 << 17];
        int length;
        do
        {
            length = to.Receive(buffer);
        }
        while (NumberOf(buffer.AsSpan(0, length)) != number);
    }
}
