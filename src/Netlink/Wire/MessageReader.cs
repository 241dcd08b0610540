using System.Runtime.InteropServices;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink.Wire;

/// <summary>A netlink message (struct nlmsghdr and its payload).</summary>
public readonly ref struct Message
{
    internal Message(ReadOnlySpan<byte> bytes)
    {
        Type = MemoryMarshal.Read<ushort>(bytes[4..]);
        Flags = MemoryMarshal.Read<ushort>(bytes[6..]);
        Sequence = MemoryMarshal.Read<uint>(bytes[8..]);
        Port = MemoryMarshal.Read<uint>(bytes[12..]);
        Payload = bytes[HeaderLength..];
    }

    /// <summary>nlmsg_type.</summary>
    public ushort Type { get; }

    /// <summary>nlmsg_flags.</summary>
    public ushort Flags { get; }

    /// <summary>nlmsg_seq: the sequence number of the request that this message answers.</summary>
    public uint Sequence { get; }

    /// <summary>nlmsg_pid: the port of the socket whose request this message answers.</summary>
    public uint Port { get; }

    /// <summary>The bytes after the header: the family's fixed header, then attributes.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>The attributes after a fixed header of this many bytes.</summary>
    /// <exception cref="NetlinkException">EPROTO: the message is shorter than its fixed header.</exception>
    public AttributeReader Attributes(int fixedHeader) => Payload.Length >= fixedHeader
        ? new AttributeReader(Payload[fixedHeader..])
        : throw Malformed.Message($"message type {Type} of {Payload.Length} bytes, {fixedHeader} expected");
}

/// <summary>Iterates over the messages of a datagram. Every length is checked against the remaining bytes.</summary>
public ref struct MessageReader
{
    private ReadOnlySpan<byte> _rest;

    /// <summary>Creates a reader of a whole datagram.</summary>
    public MessageReader(ReadOnlySpan<byte> datagram) => _rest = datagram;

    /// <summary>Reads the next message; returns false at the end.</summary>
    /// <exception cref="NetlinkException">EPROTO: a length is shorter than a header or exceeds the remaining bytes.</exception>
    public bool Next(out Message message)
    {
        if (_rest.IsEmpty)
        {
            message = default;
            return false;
        }

        if (_rest.Length < HeaderLength)
        {
            throw Malformed.Message($"{_rest.Length} bytes where a message header of {HeaderLength} must be");
        }

        uint length = MemoryMarshal.Read<uint>(_rest);
        if (length < HeaderLength || length > (uint)_rest.Length)
        {
            throw Malformed.Message($"a message says it has {length} bytes where {_rest.Length} are left");
        }

        message = new Message(_rest[..(int)length]);
        _rest = _rest[Math.Min(Align((int)length), _rest.Length)..];
        return true;
    }
}

/// <summary>Creates the error for malformed bytes.</summary>
internal static class Malformed
{
    public static NetlinkException Message(string what) => new("read the kernel's answer", Errno.EPROTO, what);
}
