using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink.Wire;

/// <summary>
/// Writes netlink messages one after the other into one buffer that grows (netlink(7), "struct nlmsghdr" and
/// "struct nlattr"). Sequence numbers are left zero: the socket fills them in when it sends.
/// </summary>
/// <remarks>Integers are in the machine's byte order; the methods whose names end in BigEndian are not.</remarks>
public sealed class MessageWriter
{
    private byte[] _buffer;
    private int _length;
    private int _message = -1;

    /// <summary>An empty buffer.</summary>
    /// <param name="capacity">Bytes to reserve at the start; it grows by itself.</param>
    public MessageWriter(int capacity = 1024) => _buffer = new byte[capacity];

    /// <summary>All complete messages so far.</summary>
    public Span<byte> Written => _buffer.AsSpan(0, _length);

    /// <summary>Starts a message; <see cref="EndMessage"/> must follow before the next.</summary>
    /// <param name="type">nlmsg_type.</param>
    /// <param name="flags">nlmsg_flags besides NLM_F_REQUEST.</param>
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

    /// <summary>Ends the message: its length is written into its header.</summary>
    public void EndMessage()
    {
        MemoryMarshal.Write(_buffer.AsSpan(_message), (uint)(_length - _message));
        _message = -1;
    }

    /// <summary>Drops a message that was begun and not ended, where there is one.</summary>
    /// <returns>Whether there was one.</returns>
    internal bool RollBack()
    {
        if (_message < 0)
        {
            return false;
        }

        // What is taken next has to be zero.
        _buffer.AsSpan(_message, _length - _message).Clear();
        (_length, _message) = (_message, -1);
        return true;
    }

    /// <summary>Adds flags to the message that was written first.</summary>
    internal void AddFlags(ushort flags) =>
        MemoryMarshal.Write(_buffer.AsSpan(6), (ushort)(MemoryMarshal.Read<ushort>(_buffer.AsSpan(6)) | flags));

    /// <summary>One byte of a fixed header.</summary>
    public void Byte(byte value) => Take(1)[0] = value;

    /// <summary>Two bytes of a fixed header.</summary>
    public void UInt16(ushort value) => MemoryMarshal.Write(Take(2), value);

    /// <summary>Two bytes of a fixed header, in network byte order.</summary>
    public void UInt16BigEndian(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Take(2), value);

    /// <summary>Four bytes of a fixed header.</summary>
    public void UInt32(uint value) => MemoryMarshal.Write(Take(4), value);

    /// <summary>Four bytes of a fixed header.</summary>
    public void Int32(int value) => MemoryMarshal.Write(Take(4), value);

    /// <summary>An attribute with these bytes as its value.</summary>
    /// <exception cref="NetlinkException">EMSGSIZE: the value is longer than an attribute can say (65,531 bytes).</exception>
    public void Attribute(ushort type, ReadOnlySpan<byte> value) => value.CopyTo(AttributeSpace(type, value.Length));

    /// <summary>An attribute of one byte.</summary>
    public void AttributeByte(ushort type, byte value) => AttributeSpace(type, 1)[0] = value;

    /// <summary>An attribute of two bytes.</summary>
    public void AttributeUInt16(ushort type, ushort value) => MemoryMarshal.Write(AttributeSpace(type, 2), value);

    /// <summary>An attribute of four bytes.</summary>
    public void AttributeUInt32(ushort type, uint value) => MemoryMarshal.Write(AttributeSpace(type, 4), value);

    /// <summary>An attribute of four bytes in network byte order, as nf_tables has them.</summary>
    public void AttributeUInt32BigEndian(ushort type, uint value) =>
        BinaryPrimitives.WriteUInt32BigEndian(AttributeSpace(type, 4), value);

    /// <summary>An attribute of eight bytes in network byte order.</summary>
    public void AttributeUInt64BigEndian(ushort type, ulong value) =>
        BinaryPrimitives.WriteUInt64BigEndian(AttributeSpace(type, 8), value);

    /// <summary>A string attribute: UTF-8, ended by a zero byte.</summary>
    public void AttributeString(ushort type, string value)
    {
        Span<byte> space = AttributeSpace(type, Encoding.UTF8.GetByteCount(value) + 1);
        Encoding.UTF8.GetBytes(value, space);
    }

    /// <summary>An address attribute: 4 bytes of IPv4 or 16 of IPv6, in network byte order.</summary>
    public void AttributeAddress(ushort type, IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        bool ipv4 = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork;
        address.TryWriteBytes(AttributeSpace(type, ipv4 ? 4 : 16), out _);
    }

    /// <summary>Starts an attribute that holds attributes.</summary>
    /// <returns>What <see cref="EndNested"/> needs to close it.</returns>
    /// <param name="type">The attribute's type; pass NLA_F_NESTED with it where the kernel wants it.</param>
    public int BeginNested(ushort type)
    {
        int start = _length;
        Span<byte> header = Take(AttributeHeaderLength);
        MemoryMarshal.Write(header[2..], type);
        return start;
    }

    /// <summary>Closes what <see cref="BeginNested"/> opened.</summary>
    /// <exception cref="NetlinkException">EMSGSIZE: the content is longer than an attribute can say.</exception>
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

    /// <summary>The next bytes of the buffer, zeroed.</summary>
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
