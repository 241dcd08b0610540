using System.Runtime.InteropServices;
using Tmds.Linux;

namespace EgressRouterCni.Logging;

/// <summary>A file's status from statx(2).</summary>
internal readonly record struct FileStatus(uint Links, uint Owner, ushort Mode, ulong Size)
{
    private const int S_IFMT = 0xf000;

    public bool IsRegular => (Mode & S_IFMT) == 0x8000;

    public bool IsDirectory => (Mode & S_IFMT) == 0x4000;

    public bool IsSymbolicLink => (Mode & S_IFMT) == 0xa000;

    /// <summary>Whether anyone may create files there and delete those of others: world-writable without the sticky bit.</summary>
    public bool IsOpenToAll => (Mode & 0x2) != 0 && (Mode & 0x200) == 0;

    /// <summary>Returns the status, or null; then <see cref="Marshal.GetLastPInvokeError"/> is the error number.</summary>
    public static FileStatus? Of(int directory, string path, int flags)
    {
        return Libc.Statx(directory, path, flags, Libc.STATX_WANTED, out statx status) < 0
            ? null : new FileStatus(status.stx_nlink, status.stx_uid, (ushort)status.stx_mode, status.stx_size);
    }
}
