using System.Runtime.InteropServices;
using Tmds.Linux;

namespace EgressRouterCni.Logging;

/// <summary>What statx(2) says of a file.</summary>
internal readonly record struct FileStatus(uint Links, uint Owner, ushort Mode, ulong Size)
{
    private const int S_IFMT = 0xf000;

    public bool IsRegular => (Mode & S_IFMT) == 0x8000;

    public bool IsDirectory => (Mode & S_IFMT) == 0x4000;

    public bool IsSymbolicLink => (Mode & S_IFMT) == 0xa000;

    /// <summary>Anyone may put files there, and take away those of others: writable by all, without the sticky bit.</summary>
    public bool IsOpenToAll => (Mode & 0x2) != 0 && (Mode & 0x200) == 0;

    /// <summary>The status, or null; then the error number is in <see cref="Marshal.GetLastPInvokeError"/>.</summary>
    public static FileStatus? Of(int directory, string path, int flags)
    {
        return Libc.Statx(directory, path, flags, Libc.STATX_WANTED, out statx status) < 0
            ? null : new FileStatus(status.stx_nlink, status.stx_uid, (ushort)status.stx_mode, status.stx_size);
    }
}
