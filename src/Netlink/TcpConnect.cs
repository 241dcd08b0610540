using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Netlink;

/// <summary>The outcome of a connection attempt.</summary>
/// <param name="Error">0 if connected; otherwise the error number, such as ECONNREFUSED, ETIMEDOUT or EHOSTUNREACH.</param>
/// <param name="Time">The time from the start of all attempts to the outcome.</param>
public readonly record struct TcpAnswer(int Error, TimeSpan Time);

/// <summary>Tests whether TCP connections can be established from the calling thread's network namespace.</summary>
public static unsafe class TcpConnect
{
    private const int AddressLength4 = 16;

    private const int AddressLength6 = 28;

    /// <summary>Makes all connection attempts in parallel and closes the connections again.</summary>
    /// <param name="attempts">The source address and the target of each attempt.</param>
    /// <param name="mark">The firewall mark (SO_MARK) of the packets, for routing rules.</param>
    /// <param name="limit">Time limit for all attempts together; an attempt without an answer by then ends with ETIMEDOUT.</param>
    /// <returns>The outcomes in the order of <paramref name="attempts"/>.</returns>
    /// <exception cref="NetlinkException">The kernel cannot create a socket.</exception>
    public static TcpAnswer[] TryAll(IReadOnlyList<(IPAddress Source, IPEndPoint Target)> attempts, uint mark, TimeSpan limit)
    {
        ArgumentNullException.ThrowIfNull(attempts);
        var answers = new TcpAnswer[attempts.Count];
        var sockets = new pollfd[attempts.Count];
        long start = Stopwatch.GetTimestamp();
        try
        {
            for (int i = 0; i < attempts.Count; i++)
            {
                int error = Begin(attempts[i].Source, attempts[i].Target, mark, out int descriptor);
                sockets[i] = new pollfd { fd = descriptor, events = POLLOUT };
                if (error != Errno.EINPROGRESS)
                {
                    End(ref sockets[i], ref answers[i], error, start);
                }
            }

            while (sockets.Any(socket => socket.fd >= 0) && limit - Stopwatch.GetElapsedTime(start) is TimeSpan left
                && left > TimeSpan.Zero)
            {
                fixed (pollfd* descriptors = sockets)
                {
                    // A signal ends poll early; the loop continues. poll ignores negative descriptors.
                    _ = Libc.Poll(descriptors, (nuint)sockets.Length, (int)Math.Ceiling(left.TotalMilliseconds));
                }

                for (int i = 0; i < sockets.Length; i++)
                {
                    if (sockets[i].fd >= 0 && sockets[i].revents != 0)
                    {
                        End(ref sockets[i], ref answers[i], ErrorOf(sockets[i].fd), start);
                    }
                }
            }
        }
        finally
        {
            for (int i = 0; i < sockets.Length; i++)
            {
                if (sockets[i].fd > 0)
                {
                    End(ref sockets[i], ref answers[i], Errno.ETIMEDOUT, start);
                }
            }
        }

        return answers;
    }

    /// <returns>The error number, normally EINPROGRESS.</returns>
    private static int Begin(IPAddress source, IPEndPoint target, uint mark, out int descriptor)
    {
        int family = source.AddressFamily == AddressFamily.InterNetwork ? AF_INET : AF_INET6;
        descriptor = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (descriptor < 0)
        {
            throw new NetlinkException("make a TCP socket", Marshal.GetLastPInvokeError());
        }

        byte* address = stackalloc byte[AddressLength6];
        return setsockopt(descriptor, SOL_SOCKET, SO_MARK, &mark, sizeof(uint)) < 0
            || bind(descriptor, (sockaddr*)address, Write(new IPEndPoint(source, 0), address)) < 0
            || connect(descriptor, (sockaddr*)address, Write(target, address)) < 0
                ? Marshal.GetLastPInvokeError() : 0;
    }

    private static void End(ref pollfd socket, ref TcpAnswer answer, int error, long start)
    {
        answer = new TcpAnswer(error, Stopwatch.GetElapsedTime(start));
        _ = close(socket.fd);
        socket.fd = -1;
    }

    private static int ErrorOf(int descriptor)
    {
        int error = 0;
        socklen_t length = sizeof(int);
        return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? Marshal.GetLastPInvokeError() : error;
    }

    /// <summary>Writes struct sockaddr_in or sockaddr_in6 and returns its length.</summary>
    private static uint Write(IPEndPoint endpoint, byte* address)
    {
        var bytes = new Span<byte>(address, AddressLength6);
        bytes.Clear();
        bool ipv4 = endpoint.AddressFamily == AddressFamily.InterNetwork;
        MemoryMarshal.Write(bytes, (ushort)(ipv4 ? AF_INET : AF_INET6));
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], (ushort)endpoint.Port);
        endpoint.Address.TryWriteBytes(bytes[(ipv4 ? 4 : 8)..], out _);
        return (uint)(ipv4 ? AddressLength4 : AddressLength6);
    }
}
