using System.Diagnostics;
using System.Runtime.InteropServices;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Cni;

/// <summary>
/// Standard input, output or error of the process, with a limit on the total waiting time: a runtime that neither writes
/// nor reads must not block the process forever.
/// </summary>
/// <remarks>Unlike the streams of <see cref="Console"/>, a write fails if the reader has closed the pipe (EPIPE).</remarks>
/// <param name="descriptor">0, 1 or 2. Disposing the stream does not close it.</param>
/// <param name="limit">The limit; <see cref="Timeout.InfiniteTimeSpan"/> for none.</param>
public sealed class StandardStream(int descriptor, TimeSpan limit) : Stream
{
    /// <summary>The default limit.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(60);

    /// <summary>PIPE_BUF: a pipe that poll(2) reports as writable accepts this many bytes without blocking.</summary>
    private const int MaxWrite = 4096;

    private const int EBADF = 9;

    private readonly Stopwatch _waited = new();

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>
    /// Occupies the descriptors 0 to 2 if they are closed, with a file that can be neither read nor written. Otherwise the next
    /// opened file or socket would receive the text for standard output or error.
    /// </summary>
    /// <exception cref="IOException">No descriptor is available.</exception>
    public static void OccupyClosed()
    {
        for (int number = 0; number <= 2; number++)
        {
            // open returns the lowest free number. With O_PATH, reads and writes still fail as on a closed descriptor.
            if (!IsOpen(number) && Libc.Open("/", O_PATH, 0) < 0)
            {
                throw Failure();
            }
        }
    }

    /// <summary>
    /// Whether a descriptor is open; false for one that <see cref="OccupyClosed"/> has occupied, because poll(2) rejects O_PATH.
    /// </summary>
    public static unsafe bool IsOpen(int number)
    {
        var asked = new pollfd { fd = number };
        _ = Libc.Poll(&asked, 1, 0);
        return (asked.revents & POLLNVAL) == 0;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    /// <exception cref="IOException">Reading fails, or neither data nor the end arrives within the limit.</exception>
    public override unsafe int Read(Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            ssize_t count;
            do
            {
                WaitFor(POLLIN, "its end has not come");
                count = read(descriptor, start, buffer.Length);
            }
            while (count < 0 && ShouldRetry());

            return count >= 0 ? (int)count : throw Failure();
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    /// <exception cref="IOException">Writing fails, or the reader does not read within the limit.</exception>
    public override unsafe void Write(ReadOnlySpan<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            for (int done = 0; done < buffer.Length;)
            {
                WaitFor(POLLOUT, "nobody has read what was written");
                ssize_t count = write(descriptor, start + done, Math.Min(buffer.Length - done, MaxWrite));
                done += count >= 0 ? (int)count : ShouldRetry() ? 0 : throw Failure();
            }
        }
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        // The stream has no buffer.
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    private unsafe void WaitFor(short what, string missed)
    {
        int ready;
        do
        {
            int left = limit == Timeout.InfiniteTimeSpan ? -1 : (int)Math.Max(0, (limit - _waited.Elapsed).TotalMilliseconds);
            var asked = new pollfd { fd = descriptor, events = what };
            _waited.Start();
            ready = Libc.Poll(&asked, 1, left);
            _waited.Stop();
        }
        while (ready < 0 && ShouldRetry());

        if (ready <= 0)
        {
            throw ready < 0 ? Failure() : new IOException($"{missed} for {limit.TotalSeconds} s");
        }
    }

    /// <summary>Whether a signal arrived (EINTR), or another process with the same descriptor was faster (EAGAIN).</summary>
    private static bool ShouldRetry() => errno == EINTR || errno == EAGAIN;

    private static IOException Failure() =>
        new(Marshal.GetLastPInvokeError() is int error && error == EBADF ? "it is closed" : Marshal.GetPInvokeErrorMessage(error));
}
