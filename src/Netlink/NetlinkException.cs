namespace Netlink;

/// <summary>The kernel refused a request, or its answer is malformed.</summary>
public sealed class NetlinkException : Exception
{
    /// <summary>Creates an exception for an error number.</summary>
    /// <param name="operation">The operation and its object, such as <c>add address 192.168.12.99/24 to net1</c>.</param>
    /// <param name="errno">The positive error number (errno(3)).</param>
    /// <param name="kernelText">The kernel's error text (extended acknowledgement, NLMSGERR_ATTR_MSG), or null.</param>
    public NetlinkException(string operation, int errno, string? kernelText = null)
        : base($"{operation}: {kernelText ?? Errno.Describe(errno)} ({Errno.Name(errno)})")
    {
        Operation = operation;
        Number = errno;
        KernelText = kernelText;
    }

    /// <summary>The operation that failed.</summary>
    public string Operation { get; }

    /// <summary>The positive error number, as in errno(3).</summary>
    public int Number { get; }

    /// <summary>The text of the kernel's extended acknowledgement, or null if it sent none.</summary>
    public string? KernelText { get; }

    /// <summary>Whether <see cref="NetNamespace.Open"/> failed because there is no namespace at the path.</summary>
    public bool IsNamespaceGone =>
        Number is Errno.ENOENT or Errno.EINVAL or Errno.ENOTDIR or Errno.ELOOP or Errno.ENAMETOOLONG or Errno.ENXIO;

    /// <summary>False if the request could not be sent, so that the kernel did not receive it.</summary>
    public bool WasSent { get; init; } = true;
}
