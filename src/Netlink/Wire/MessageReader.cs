using System.Runtime.InteropServices;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink.Wire;

/// <summary>One netlink message of a datagram.</summary>
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

    /// <summary>nlmsg_seq: the number of the request that this answers.</summary>
    public uint Sequence { get; }

    /// <summary>nlmsg_pid: the port of the socket whose request this answers.</summary>
    public uint Port { get; }

    /// <summary>What follows the header: the family's fixed header, then attributes.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>The attributes after a fixed header of this many bytes.</summary>
    /// <exception cref="NetlinkException">EPROTO: the message is shorter than its fixed header.</exception>
    public AttributeReader Attributes(int fixedHeader) => Payload.Length >= fixedHeader
        ? new AttributeReader(Payload[fixedHeader..])
        : throw Malformed.Message($"message type {Type} of {Payload.Length} bytes, {fixedHeader} expected");
}

/// <summary>Walks the messages of one datagram. Every length is checked against what is there before it is used.</summary>
public ref struct MessageReader
{
    private ReadOnlySpan<byte> _rest;

    /// <summary>Reads these bytes, which must be a whole datagram.</summary>
    public MessageReader(ReadOnlySpan<byte> datagram) => _rest = datagram;

    /// <summary>The next message; false at the end.</summary>
    /// <exception cref="NetlinkException">EPROTO: a length is shorter than a header or longer than what is left.</exception>
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

/// <summary>The error for bytes that do not follow the protocol.</summary>
internal static class Malformed
{
    public static NetlinkException Message(string what) => new("read the kernel's answer", Errno.EPROTO, what);
}
