using System.Runtime.InteropServices;
using System.Text;
using Netlink;

namespace EgressRouterCni.Proxies;

/// <summary>Asks a program of this pod something. By hand: .NET's sockets would be half a megabyte more of a file that is copied to every node.</summary>
internal static unsafe class LocalQuestion
{
    private const int MaxAnswer = 1024 * 1024;

    /// <summary>Asks at a TCP port of 127.0.0.1.</summary>
    public static string AskPort(int port, string question, int seconds)
    {
        // struct sockaddr_in: family, port, address.
        Span<byte> address = [Libc.AF_INET, 0, (byte)(port >> 8), (byte)port, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        return Ask(Libc.AF_INET, address, question, seconds);
    }

    /// <summary>Asks at a Unix socket.</summary>
    public static string AskSocket(string path, string question, int seconds)
    {
        // struct sockaddr_un: family, then 108 bytes of path.
        Span<byte> address = stackalloc byte[110];
        address.Clear();
        address[0] = Libc.AF_UNIX;
        return Encoding.UTF8.TryGetBytes(path, address[2..109], out _)
            ? Ask(Libc.AF_UNIX, address, question, seconds) : throw new IOException($"{path} is too long for a socket");
    }

    /// <exception cref="IOException">Nobody answers.</exception>
    private static string Ask(int family, ReadOnlySpan<byte> address, string question, int seconds)
    {
        int descriptor = Libc.Socket(family, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0);
        try
        {
            // struct timeval. Linux connects within SO_SNDTIMEO too.
            long* limit = stackalloc long[2] { seconds, 0 };
            _ = Libc.Setsockopt(descriptor, Libc.SOL_SOCKET, Libc.SO_RCVTIMEO, limit, 16);
            _ = Libc.Setsockopt(descriptor, Libc.SOL_SOCKET, Libc.SO_SNDTIMEO, limit, 16);
            fixed (byte* to = address)
            {
                Require(Libc.Connect(descriptor, to, (uint)address.Length));
            }

            fixed (byte* bytes = Encoding.ASCII.GetBytes(question))
            {
                Require(Libc.Send(descriptor, bytes, (nuint)question.Length, 0));
            }

            var answer = new StringBuilder();
            byte* buffer = stackalloc byte[4096];
            nint count;
            do
            {
                count = Libc.Receive(descriptor, buffer, 4096, 0);
                Require(count);
                answer.Append(Encoding.ASCII.GetString(buffer, (int)count));
            }
            while (count > 0 && answer.Length < MaxAnswer);
            return answer.ToString();
        }
        finally
        {
            _ = Libc.Close(descriptor);
        }
    }

    private static void Require(nint result)
    {
        if (result < 0)
        {
            // What a limit of time is reported as.
            throw new IOException(Marshal.GetLastPInvokeError() is Errno.EAGAIN or Errno.EINPROGRESS ? "it is silent" : Marshal.GetLastPInvokeErrorMessage());
        }
    }
}
