using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EgressRouterCni.Logging;

/// <summary>The calls of libc that opening a log safely takes. .NET's own cannot refuse symbolic links, nor append.</summary>
internal static unsafe partial class LogLibc
{
    public const int O_RDWR = 2;
    public const int O_CREAT = 0x40;
    public const int O_NOCTTY = 0x100;
    public const int O_APPEND = 0x400;
    public const int O_NONBLOCK = 0x800;
    public const int O_CLOEXEC = 0x80000;

    public const int EINTR = 4;

    public const int AT_FDCWD = -100;
    public const int AT_SYMLINK_NOFOLLOW = 0x100;
    public const int AT_EMPTY_PATH = 0x1000;

    /// <summary>STATX_TYPE | MODE | NLINK | UID | SIZE.</summary>
    public const uint STATX_WANTED = 0x1 | 0x2 | 0x4 | 0x8 | 0x200;

    /// <summary>O_NOFOLLOW is one of the few flags of open(2) that differ: arm and powerpc have it at O_DIRECTORY's place.</summary>
    public static int O_NOFOLLOW => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.Arm or Architecture.Arm64 or Architecture.Ppc64le => 0x8000,
        _ => 0x20000,
    };

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Statx(int directory, string path, int flags, uint mask, byte* buffer);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(SafeFileHandle descriptor, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint Geteuid();
}

/// <summary>What statx(2) says of a file; the layout is the same on every architecture.</summary>
internal readonly record struct FileStatus(uint Links, uint Owner, ushort Mode, ulong Size)
{
    private const int S_IFMT = 0xf000;

    public bool IsRegular => (Mode & S_IFMT) == 0x8000;

    public bool IsDirectory => (Mode & S_IFMT) == 0x4000;

    public bool IsSymbolicLink => (Mode & S_IFMT) == 0xa000;

    /// <summary>Anyone may put files there, and take away those of others: writable by all, without the sticky bit.</summary>
    public bool IsOpenToAll => (Mode & 0x2) != 0 && (Mode & 0x200) == 0;

    /// <summary>The status, or null; then the error number is in <see cref="Marshal.GetLastPInvokeError"/>.</summary>
    public static unsafe FileStatus? Of(int directory, string path, int flags)
    {
        byte* buffer = stackalloc byte[256];
        if (LogLibc.Statx(directory, path, flags, LogLibc.STATX_WANTED, buffer) < 0)
        {
            return null;
        }

        var bytes = new ReadOnlySpan<byte>(buffer, 256);
        return new FileStatus(
            Links: MemoryMarshal.Read<uint>(bytes[16..]),
            Owner: MemoryMarshal.Read<uint>(bytes[20..]),
            Mode: MemoryMarshal.Read<ushort>(bytes[28..]),
            Size: MemoryMarshal.Read<ulong>(bytes[40..]));
    }
}
