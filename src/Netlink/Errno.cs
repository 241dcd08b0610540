using System.Runtime.InteropServices;

namespace Netlink;

/// <summary>Linux error numbers (asm-generic/errno.h) and their names.</summary>
public static class Errno
{
    /// <summary>Operation not permitted.</summary>
    public const int EPERM = 1;

    /// <summary>No such file or directory; no such object.</summary>
    public const int ENOENT = 2;

    /// <summary>No such process; in rtnetlink: no such route.</summary>
    public const int ESRCH = 3;

    /// <summary>Interrupted system call.</summary>
    public const int EINTR = 4;

    /// <summary>Input/output error.</summary>
    public const int EIO = 5;

    /// <summary>Argument list too long; here: a limit on the amount of data is exceeded.</summary>
    public const int E2BIG = 7;

    /// <summary>Resource temporarily unavailable; a receive time-out.</summary>
    public const int EAGAIN = 11;

    /// <summary>Out of memory.</summary>
    public const int ENOMEM = 12;

    /// <summary>Permission denied.</summary>
    public const int EACCES = 13;

    /// <summary>No such device or address; open(2) of a socket file.</summary>
    public const int ENXIO = 6;

    /// <summary>Device or resource busy.</summary>
    public const int EBUSY = 16;

    /// <summary>The object already exists.</summary>
    public const int EEXIST = 17;

    /// <summary>No such device.</summary>
    public const int ENODEV = 19;

    /// <summary>Invalid argument.</summary>
    public const int EINVAL = 22;

    /// <summary>Not a directory.</summary>
    public const int ENOTDIR = 20;

    /// <summary>Read-only file system.</summary>
    public const int EROFS = 30;

    /// <summary>File name too long.</summary>
    public const int ENAMETOOLONG = 36;

    /// <summary>Too many symbolic links.</summary>
    public const int ELOOP = 40;

    /// <summary>Protocol error; a malformed message.</summary>
    public const int EPROTO = 71;

    /// <summary>Message too long for the socket.</summary>
    public const int EMSGSIZE = 90;

    /// <summary>Protocol not supported.</summary>
    public const int EPROTONOSUPPORT = 93;

    /// <summary>Not supported.</summary>
    public const int EOPNOTSUPP = 95;

    /// <summary>Address family not supported.</summary>
    public const int EAFNOSUPPORT = 97;

    /// <summary>Cannot assign the address; no such address.</summary>
    public const int EADDRNOTAVAIL = 99;

    /// <summary>The network (the link) is down.</summary>
    public const int ENETDOWN = 100;

    /// <summary>Network is unreachable.</summary>
    public const int ENETUNREACH = 101;

    /// <summary>No buffer space: messages were lost.</summary>
    public const int ENOBUFS = 105;

    /// <summary>No route to host.</summary>
    public const int EHOSTUNREACH = 113;

    /// <summary>Connection timed out.</summary>
    public const int ETIMEDOUT = 110;

    /// <summary>Connection refused.</summary>
    public const int ECONNREFUSED = 111;

    /// <summary>Operation now in progress.</summary>
    public const int EINPROGRESS = 115;

    /// <summary>Interrupted system call should be restarted (kernel-internal, but seen from nf_tables).</summary>
    public const int ERESTART = 85;

    /// <summary>The symbolic name, such as <c>ENETUNREACH</c>, or <c>errno 999</c>.</summary>
    public static string Name(int errno) => errno switch
    {
        EPERM => nameof(EPERM),
        ENOENT => nameof(ENOENT),
        ESRCH => nameof(ESRCH),
        EINTR => nameof(EINTR),
        EIO => nameof(EIO),
        ENXIO => nameof(ENXIO),
        E2BIG => nameof(E2BIG),
        9 => "EBADF",
        EAGAIN => nameof(EAGAIN),
        ENOMEM => nameof(ENOMEM),
        EACCES => nameof(EACCES),
        EBUSY => nameof(EBUSY),
        EEXIST => nameof(EEXIST),
        ENODEV => nameof(ENODEV),
        ENOTDIR => nameof(ENOTDIR),
        21 => "EISDIR",
        EINVAL => nameof(EINVAL),
        24 => "EMFILE",
        28 => "ENOSPC",
        EROFS => nameof(EROFS),
        34 => "ERANGE",
        38 => "ENOSYS",
        ENAMETOOLONG => nameof(ENAMETOOLONG),
        ELOOP => nameof(ELOOP),
        EPROTO => nameof(EPROTO),
        75 => "EOVERFLOW",
        ERESTART => nameof(ERESTART),
        EMSGSIZE => nameof(EMSGSIZE),
        EPROTONOSUPPORT => nameof(EPROTONOSUPPORT),
        EOPNOTSUPP => nameof(EOPNOTSUPP),
        EAFNOSUPPORT => nameof(EAFNOSUPPORT),
        98 => "EADDRINUSE",
        EADDRNOTAVAIL => nameof(EADDRNOTAVAIL),
        ENETDOWN => nameof(ENETDOWN),
        ENETUNREACH => nameof(ENETUNREACH),
        ENOBUFS => nameof(ENOBUFS),
        ETIMEDOUT => nameof(ETIMEDOUT),
        ECONNREFUSED => nameof(ECONNREFUSED),
        EINPROGRESS => nameof(EINPROGRESS),
        EHOSTUNREACH => nameof(EHOSTUNREACH),
        _ => $"errno {errno}",
    };

    /// <summary>The C library's text for an error number, such as <c>Network is unreachable</c>.</summary>
    public static string Describe(int errno) => Marshal.GetPInvokeErrorMessage(errno);
}
