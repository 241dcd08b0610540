using static Tmds.Linux.LibC;

namespace Netlink;

/// <summary>
/// Closes a file without waiting for a slow release. Closing a packet socket waits 10 to 50 ms for an RCU grace period
/// (synchronize_net in packet_release, net/packet/af_packet.c), also at process exit, and the runtime waits for the plugin.
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
