using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using static Tmds.Linux.LibC;

namespace EgressRouterCni.Logging;

/// <summary>
/// Buffers writes until the flush, which sends them in one write(2). The descriptor has O_APPEND, so that the lines of concurrent
/// plugins neither overwrite nor interleave.
/// </summary>
/// <remarks>
/// Not a <see cref="FileStream"/>, which keeps what it could not write, throws at every later flush, and again in Dispose. Here a
/// line that cannot be written (disk full) is lost, and reported once to <paramref name="warn"/>.
/// </remarks>
/// <param name="file">The descriptor; the stream closes it.</param>
/// <param name="warn">Receives the reason of the first failure.</param>
internal sealed class AppendStream(SafeFileHandle file, Action<string> warn) : Stream
{
    private readonly MemoryStream _line = new();
    private bool _warned;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] buffer, int offset, int count) => _line.Write(buffer, offset, count);

    public override void Write(ReadOnlySpan<byte> buffer) => _line.Write(buffer);

    public override void Flush()
    {
        ReadOnlySpan<byte> rest = _line.GetBuffer().AsSpan(0, (int)_line.Length);
        _line.SetLength(0);
        while (!rest.IsEmpty)
        {
            nint written = WriteSome(rest);
            int error = Marshal.GetLastPInvokeError();
            if (written < 0 && error == EINTR)
            {
                continue;
            }

            if (written <= 0)
            {
                WarnOnce(Marshal.GetPInvokeErrorMessage(error));
                return;
            }

            // A nearly full disk accepts a part.
            rest = rest[(int)written..];
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && !file.IsClosed)
        {
            Flush();
            file.Dispose();
            _line.Dispose();
        }

        base.Dispose(disposing);
    }

    private unsafe nint WriteSome(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            // The stream owns the descriptor; no other thread closes it.
            return (nint)write((int)file.DangerousGetHandle(), start, bytes.Length);
        }
    }

    private void WarnOnce(string reason)
    {
        if (!_warned)
        {
            _warned = true;
            warn(reason);
        }
    }
}
