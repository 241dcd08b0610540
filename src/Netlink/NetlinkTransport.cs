using System.Runtime.InteropServices;

namespace Netlink;

/// <summary>Where datagrams go and come from: the kernel, or in tests a script of bytes.</summary>
internal interface INetlinkTransport : IDisposable
{
    /// <summary>The port number of this socket, which the kernel writes into its answers.</summary>
    uint Port { get; }

    /// <summary>Sends one datagram; returns 0 or an error number.</summary>
    int Send(ReadOnlySpan<byte> datagram);

    /// <summary>Receives one datagram; returns its whole length, also where the buffer was too short for it.</summary>
    int Receive(Span<byte> buffer, out int errno);

    /// <summary>Makes sure that a datagram of this many bytes can be sent at once.</summary>
    void ReserveSendBuffer(int length);
}

/// <summary>A real netlink socket (netlink(7)).</summary>
internal sealed unsafe class KernelTransport : INetlinkTransport
{
    /// <summary>Below the kernel's default send buffer (net.core.wmem_default), whatever the distribution sets.</summary>
    private const int DefaultSendBuffer = 96 * 1024;

    /// <summary>Room for the kernel's answers that come at once, above all for those of a large dump.</summary>
    private const int ReceiveBuffer = 1024 * 1024;

    private int _descriptor;

    private KernelTransport(int descriptor) => _descriptor = descriptor;

    public uint Port { get; private set; }

    public static KernelTransport Open(int family, TimeSpan timeout)
    {
        string operation = family == Wire.NetlinkProtocol.NETLINK_ROUTE ? "open a route netlink socket" : "open an nf_tables netlink socket";
        int descriptor = Libc.Socket(Libc.AF_NETLINK, Libc.SOCK_RAW | Libc.SOCK_CLOEXEC, family);
        if (descriptor < 0)
        {
            throw new NetlinkException(operation, Marshal.GetLastPInvokeError());
        }

        var transport = new KernelTransport(descriptor);
        try
        {
            transport.SetOptions(family, timeout, operation);
            transport.BindToAnyPort(operation);
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
            nint sent = Libc.Send(_descriptor, bytes, (nuint)datagram.Length, 0);
            return sent == datagram.Length ? 0 : sent < 0 ? Marshal.GetLastPInvokeError() : Errno.EIO;
        }
    }

    public int Receive(Span<byte> buffer, out int errno)
    {
        fixed (byte* bytes = buffer)
        {
            nint length = Libc.Receive(_descriptor, bytes, (nuint)buffer.Length, Libc.MSG_TRUNC);
            errno = length < 0 ? Marshal.GetLastPInvokeError() : 0;
            return (int)length;
        }
    }

    public void ReserveSendBuffer(int length)
    {
        if (length > DefaultSendBuffer)
        {
            // The kernel doubles the value for its own overhead. Without CAP_NET_ADMIN it refuses, and then so does
            // the send, with EMSGSIZE and the name of what was to be done.
            _ = SetOption(Libc.SOL_SOCKET, Libc.SO_SNDBUFFORCE, length);
        }
    }

    public void Dispose()
    {
        int descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0)
        {
            _ = Libc.Close(descriptor);
        }
    }

    private void SetOptions(int family, TimeSpan timeout, string operation)
    {
        nint* timeval = stackalloc nint[2] { (nint)timeout.TotalSeconds, 0 };
        Require(Libc.Setsockopt(_descriptor, Libc.SOL_SOCKET, Libc.SO_RCVTIMEO, timeval, (uint)(2 * sizeof(nint))), operation);
        Require(SetOption(Libc.SOL_NETLINK, Libc.NETLINK_EXT_ACK, 1), operation);
        Require(SetOption(Libc.SOL_NETLINK, Libc.NETLINK_CAP_ACK, 1), operation);
        if (family == Wire.NetlinkProtocol.NETLINK_ROUTE)
        {
            // Filters in a dump request are honoured, and nonsense in it is refused (Linux 4.20).
            Require(SetOption(Libc.SOL_NETLINK, Libc.NETLINK_GET_STRICT_CHK, 1), operation);
        }

        // Without CAP_NET_ADMIN the default size stays; a dump that overruns it is read again.
        _ = SetOption(Libc.SOL_SOCKET, Libc.SO_RCVBUFFORCE, ReceiveBuffer);
    }

    private int SetOption(int level, int option, int value) => Libc.Setsockopt(_descriptor, level, option, &value, sizeof(int));

    private void BindToAnyPort(string operation)
    {
        // struct sockaddr_nl: family (2 bytes), padding (2), port (4), groups (4)
        const int length = 12;
        byte* address = stackalloc byte[length];
        new Span<byte>(address, length).Clear();
        *(ushort*)address = Libc.AF_NETLINK;
        Require(Libc.Bind(_descriptor, address, length), operation);
        uint written = length;
        Require(Libc.Getsockname(_descriptor, address, &written), operation);
        Port = *(uint*)(address + 4);
    }

    private static void Require(int result, string operation)
    {
        if (result < 0)
        {
            throw new NetlinkException(operation, Marshal.GetLastPInvokeError());
        }
    }
}
