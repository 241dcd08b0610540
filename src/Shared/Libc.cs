using System.Runtime.InteropServices;
using System.Text;
using Tmds.Linux;

#pragma warning disable CA1050 // In no namespace, as Sequences: it is compiled into each project that uses it.

/// <summary>
/// Calls and constants of libc that Tmds.LibC lacks, and calls that take a path as text. All report errors through errno.
/// </summary>
internal static unsafe partial class Libc
{
    public const long NSFS_MAGIC = 0x6e736673;
    public const int NS_GET_NSTYPE = 0xb703;

    /// <summary>STATX_TYPE | MODE | NLINK | UID | SIZE.</summary>
    public const uint STATX_WANTED = 0x1 | 0x2 | 0x4 | 0x8 | 0x200;

    public const int LOCK_EX = 2;
    public const int LOCK_NB = 4;

    public const int NETLINK_ADD_MEMBERSHIP = 1;
    public const int NETLINK_NO_ENOBUFS = 5;
    public const int NETLINK_CAP_ACK = 10;
    public const int NETLINK_EXT_ACK = 11;
    public const int NETLINK_GET_STRICT_CHK = 12;

    /// <summary>Numbers of a socket, 32 bits each (linux/sock_diag.h).</summary>
    public const int SO_MEMINFO = 55;
    public const int SK_MEMINFO_DROPS = 8;
    public const int SK_MEMINFO_VARS = 9;

    public static int Open(string path, int flags, ushort mode = 0)
    {
        fixed (byte* text = Encoding.UTF8.GetBytes(path + '\0'))
        {
            return LibC.open(text, flags, mode);
        }
    }

    public static int Statx(int directory, string path, int flags, uint mask, out statx status)
    {
        fixed (byte* text = Encoding.UTF8.GetBytes(path + '\0'))
        fixed (statx* written = &status)
        {
            return LibC.statx(directory, text, flags, mask, written);
        }
    }

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    public static partial int Flock(int descriptor, int operation);

    /// <summary>Passes the environment that this program was started with.</summary>
    [LibraryImport("libc", EntryPoint = "execv", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Execv(string path, string?[] arguments);

    /// <summary>A null pointer is SIG_DFL.</summary>
    [LibraryImport("libc", EntryPoint = "signal", SetLastError = true)]
    public static partial nint Signal(int signal, nint handler);

    /// <summary>The buffer must hold struct statfs (at most 256 bytes on every architecture); f_type is its first long.</summary>
    [LibraryImport("libc", EntryPoint = "fstatfs", SetLastError = true)]
    public static partial int Fstatfs(int descriptor, nint* buffer);

    /// <summary>The slots are struct mmsghdr; returns how many the kernel filled.</summary>
    [LibraryImport("libc", EntryPoint = "recvmmsg", SetLastError = true)]
    public static partial int ReceiveAll(int descriptor, void* slots, uint count, int flags, void* timeout);

    /// <summary>Tmds.LibC declares it without errno.</summary>
    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(pollfd* descriptors, nuint count, int milliseconds);
}
