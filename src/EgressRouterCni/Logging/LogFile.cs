using System.Runtime.InteropServices;
using EgressRouter.Logging;
using Microsoft.Win32.SafeHandles;
using static Tmds.Linux.LibC;

namespace EgressRouterCni.Logging;

/// <summary>
/// Opens a log as root, at a path from a configuration. Nobody may redirect it to another file: no symbolic link of another user on
/// the path and none at its end, no second hard link, no FIFO that blocks, no device.
/// </summary>
internal static class LogFile
{
    /// <summary>
    /// The maximum file size (64 MiB). Log rotation is not certain for a program that runs for milliseconds, and a full disk takes the
    /// whole node down. A file that was rotated away is created again.
    /// </summary>
    public const ulong MaxBytes = 64 * 1024 * 1024;

    /// <summary>
    /// The folders for logs. A user who may write network configurations must not be able to write anywhere on the node: in a folder
    /// whose files are executed, or read as settings, a log would be more than a log.
    /// </summary>
    private static readonly string[] _roots = ["/var/log/", "/var/tmp/", "/tmp/"];

    /// <summary>Opens the log, or creates it with mode 0600.</summary>
    /// <param name="path">An absolute path.</param>
    /// <param name="reason">Why the log cannot be opened, if the method returns null.</param>
    /// <returns>A descriptor that appends, or null.</returns>
    public static SafeFileHandle? Open(string path, out string reason)
    {
        reason = FaultOfPath(path) ?? FaultOfDirectories(path) ?? FaultOfExistingFile(path) ?? "";
        if (reason.Length > 0)
        {
            return null;
        }

        // O_NONBLOCK: opening a FIFO must not wait for a reader. O_NOCTTY: a terminal must not become the controlling one.
        // The path can change between the check and the opening, so that the descriptor is checked again.
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
    /// A name must have no meaning for a shell pattern, a rotation or a terminal. Other folders below /var/log belong to other programs;
    /// collectors read the pods' output from /var/log/containers and /var/log/pods.
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
    /// Appends only to this plugin's own log: its lines could do anything at the end of a file that root's programs read.
    /// </summary>
    private static string? FaultOfContent(SafeFileHandle handle)
    {
        Span<byte> start = stackalloc byte[LineFormatter.TimestampLength];
        int length = RandomAccess.Read(handle, start, fileOffset: 0);
        return length == 0 || LineFormatter.StartsLine(start[..length]) ? null : "it exists and is not a log of this plugin";
    }

    /// <summary>Checks every directory of the path: a user who controls one could choose where the file is.</summary>
    private static string? FaultOfDirectories(string path)
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

            // Root may set a link (/var/run is one): its target is checked.
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

    /// <summary>Checked before the file is opened: opening a device can have side effects.</summary>
    private static string? FaultOfExistingFile(string path) =>
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
