using System.Runtime.InteropServices;
using EgressRouter.Logging;
using Microsoft.Win32.SafeHandles;
using static Tmds.Linux.LibC;

namespace EgressRouterCni.Logging;

/// <summary>
/// Opens a log as root, at a path that a configuration names. Nobody may trick it into writing elsewhere: no symbolic link
/// of another user on the way and none at the end, no second name for another file, no fifo that blocks, no device.
/// </summary>
internal static class LogFile
{
    /// <summary>
    /// No more is written to a file of this size (64 MiB). Nobody can be relied on to rotate the log of a program that runs
    /// for milliseconds, and a full disk takes the whole node down. A file moved away by a rotation is made anew.
    /// </summary>
    public const ulong MaxBytes = 64 * 1024 * 1024;

    /// <summary>
    /// Where logs belong. Who may write network configurations need not be who may write anywhere on the node: a file of
    /// our making in a folder whose files are run, or read as settings, would be more than a log.
    /// </summary>
    private static readonly string[] _roots = ["/var/log/", "/var/tmp/", "/tmp/"];

    /// <summary>Opens, or makes with mode 0600.</summary>
    /// <param name="path">An absolute path.</param>
    /// <param name="reason">Why it cannot be done, when it returns null.</param>
    /// <returns>A descriptor for appending, or null.</returns>
    public static SafeFileHandle? Open(string path, out string reason)
    {
        reason = FaultOfPath(path) ?? FaultOfWay(path) ?? FaultOfOldFile(path) ?? "";
        if (reason.Length > 0)
        {
            return null;
        }

        // O_NONBLOCK: opening a fifo must not wait for its reader. O_NOCTTY: a terminal must not become ours.
        // Between the look and the opening a path can change: all is asked of the descriptor once more.
        int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC
            | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
        int descriptor = Libc.Open(path, flags, 0x180 /* 0600 */);
        if (descriptor < 0)
        {
            reason = LastError();
            return null;
        }

        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        reason = FileStatus.Of(descriptor, "", AT_EMPTY_PATH) is FileStatus status
            ? FaultOf(status) ?? FaultOfContent(handle) ?? ""
            : LastError();
        if (reason.Length > 0)
        {
            handle.Dispose();
            return null;
        }

        return handle;
    }

    /// <summary>
    /// A name is no more than a name for whoever meets it later: a shell's pattern, a rotation, a terminal. Below /var/log other
    /// folders belong to other programs; from /var/log/containers and /var/log/pods collectors read what pods have said.
    /// </summary>
    private static string? FaultOfPath(string path)
    {
        string? root = _roots.FirstOrDefault(root => path.StartsWith(root, StringComparison.Ordinal));
        string[] names = path.Split('/');
        return !path.StartsWith('/') ? "the path is not absolute"
            : path.EndsWith('/') ? "the path is that of a directory"
            : names.Contains("..") ? "the path holds \"..\""
            : root is null ? $"it is not below {string.Join(", ", _roots)}"
            : !names[1..].All(Cni.Identifiers.IsValid)
                ? "a name in the path has other characters than letters, digits, '_', '.' and '-', or begins with none of the first two"
            : Path.GetExtension(path) is not ("" or ".log") ? "its name has another suffix than .log"
            : root == "/var/log/" && !names[3].StartsWith("egress-router", StringComparison.Ordinal)
                ? "below /var/log its name, or that of its folder there, does not begin with egress-router"
            : null;
    }

    /// <summary>
    /// Only our own log is added to: a line of it, at the end of a file that root's programs read, could do anything.
    /// </summary>
    private static string? FaultOfContent(SafeFileHandle handle)
    {
        Span<byte> start = stackalloc byte[LineFormatter.TimestampLength];
        int length = RandomAccess.Read(handle, start, fileOffset: 0);
        return length == 0 || LineFormatter.StartsLine(start[..length]) ? null : "it is there and is no log of this plugin";
    }

    /// <summary>Every directory on the way: one that others rule would let them choose where the file is.</summary>
    private static string? FaultOfWay(string path)
    {
        for (int slash = 0; slash >= 0; slash = path.IndexOf('/', slash + 1))
        {
            string directory = slash == 0 ? "/" : path[..slash];
            if (FileStatus.Of(AT_FDCWD, directory, AT_SYMLINK_NOFOLLOW) is not FileStatus status)
            {
                return $"{directory}: {LastError()}";
            }

            if (!IsTrusted(status.Owner))
            {
                return $"{directory} belongs to user {status.Owner}";
            }

            // A link that root has set is root's choice (/var/run is one): what counts is where it leads.
            if (status.IsSymbolicLink)
            {
                if (FileStatus.Of(AT_FDCWD, directory, 0) is not FileStatus target)
                {
                    return $"{directory}: {LastError()}";
                }

                status = target;
            }

            if (!IsTrusted(status.Owner) || !status.IsDirectory || status.IsOpenToAll)
            {
                return status.IsOpenToAll
                    ? $"everybody may write to {directory}"
                    : $"{directory} is not a directory of root or of this user";
            }
        }

        return null;
    }

    /// <summary>Looked at before it is opened: opening a device can have effects of its own.</summary>
    private static string? FaultOfOldFile(string path) =>
        FileStatus.Of(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW) is FileStatus status ? FaultOf(status) : null;

    private static string? FaultOf(FileStatus status) =>
        status.IsSymbolicLink ? "it is a symbolic link"
        : !status.IsRegular ? "it is not a regular file"
        : status.Links != 1 ? $"it has {status.Links} names"
        : status.Owner != geteuid() ? $"it belongs to user {status.Owner}"
        : status.Size >= MaxBytes ? $"it has reached {MaxBytes / (1024 * 1024)} MiB"
        : null;

    private static bool IsTrusted(uint user) => user == 0 || user == geteuid();

    private static string LastError() => Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
}
