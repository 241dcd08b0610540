using static Tmds.Linux.LibC;

namespace Netlink;

/// <summary>
/// Closes a socket without waiting for an RCU grace period, 10 to 50 ms in which a runtime would wait for the plugin: a packet
/// socket waits in packet_release (net/packet/af_packet.c), an nf_tables socket whose table was deleted in nft_rcv_nl_event
/// (net/netfilter/nf_tables_api.c). The end of the process would wait too.
/// </summary>
/// <remarks>
/// The file is registered with an io_uring of its own (io_uring_register(2), IORING_REGISTER_FILES), which then holds the
/// last reference to it; when the ring is closed, a worker of the kernel lets go of what it held. Where io_uring is not
/// to be had (kernel.io_uring_disabled, seccomp), the file is closed as any other.
/// </remarks>
internal static unsafe class DeferredClose
{
    private const int IoUringSetup = 425; //    the same numbers on x86-64 and arm64
    private const int IoUringRegister = 427;
    private const int RegisterFiles = 2;

    /// <summary>struct io_uring_params: nothing asked for is all zero.</summary>
    private const int ParametersLength = 120;

    /// <summary>Closes a descriptor now, and the file behind it soon.</summary>
    /// <param name="descriptor">The descriptor.</param>
    public static void Close(int descriptor)
    {
        byte* parameters = stackalloc byte[ParametersLength];
        new Span<byte>(parameters, ParametersLength).Clear();
        int ring = (int)syscall(IoUringSetup, 1, parameters);
        if (ring >= 0)
        {
            _ = syscall(IoUringRegister, ring, RegisterFiles, &descriptor, 1);
        }

        _ = close(descriptor);
        if (ring >= 0)
        {
            _ = close(ring);
        }
    }
}
