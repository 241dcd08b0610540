using System.Runtime.InteropServices;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Netlink;

/// <summary>Where datagrams go and come from: the kernel, or in tests a script of bytes.</summary>
internal interface INetlinkTransport : IDisposable
{
    /// <summary>Sends one datagram; returns 0 or an error number.</summary>
    int Send(ReadOnlySpan<byte> datagram);

    /// <summary>
    /// Receives the datagrams that are there, without waiting: the kernel answers while it takes the request, and each part
    /// of a dump while it hands over the part before.
    /// </summary>
    /// <param name="buffer">Where they are written, each to a slot of its own.</param>
    /// <param name="slots">The lengths of the slots, which lie one after the other.</param>
    /// <param name="lengths">The whole length of each datagram, also where its slot was too short for it.</param>
    /// <param name="errno">0 or an error number; EAGAIN where there is none.</param>
    /// <returns>How many datagrams there are.</returns>
    int Receive(Span<byte> buffer, ReadOnlySpan<int> slots, Span<int> lengths, out int errno);

    /// <summary>Makes sure that a datagram of this many bytes can be sent at once.</summary>
    void ReserveSendBuffer(int length);

    /// <summary>
    /// Gives up the rest of a list, which the kernel would have to be heard out about: a new socket of the calling thread's namespace.
    /// </summary>
    void Reopen();

    /// <summary>Lets <see cref="IDisposable.Dispose"/> return before the kernel has freed what was deleted.</summary>
    void CloseInBackground();
}

/// <summary>A real netlink socket (netlink(7)).</summary>
internal sealed unsafe class KernelTransport : INetlinkTransport
{
    /// <summary>Below the kernel's default send buffer (net.core.wmem_default), whatever the distribution sets.</summary>
    private const int DefaultSendBuffer = 96 * 1024;

    /// <summary>struct mmsghdr of 64-bit machines.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Header
    {
        public nint Name;
        public nuint NameLength;
        public nint Parts;
        public nuint PartCount;
        public nint Control;
        public nuint ControlLength;
        public nuint Flags;
        public nuint Length;
    }

    private readonly int _family;
    private int _descriptor;
    private bool _closesInBackground;

    private KernelTransport(int family, int descriptor) => (_family, _descriptor) = (family, descriptor);

    public static KernelTransport Open(int family)
    {
        string operation = family == Wire.NetlinkProtocol.NETLINK_ROUTE ? "open a route netlink socket"
            : "open an nf_tables netlink socket";
        int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family);
        if (descriptor < 0)
        {
            throw new NetlinkException(operation, Marshal.GetLastPInvokeError());
        }

        var transport = new KernelTransport(family, descriptor);
        try
        {
            transport.SetOptions(family, operation);
            transport.Connect(operation);
            return transport;
        }
        catch
        {
            transport.Dispose();
            throw;
        }
    }

    public int Send(ReadOnlySpan<byte> datagram)
    {
        fixed (byte* bytes = datagram)
        {
            ssize_t sent = send(_descriptor, bytes, datagram.Length, 0);
            return sent == datagram.Length ? 0 : sent < 0 ? Marshal.GetLastPInvokeError() : Errno.EIO;
        }
    }

    public int Receive(Span<byte> buffer, ReadOnlySpan<int> slots, Span<int> lengths, out int errno)
    {
        Header* headers = stackalloc Header[slots.Length];
        nint* parts = stackalloc nint[2 * slots.Length];
        fixed (byte* bytes = buffer)
        {
            byte* begin = bytes;
            for (int i = 0; i < slots.Length; i++)
            {
                parts[2 * i] = (nint)begin;
                parts[(2 * i) + 1] = slots[i];
                headers[i] = new Header { Parts = (nint)(parts + (2 * i)), PartCount = 1 };
                begin += slots[i];
            }

            int count = Libc.ReceiveAll(_descriptor, headers, (uint)slots.Length, MSG_DONTWAIT | MSG_TRUNC, null);
            errno = count < 0 ? Marshal.GetLastPInvokeError() : 0;
            for (int i = 0; i < count; i++)
            {
                lengths[i] = (int)(uint)headers[i].Length;
            }

            return Math.Max(count, 0);
        }
    }

    public void ReserveSendBuffer(int length)
    {
        if (length > DefaultSendBuffer)
        {
            // The kernel doubles the value for its own overhead. Without CAP_NET_ADMIN it refuses, and then so does
            // the send, with EMSGSIZE and the name of what was to be done.
            _ = SetOption(SOL_SOCKET, SO_SNDBUFFORCE, length);
        }
    }

    public void Reopen()
    {
        using KernelTransport fresh = Open(_family);
        (_descriptor, fresh._descriptor) = (fresh._descriptor, _descriptor);
    }

    public void Dispose()
    {
        int descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0 && _closesInBackground)
        {
            DeferredClose.Close(descriptor);
        }
        else if (descriptor >= 0)
        {
            _ = close(descriptor);
        }
    }

    public void CloseInBackground() => _closesInBackground = true;

    private void SetOptions(int family, string operation)
    {
        Require(SetOption(SOL_NETLINK, Libc.NETLINK_EXT_ACK, 1), operation);
        // A filter in a request for a list is honoured, and nonsense in it is refused (Linux 4.20). The messages of
        // nf_tables can be long: an error is not to quote one as a whole.
        Require(
            SetOption(SOL_NETLINK, family == Wire.NetlinkProtocol.NETLINK_ROUTE ? Libc.NETLINK_GET_STRICT_CHK : Libc.NETLINK_CAP_ACK, 1),
            operation);
    }

    private int SetOption(int level, int option, int value) => setsockopt(_descriptor, level, option, &value, sizeof(int));

    /// <summary>To the kernel, which is port 0: no other process can send to the socket any more.</summary>
    private void Connect(string operation)
    {
        // struct sockaddr_nl: family (2 bytes), padding (2), port (4), groups (4)
        const int length = 12;
        byte* address = stackalloc byte[length];
        new Span<byte>(address, length).Clear();
        *(ushort*)address = (ushort)(int)AF_NETLINK;
        Require(connect(_descriptor, (sockaddr*)address, length), operation);
    }

    private static void Require(int result, string operation)
    {
        if (result < 0)
        {
            throw new NetlinkException(operation, Marshal.GetLastPInvokeError());
        }
    }
}
