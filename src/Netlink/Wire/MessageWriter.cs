using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink.Wire;

/// <summary>
/// Writes consecutive netlink messages into a growing buffer (netlink(7), "struct nlmsghdr" and "struct nlattr"). Sequence
/// numbers stay zero until the socket sets them in send.
/// </summary>
/// <remarks>Integers are in host byte order, except in methods whose names end in BigEndian.</remarks>
public sealed class MessageWriter
{
    private byte[] _buffer;
    private int _length;
    private int _message = -1;

    /// <summary>Creates a writer with an empty buffer.</summary>
    /// <param name="capacity">The initial buffer size in bytes.</param>
    public MessageWriter(int capacity = 1024) => _buffer = new byte[capacity];

    /// <summary>The messages written so far.</summary>
    public Span<byte> Written => _buffer.AsSpan(0, _length);

    /// <summary>Starts a message; <see cref="EndMessage"/> must be called before the next one.</summary>
    /// <param name="type">nlmsg_type.</param>
    /// <param name="flags">nlmsg_flags; NLM_F_REQUEST is added.</param>
    public void BeginMessage(ushort type, ushort flags)
    {
        if (_message >= 0)
        {
            throw new InvalidOperationException("the message before is not ended");
        }

        _message = _length;
        Span<byte> header = Take(HeaderLength);
        MemoryMarshal.Write(header[4..], type);
        MemoryMarshal.Write(header[6..], (ushort)(flags | NLM_F_REQUEST));
    }

    /// <summary>Ends the message by setting the length in its header.</summary>
    public void EndMessage()
    {
        MemoryMarshal.Write(_buffer.AsSpan(_message), (uint)(_length - _message));
        _message = -1;
    }

    /// <summary>Drops a message that was started but not ended.</summary>
    /// <returns>Whether there was such a message.</returns>
    internal bool RollBack()
    {
        if (_message < 0)
        {
            return false;
        }

        // Take relies on a zeroed buffer.
        _buffer.AsSpan(_message, _length - _message).Clear();
        (_length, _message) = (_message, -1);
        return true;
    }

    /// <summary>Adds flags to the first message.</summary>
    internal void AddFlags(ushort flags) =>
        MemoryMarshal.Write(_buffer.AsSpan(6), (ushort)(MemoryMarshal.Read<ushort>(_buffer.AsSpan(6)) | flags));

    /// <summary>Writes one byte of a fixed header.</summary>
    public void Byte(byte value) => Take(1)[0] = value;

    /// <summary>Writes two bytes of a fixed header.</summary>
    public void UInt16(ushort value) => MemoryMarshal.Write(Take(2), value);

    /// <summary>Writes two bytes of a fixed header in network byte order.</summary>
    public void UInt16BigEndian(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Take(2), value);

    /// <summary>Writes four bytes of a fixed header.</summary>
    public void UInt32(uint value) => MemoryMarshal.Write(Take(4), value);

    /// <summary>Writes four bytes of a fixed header.</summary>
    public void Int32(int value) => MemoryMarshal.Write(Take(4), value);

    /// <summary>Writes an attribute with the bytes as its value.</summary>
    /// <exception cref="NetlinkException">EMSGSIZE: the value exceeds the maximum of an attribute (65,531 bytes).</exception>
    public void Attribute(ushort type, ReadOnlySpan<byte> value) => value.CopyTo(AttributeSpace(type, value.Length));

    /// <summary>Writes an attribute of one byte.</summary>
    public void AttributeByte(ushort type, byte value) => AttributeSpace(type, 1)[0] = value;

    /// <summary>Writes an attribute of two bytes.</summary>
    public void AttributeUInt16(ushort type, ushort value) => MemoryMarshal.Write(AttributeSpace(type, 2), value);

    /// <summary>Writes an attribute of two bytes in network byte order.</summary>
    public void AttributeUInt16BigEndian(ushort type, ushort value) =>
        BinaryPrimitives.WriteUInt16BigEndian(AttributeSpace(type, 2), value);

    /// <summary>Writes an attribute of four bytes.</summary>
    public void AttributeUInt32(ushort type, uint value) => MemoryMarshal.Write(AttributeSpace(type, 4), value);

    /// <summary>Writes an attribute of four bytes in network byte order, as nf_tables uses.</summary>
    public void AttributeUInt32BigEndian(ushort type, uint value) =>
        BinaryPrimitives.WriteUInt32BigEndian(AttributeSpace(type, 4), value);

    /// <summary>Writes an attribute of eight bytes in network byte order.</summary>
    public void AttributeUInt64BigEndian(ushort type, ulong value) =>
        BinaryPrimitives.WriteUInt64BigEndian(AttributeSpace(type, 8), value);

    /// <summary>Writes a string attribute: UTF-8 with a terminating zero byte.</summary>
    public void AttributeString(ushort type, string value)
    {
        Span<byte> space = AttributeSpace(type, Encoding.UTF8.GetByteCount(value) + 1);
        Encoding.UTF8.GetBytes(value, space);
    }

    /// <summary>Writes an address attribute: 4 bytes for IPv4 or 16 for IPv6, in network byte order.</summary>
    public void AttributeAddress(ushort type, IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        bool ipv4 = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork;
        address.TryWriteBytes(AttributeSpace(type, ipv4 ? 4 : 16), out _);
    }

    /// <summary>Starts an attribute that contains nested attributes.</summary>
    /// <returns>The start position, for <see cref="EndNested"/>.</returns>
    /// <param name="type">The attribute's type, including NLA_F_NESTED if the kernel requires it.</param>
    public int BeginNested(ushort type)
    {
        int start = _length;
        Span<byte> header = Take(AttributeHeaderLength);
        MemoryMarshal.Write(header[2..], type);
        return start;
    }

    /// <summary>Ends the attribute that <see cref="BeginNested"/> started.</summary>
    /// <exception cref="NetlinkException">EMSGSIZE: the content exceeds the maximum of an attribute.</exception>
    public void EndNested(int start) => MemoryMarshal.Write(_buffer.AsSpan(start), CheckedLength(_length - start));

    private Span<byte> AttributeSpace(ushort type, int length)
    {
        ushort total = CheckedLength(AttributeHeaderLength + length);
        Span<byte> space = Take(Align(total));
        MemoryMarshal.Write(space, total);
        MemoryMarshal.Write(space[2..], type);
        return space.Slice(AttributeHeaderLength, length);
    }

    private static ushort CheckedLength(int length) => length <= ushort.MaxValue
        ? (ushort)length
        : throw new NetlinkException($"write a netlink attribute of {length} bytes", Errno.EMSGSIZE);

    /// <summary>Appends zeroed bytes to the buffer.</summary>
    private Span<byte> Take(int length)
    {
        if (_length + length > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + length));
        }

        Span<byte> space = _buffer.AsSpan(_length, length);
        _length += length;
        return space;
    }
}
