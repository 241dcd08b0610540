namespace Netlink;

/// <summary>The kernel refused a request, or its answer cannot be understood.</summary>
public sealed class NetlinkException : Exception
{
    /// <summary>An error of the kernel.</summary>
    /// <param name="operation">What was being done, to what: <c>add address 192.168.12.99/24 to net1</c>.</param>
    /// <param name="errno">The positive error number (errno(3)).</param>
    /// <param name="kernelText">The kernel's own words (extended acknowledgement, NLMSGERR_ATTR_MSG), or null.</param>
    public NetlinkException(string operation, int errno, string? kernelText = null)
        : base($"{operation}: {kernelText ?? Errno.Describe(errno)} ({Errno.Name(errno)})")
    {
        Operation = operation;
        Number = errno;
        KernelText = kernelText;
    }

    /// <summary>What was being done when it failed.</summary>
    public string Operation { get; }

    /// <summary>The positive error number, as in errno(3).</summary>
    public int Number { get; }

    /// <summary>The kernel's extended-acknowledgement text, where it gave one.</summary>
    public string? KernelText { get; }

    /// <summary>Whether the kernel was asked at all: false when the request itself could not be sent.</summary>
    public bool WasSent { get; init; } = true;
}
