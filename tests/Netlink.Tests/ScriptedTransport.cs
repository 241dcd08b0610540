using System.Runtime.InteropServices;
using Netlink.Wire;

namespace Netlink.Tests;

/// <summary>A netlink socket with a scripted kernel: each entry is one receive's result for the last request.</summary>
internal sealed class ScriptedTransport(params ScriptedTransport.Answer[] script) : INetlinkTransport
{
    private readonly Queue<Answer> _script = new(script);
    private uint _sequence;

    /// <summary>Creates a received datagram or an error number, given the last request's sequence number.</summary>
    public delegate (byte[] Datagram, int Errno) Answer(uint sequence);

    public uint Port => 0;

    public uint Lost { get; set; }

    public int Sends { get; private set; }

    public byte[] Sent { get; private set; } = [];

    public int SendErrors { get; set; }

    public int ReservedSendBuffer { get; private set; }

    public int Reopened { get; private set; }

    public int Left => _script.Count;

    public static Answer Errno(int errno) => _ => ([], errno);

    public static Answer Bytes(byte[] datagram) => _ => (datagram, 0);

    /// <summary>Concatenates messages in one datagram.</summary>
    public static Answer Messages(params Func<uint, byte[]>[] messages) =>
        sequence => ([.. messages.SelectMany(message => message(sequence))], 0);

    public static Func<uint, byte[]> Message(ushort type, byte[] payload, ushort flags = 0, int sequenceOffset = 0) => sequence =>
    {
        var writer = new MessageWriter();
        writer.BeginMessage(type, 0);
        foreach (byte value in payload)
        {
            writer.Byte(value);
        }

        writer.EndMessage();
        byte[] bytes = writer.Written.ToArray();
        MemoryMarshal.Write(bytes.AsSpan(6), flags);
        MemoryMarshal.Write(bytes.AsSpan(8), (uint)(sequence + sequenceOffset));
        return bytes;
    };

    /// <summary>NLMSG_ERROR with a capped copy of the request; errno 0 is an acknowledgement.</summary>
    public static Func<uint, byte[]> Error(int errno, int sequenceOffset = 0) =>
        Message(2, [.. BitConverter.GetBytes(-errno), .. new byte[16]], 0x100, sequenceOffset);

    public static Func<uint, byte[]> Done(ushort flags = 2) => Message(3, new byte[4], flags);

    /// <summary>A dump handler that keeps every object.</summary>
    public static ListHandler Kept(MessageHandler handler) => message =>
    {
        handler(message);
        return true;
    };

    public int Send(ReadOnlySpan<byte> datagram)
    {
        if (SendErrors-- > 0)
        {
            return Netlink.Errno.EINTR;
        }

        Sends++;
        Sent = datagram.ToArray();
        // The sequence number of the datagram's last message.
        var reader = new MessageReader(datagram);
        while (reader.Next(out Message message))
        {
            _sequence = message.Sequence;
        }

        return 0;
    }

    public int Receive(Span<byte> buffer, ReadOnlySpan<int> slots, Span<int> lengths, out int errno)
    {
        (byte[] datagram, errno) = _script.Count > 0 ? _script.Dequeue()(_sequence) : ([], Netlink.Errno.EAGAIN);
        datagram.AsSpan(0, Math.Min(datagram.Length, slots[0])).CopyTo(buffer);
        lengths[0] = datagram.Length;
        return errno == 0 ? 1 : 0;
    }

    public bool WaitForDatagram(TimeSpan limit) => Left > 0;

    public void ReserveSendBuffer(int length) => ReservedSendBuffer = length;

    public void Reopen() => Reopened++;

    public void CloseInBackground()
    {
    }

    public void Dispose()
    {
    }
}
