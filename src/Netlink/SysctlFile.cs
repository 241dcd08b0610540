using System.Runtime.InteropServices;
using System.Text;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Netlink;

/// <summary>
/// Files below /proc/sys. In /proc/sys/net they belong to the network namespace of the calling thread
/// (network_namespaces(7)).
/// </summary>
public static unsafe class SysctlFile
{
    /// <summary>Reads a parameter, without trailing white space; returns null if the file does not exist.</summary>
    /// <param name="path">The path below /proc/sys.</param>
    public static string? Read(string path)
    {
        try
        {
            return File.ReadAllText("/proc/sys/" + path).TrimEnd();
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Writes a parameter. Direct system calls take half the time: .NET's file API also stats and locks the file.</summary>
    /// <param name="path">The path below /proc/sys.</param>
    /// <param name="value">The value.</param>
    /// <exception cref="NetlinkException">The file does not exist (ENOENT) or cannot be written (EROFS, EACCES, EINVAL).</exception>
    public static void Write(string path, string value)
    {
        string operation = $"set sysctl {path}={value}";
        int descriptor = Libc.Open("/proc/sys/" + path, O_WRONLY | O_CLOEXEC, 0);
        if (descriptor < 0)
        {
            throw new NetlinkException(operation, Marshal.GetLastPInvokeError());
        }

        byte[] text = Encoding.ASCII.GetBytes(value);
        ssize_t written;
        int errno;
        fixed (byte* bytes = text)
        {
            do
            {
                // A sysctl value must be written in one call.
                written = write(descriptor, bytes, text.Length);
                errno = written < 0 ? Marshal.GetLastPInvokeError() : Errno.EIO;
            }
            while (written < 0 && errno == Errno.EINTR);
        }

        _ = close(descriptor);
        if (written != text.Length)
        {
            throw new NetlinkException(operation, errno);
        }
    }
}
