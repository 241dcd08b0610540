using System.Runtime.InteropServices;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Netlink;

/// <summary>Sends and receives netlink datagrams. Tests replace the kernel with prepared bytes.</summary>
internal interface INetlinkTransport : IDisposable
{
    /// <summary>The socket's port (nl_pid), which the kernel chose.</summary>
    uint Port { get; }

    /// <summary>How many messages did not fit into the receive buffer so far, modulo 2^32.</summary>
    uint Lost { get; }

    /// <summary>Sends one datagram; returns 0 or an error number.</summary>
    int Send(ReadOnlySpan<byte> datagram);

    /// <summary>
    /// Receives the queued datagrams without blocking: the kernel answers a request during send, and queues the next datagram of a
    /// dump while the previous one is received.
    /// </summary>
    /// <param name="buffer">Receives the datagrams, each in its own slot.</param>
    /// <param name="slots">The lengths of the consecutive slots in the buffer.</param>
    /// <param name="lengths">The full length of each datagram, even if it was truncated to its slot.</param>
    /// <param name="errno">0 or an error number; EAGAIN if no datagram is queued.</param>
    /// <returns>The number of datagrams received.</returns>
    int Receive(Span<byte> buffer, ReadOnlySpan<int> slots, Span<int> lengths, out int errno);

    /// <summary>Waits until a datagram or an error is queued.</summary>
    /// <param name="limit">Maximum wait; a signal may end the wait earlier.</param>
    /// <returns>False if nothing is queued.</returns>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    bool WaitForDatagram(TimeSpan limit);

    /// <summary>Enlarges the send buffer if a datagram of this many bytes needs it.</summary>
    void ReserveSendBuffer(int length);

    /// <summary>
    /// Abandons a dump without receiving the rest: replaces the socket with a new one in the calling thread's namespace.
    /// </summary>
    void Reopen();

    /// <summary>Lets <see cref="IDisposable.Dispose"/> return before the kernel has freed what was deleted.</summary>
    void CloseInBackground();
}

/// <summary>A kernel netlink socket (netlink(7)).</summary>
internal sealed unsafe class KernelTransport : INetlinkTransport
{
    /// <summary>Below the default send buffer (net.core.wmem_default) of every distribution.</summary>
    private const int DefaultSendBuffer = 96 * 1024;

    /// <summary>struct sockaddr_nl: family (2 bytes), padding (2), port (4), groups (4).</summary>
    private const int AddressLength = 12;

    /// <summary>struct mmsghdr on 64-bit machines.</summary>
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

    /// <summary>Opens a socket that receives the messages of multicast groups.</summary>
    /// <param name="countsLosses">
    /// What does not fit into the receive buffer is only counted (<see cref="Lost"/>). Otherwise it is an error, ENOBUFS.
    /// </param>
    public static KernelTransport OpenMonitor(
        int family, string operation, int receiveBuffer, ReadOnlySpan<uint> groups, bool countsLosses = false)
    {
        KernelTransport transport = Open(family);
        try
        {
            // Without CAP_NET_ADMIN the kernel refuses; then changes are lost earlier, and the monitor says so.
            _ = transport.SetOption(SOL_SOCKET, SO_RCVBUFFORCE, receiveBuffer);
            if (countsLosses)
            {
                Require(transport.SetOption(SOL_NETLINK, Libc.NETLINK_NO_ENOBUFS, 1), operation);
            }

            foreach (uint group in groups)
            {
                Require(transport.SetOption(SOL_NETLINK, Libc.NETLINK_ADD_MEMBERSHIP, (int)group), operation);
            }

            return transport;
        }
        catch
        {
            transport.Dispose();
            throw;
        }
    }

    public uint Port
    {
        get
        {
            byte* address = stackalloc byte[AddressLength];
            socklen_t length = AddressLength;
            Require(getsockname(_descriptor, (sockaddr*)address, &length), "read the port of a netlink socket");
            return *(uint*)(address + 4);
        }
    }

    public uint Lost
    {
        get
        {
            uint* information = stackalloc uint[Libc.SK_MEMINFO_VARS];
            socklen_t length = Libc.SK_MEMINFO_VARS * sizeof(uint);
            Require(getsockopt(_descriptor, SOL_SOCKET, Libc.SO_MEMINFO, information, &length), "count lost netlink messages");
            return information[Libc.SK_MEMINFO_DROPS];
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

    public bool WaitForDatagram(TimeSpan limit)
    {
        var wanted = new pollfd { fd = _descriptor, events = POLLIN };
        int ready = Libc.Poll(&wanted, 1, (int)Math.Ceiling(Math.Clamp(limit.TotalMilliseconds, 0, int.MaxValue)));
        if (ready < 0 && Marshal.GetLastPInvokeError() != Errno.EINTR)
        {
            throw new NetlinkException("wait for a netlink message", Marshal.GetLastPInvokeError());
        }

        return ready > 0;
    }

    public void ReserveSendBuffer(int length)
    {
        if (length > DefaultSendBuffer)
        {
            // The kernel doubles the value for its overhead. Without CAP_NET_ADMIN it refuses; then the send fails with EMSGSIZE,
            // and that error names the operation.
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
        // Strict checking (Linux 4.20): the kernel applies the filter of a dump request and refuses an invalid one.
        // NETLINK_CAP_ACK: an error does not quote the whole request, since nf_tables messages can be long.
        Require(
            SetOption(SOL_NETLINK, family == Wire.NetlinkProtocol.NETLINK_ROUTE ? Libc.NETLINK_GET_STRICT_CHK : Libc.NETLINK_CAP_ACK, 1),
            operation);
    }

    private int SetOption(int level, int option, int value) => setsockopt(_descriptor, level, option, &value, sizeof(int));

    /// <summary>Connects to the kernel (port 0), so that no other process can send to the socket.</summary>
    private void Connect(string operation)
    {
        byte* address = stackalloc byte[AddressLength];
        new Span<byte>(address, AddressLength).Clear();
        *(ushort*)address = (ushort)(int)AF_NETLINK;
        Require(connect(_descriptor, (sockaddr*)address, AddressLength), operation);
    }

    private static void Require(int result, string operation)
    {
        if (result < 0)
        {
            throw new NetlinkException(operation, Marshal.GetLastPInvokeError());
        }
    }
}
