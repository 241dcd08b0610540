using static Tmds.Linux.LibC;

namespace Netlink;

/// <summary>
/// Closes a socket without waiting for an RCU grace period of 10 to 50 ms. A packet socket waits in packet_release
/// (net/packet/af_packet.c), an nf_tables socket that deleted a table in nft_rcv_nl_event (net/netfilter/nf_tables_api.c), also at
/// process exit, and the runtime waits for the plugin.
/// </summary>
/// <remarks>
/// The file is registered with a new io_uring (io_uring_register(2), IORING_REGISTER_FILES), which then holds its last
/// reference; a kernel worker releases it after the ring is closed. If io_uring is unavailable (kernel.io_uring_disabled,
/// seccomp), the file is closed normally.
/// </remarks>
internal static unsafe class DeferredClose
{
    private const int IoUringSetup = 425; //    the same numbers on x86-64 and arm64
    private const int IoUringRegister = 427;
    private const int RegisterFiles = 2;

    /// <summary>sizeof(struct io_uring_params); all zeros request the defaults.</summary>
    private const int ParametersLength = 120;

    /// <summary>Closes the descriptor at once; the kernel releases the file later.</summary>
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
