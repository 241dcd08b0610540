using System.Diagnostics;
using System.Runtime.InteropServices;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Cni;

/// <summary>
/// Standard input, output or error of the process. All waits for the other end together have a bound: a runtime that neither
/// writes nor reads must not keep the process for ever.
/// </summary>
/// <remarks>Unlike the streams of <see cref="Console"/> it fails where nobody reads any more (EPIPE).</remarks>
/// <param name="descriptor">0, 1 or 2. It is not closed with the stream.</param>
/// <param name="limit">The bound; <see cref="Timeout.InfiniteTimeSpan"/> for none.</param>
public sealed class StandardStream(int descriptor, TimeSpan limit) : Stream
{
    /// <summary>How long a runtime may take.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(60);

    /// <summary>PIPE_BUF: so much goes into a pipe that poll(2) has called writable, without a wait.</summary>
    private const int MostAtOnce = 4096;

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
    /// Gives the numbers 0 to 2 to a descriptor that can neither be read nor written, where they are closed: the next file or
    /// socket that is opened would get them otherwise, and with them what is written to standard output or error.
    /// </summary>
    /// <exception cref="IOException">There is no descriptor left.</exception>
    public static void OccupyClosed()
    {
        for (int number = 0; number <= 2; number++)
        {
            // Each time the lowest free number is given. O_PATH: what is read or written still fails, as with a closed one.
            if (!IsOpen(number) && Libc.Open("/", O_PATH, 0) < 0)
            {
                throw Failure();
            }
        }
    }

    /// <summary>Whether a descriptor is open (and was so before <see cref="OccupyClosed"/>).</summary>
    public static unsafe bool IsOpen(int number)
    {
        var asked = new pollfd { fd = number };
        _ = Libc.Poll(&asked, 1, 0);
        return (asked.revents & POLLNVAL) == 0;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    /// <exception cref="IOException">It cannot be read, or neither more nor its end has come within the limit.</exception>
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
            while (count < 0 && IsToRepeat());

            return count >= 0 ? (int)count : throw Failure();
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    /// <exception cref="IOException">It cannot be written, or nobody has read it within the limit.</exception>
    public override unsafe void Write(ReadOnlySpan<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            for (int done = 0; done < buffer.Length;)
            {
                WaitFor(POLLOUT, "nobody has read what was written");
                ssize_t count = write(descriptor, start + done, Math.Min(buffer.Length - done, MostAtOnce));
                done += count >= 0 ? (int)count : IsToRepeat() ? 0 : throw Failure();
            }
        }
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        // Nothing is kept back.
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
        while (ready < 0 && IsToRepeat());

        if (ready <= 0)
        {
            throw ready < 0 ? Failure() : new IOException($"{missed} for {limit.TotalSeconds} s");
        }
    }

    /// <summary>Whether a signal came, or another process that has the same descriptor was faster.</summary>
    private static bool IsToRepeat() => errno == EINTR || errno == EAGAIN;

    private static IOException Failure() =>
        new(Marshal.GetLastPInvokeError() is int error && error == EBADF ? "it is closed" : Marshal.GetPInvokeErrorMessage(error));
}
