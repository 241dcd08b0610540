using System.Globalization;
using System.Text;
using Cni;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Parsing;

namespace EgressRouter.Logging;

/// <summary>
/// Formats each event as exactly one line:
/// <c>2026-11-21T10:04:42.123Z [info] message key=value: InvalidOperationException: its message</c>.
/// The time is UTC; the keys are the properties that the message does not show, in alphabetical order; an exception shows type
/// and message, without its stack.
/// </summary>
/// <remarks>
/// Events contain text from configurations, container IDs and the kernel. Characters that could end a line, control a terminal or
/// reorder text are therefore escaped: <c>\n</c>, <c>\u001b</c>, <c>\u202e</c>.
/// </remarks>
public sealed class LineFormatter : ITextFormatter
{
    /// <summary>The longest line in UTF-8 bytes, with its newline. Small enough for one write, and for any reader.</summary>
    public const int MaxLineBytes = 4096;

    /// <summary>The length of a line's timestamp in bytes: <c>2026-11-21T10:04:42.123Z</c>.</summary>
    internal const int TimestampLength = 24;

    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    private const string CutMark = " [cut]";

    /// <inheritdoc/>
    public void Format(LogEvent logEvent, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(logEvent);
        ArgumentNullException.ThrowIfNull(output);
        output.Write(Line(logEvent));
    }

    /// <summary>Whether these bytes are a timestamp, with which a line starts.</summary>
    internal static bool StartsLine(ReadOnlySpan<byte> bytes) =>
        bytes.Length == TimestampLength && DateTime.TryParseExact(
            Encoding.ASCII.GetString(bytes), TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    /// <summary>The event's line, with its newline.</summary>
    internal static string Line(LogEvent logEvent)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        text.Write(logEvent.Timestamp.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture));
        text.Write(" [");
        text.Write(logEvent.Level.Name());
        text.Write("] ");
        logEvent.RenderMessage(text, CultureInfo.InvariantCulture);
        WriteOtherProperties(logEvent, text);
        if (logEvent.Exception is Exception exception)
        {
            text.Write($": {exception.GetType().Name}: {exception.Message}");
        }

        return Escape(text.ToString());
    }

    private static void WriteOtherProperties(LogEvent logEvent, StringWriter text)
    {
        var shown = new HashSet<string>(StringComparer.Ordinal);
        foreach (MessageTemplateToken token in logEvent.MessageTemplate.Tokens)
        {
            if (token is PropertyToken property)
            {
                shown.Add(property.PropertyName);
            }
        }

        foreach ((string name, LogEventPropertyValue value) in logEvent.Properties.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (!shown.Contains(name))
            {
                text.Write(' ');
                text.Write(name);
                text.Write('=');
                value.Render(text, null, CultureInfo.InvariantCulture);
            }
        }
    }

    private static string Escape(string text)
    {
        const int room = MaxLineBytes - 1;
        var line = new StringBuilder(text.Length + 1);
        int bytes = 0;
        int cutAt = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            string? escaped = SafeText.Escape(rune);
            bytes += escaped?.Length ?? rune.Utf8SequenceLength;
            if (bytes > room)
            {
                line.Length = cutAt;
                line.Append(CutMark);
                break;
            }

            line.Append(escaped ?? rune.ToString());
            if (bytes <= room - CutMark.Length)
            {
                cutAt = line.Length;
            }
        }

        return line.Append('\n').ToString();
    }
}
