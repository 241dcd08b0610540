using System.Buffers;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace EgressRouter.Tools.Audit;

/// <summary>Why a connection has no line. Counted in lines of their own, and in metrics.</summary>
internal enum AuditLoss
{
    /// <summary>The kernel had more events than its buffer holds. Whose they were is not known.</summary>
    Kernel,

    /// <summary>More lines than <c>--rate</c> allows.</summary>
    Rate,

    /// <summary>The file or the standard output could not be written.</summary>
    Output,
}

/// <summary>Takes whole lines.</summary>
/// <exception cref="IOException">They could not be written.</exception>
internal delegate void AuditOutput(ReadOnlySpan<byte> lines);

/// <summary>Writes lines, at most so many a second, and tells how many are missing. For one thread; its numbers are for any.</summary>
/// <param name="node">The node, which the lines name; null: unknown.</param>
internal sealed class AuditLog(AuditOutput output, int linesPerSecond, string? node, TimeProvider clock)
{
    /// <summary>More is written at once, even if more lines are to come.</summary>
    private const int MostBuffered = 64 * 1024;

    private static readonly string[] _reasons = ["kernel", "rate", "output"];

    private readonly ArrayBufferWriter<byte> _buffer = new();

    private readonly long[] _lost = new long[_reasons.Length];

    /// <summary>The losses that no line has told of yet.</summary>
    private readonly long[] _untold = new long[_reasons.Length];

    private long _second;

    private int _linesInSecond;

    private int _linesInBuffer;

    private long _lines;

    private long _toldAt;

    /// <summary>The reasons, as lines and metrics name them.</summary>
    public static IReadOnlyList<string> Reasons => _reasons;

    /// <summary>How many connections have a line.</summary>
    public long Lines => Volatile.Read(ref _lines);

    /// <summary>Why the newest lines were not written; null: they were.</summary>
    public string? Failure { get; private set; }

    /// <summary>
    /// Of a pipe, .NET's console stream does not notice when nobody reads it. A file may be that of stderr too: they share its offset.
    /// </summary>
    public static Stream OpenStandardOutput()
    {
        var stdout = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        return stdout.CanSeek ? Console.OpenStandardOutput() : stdout;
    }

    /// <summary>How many lines are missing.</summary>
    public long Lost(AuditLoss reason) => Volatile.Read(ref _lost[(int)reason]);

    public void Lose(AuditLoss reason, long count)
    {
        Interlocked.Add(ref _lost[(int)reason], count);
        _untold[(int)reason] += count;
    }

    public void Write(AuditRecord record)
    {
        long second = clock.GetUtcNow().ToUnixTimeSeconds();
        (_second, _linesInSecond) = (second, second == _second ? _linesInSecond + 1 : 1);
        if (_linesInSecond > linesPerSecond)
        {
            Lose(AuditLoss.Rate, 1);
            return;
        }

        Append(record.Write);
        _linesInBuffer++;
        if (_buffer.WrittenCount > MostBuffered)
        {
            Flush();
        }
    }

    /// <summary>Tells that connections have lines from now on, or have none any more.</summary>
    public void Tell(string what)
    {
        Append(json => WriteHead(json, what));
        Flush();
    }

    /// <summary>Hands over what there is, and tells of losses, if that was not done in this second.</summary>
    /// <param name="isLast">Whether there is no later time for that.</param>
    public void Flush(bool isLast = false)
    {
        long second = clock.GetUtcNow().ToUnixTimeSeconds();
        long[] told = [];
        if (second != _toldAt || isLast)
        {
            _toldAt = second;
            told = TellLosses();
        }

        if (_buffer.WrittenCount == 0)
        {
            return;
        }

        try
        {
            output(_buffer.WrittenSpan);
            Interlocked.Add(ref _lines, _linesInBuffer);
            Failure = null;
            for (int reason = 0; reason < told.Length; reason++)
            {
                _untold[reason] -= told[reason];
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Failure = failure.Message;
            Lose(AuditLoss.Output, _linesInBuffer);
        }

        _buffer.ResetWrittenCount();
        _linesInBuffer = 0;
    }

    /// <returns>The losses of each reason that count as told if the lines can be written.</returns>
    private long[] TellLosses()
    {
        foreach ((int reason, long count) in _untold.Index().Where(one => one.Item > 0))
        {
            Append(json =>
            {
                WriteHead(json, AuditField.Lost);
                json.WriteString(AuditField.Reason, _reasons[reason]);
                json.WriteNumber(AuditField.Count, count);
            });
        }

        return [.. _untold];
    }

    private void WriteHead(Utf8JsonWriter json, string what)
    {
        json.WriteString(AuditField.Time, AuditTime.Text(clock.GetUtcNow()));
        json.WriteString(AuditField.Event, what);
        AuditField.WriteUnlessNull(json, AuditField.Node, node);
    }

    private void Append(Action<Utf8JsonWriter> members)
    {
        using (var json = new Utf8JsonWriter(_buffer))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        _buffer.Write("\n"u8);
    }
}
