using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace EgressRouterCni;

/// <summary>
/// Standard input, output or error of a plugin: the other end is the runtime's, and may neither close nor read it. Nothing waits
/// for it longer than the limit, counted from the first use on. Not thread-safe.
/// </summary>
/// <param name="descriptor">0, 1 or 2.</param>
/// <param name="limit">How long all waiting may take.</param>
internal sealed unsafe class StandardStream(int descriptor, TimeSpan limit) : Stream
{
    /// <summary>As long as an IPAM plugin may take. A runtime writes and reads at once.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(60);

    /// <summary>PIPE_BUF (pipe(7)): so much fits in where poll says that something does.</summary>
    private const int MostAtOnce = 4096;

    private readonly Stopwatch _clock = new();

    /// <summary>
    /// Opens /dev/null for reading as each of the three that is missing: else the next file or socket would be taken for it.
    /// Who writes to it gets an error.
    /// </summary>
    public static void OpenMissing()
    {
        for (int number = 0; number <= 2; number++)
        {
            var found = new Libc.PollDescriptor { Descriptor = number };
            if (Libc.Poll(&found, 1, 0) > 0 && (found.Returned & Libc.POLLNVAL) != 0)
            {
                // The lowest number that is free is this one.
                _ = Libc.Open("/dev/null", Libc.O_RDONLY, 0);
            }
        }
    }

    public override bool CanRead => descriptor == 0;

    public override bool CanWrite => descriptor != 0;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <exception cref="IOException">The kernel refuses, or nothing came within the limit.</exception>
    public override int Read(Span<byte> buffer)
    {
        Wait(Libc.POLLIN, "its other end has neither written nor closed it");
        fixed (byte* bytes = buffer)
        {
            return (int)Checked(Libc.Read(descriptor, bytes, (nuint)buffer.Length));
        }
    }

    /// <exception cref="IOException">The kernel refuses, or nobody read within the limit.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            Wait(Libc.POLLOUT, "nobody has read it");
            fixed (byte* bytes = buffer)
            {
                buffer = buffer[(int)Checked(Libc.Write(descriptor, bytes, (nuint)Math.Min(buffer.Length, MostAtOnce)))..];
            }
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private void Wait(short events, string reason)
    {
        _clock.Start();
        var wanted = new Libc.PollDescriptor { Descriptor = descriptor, Events = events };
        int ready;
        do
        {
            TimeSpan left = limit - _clock.Elapsed;
            ready = left > TimeSpan.Zero ? Libc.Poll(&wanted, 1, (int)left.TotalMilliseconds) : 0;
        }
        while (ready < 0 && Marshal.GetLastPInvokeError() == Libc.EINTR);
        if (Checked(ready) == 0)
        {
            throw new IOException(string.Create(CultureInfo.InvariantCulture, $"{reason} for {limit.TotalSeconds} s"));
        }
    }

    private static nint Checked(nint result) => result >= 0 ? result : throw new IOException(Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()));
}
