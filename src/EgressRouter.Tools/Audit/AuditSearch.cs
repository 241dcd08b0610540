using System.Net;
using System.Text;
using System.Text.Json;
using Netlink.NetFilter;

namespace EgressRouter.Tools.Audit;

/// <summary>Who has used an egress address.</summary>
/// <param name="Protocol">Null: any.</param>
/// <param name="From">The beginning of the time that is asked for.</param>
/// <param name="To">Its end, which is not part of it.</param>
internal sealed record AuditQuestion(IPAddress Address, ushort Port, byte? Protocol, DateTimeOffset From, DateTimeOffset To);

/// <summary>A connection that was found.</summary>
/// <param name="Record">Its last line.</param>
/// <param name="Start">When it began; null: no line tells.</param>
/// <param name="End">When it ended; null: no line tells.</param>
internal sealed record AuditMatch(AuditRecord Record, DateTimeOffset? Start, DateTimeOffset? End);

/// <summary>Reads audit logs as streams. It keeps only connections of the address and the port that have begun and not yet ended.</summary>
internal sealed class AuditSearch(AuditQuestion question, Action<AuditMatch> found)
{
    private readonly Dictionary<(ConntrackTuple, ConntrackTuple), AuditRecord> _begun = [];

    private readonly string _address = question.Address.ToString();

    /// <summary>The lines about connections.</summary>
    public long Lines { get; private set; }

    /// <summary>The lines that are not of an audit log.</summary>
    public long Unreadable { get; private set; }

    /// <summary>The connections that have no line.</summary>
    public ulong Missing { get; private set; }

    /// <summary>The earliest time in a line; null: there are none.</summary>
    public DateTimeOffset? First { get; private set; }

    /// <summary>The latest.</summary>
    public DateTimeOffset? Last { get; private set; }

    public void Read(Stream stream) => LineReader.Read(stream, Take);

    /// <summary>Finds those that have begun and not ended.</summary>
    public void End()
    {
        foreach (AuditRecord record in _begun.Values)
        {
            Compare(new AuditMatch(record, record.Time, End: null));
        }

        _begun.Clear();
    }

    /// <param name="line">Empty: it was too long.</param>
    private void Take(ReadOnlyMemory<byte> line)
    {
        int begin = line.Span.IndexOf((byte)'{');
        try
        {
            using JsonDocument document = JsonDocument.Parse(begin < 0 || !IsPrefix(line.Span[..begin]) ? default : line[begin..]);
            if (!Take(document.RootElement))
            {
                Unreadable++;
            }
        }
        // The second one: of text that is not Unicode.
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            Unreadable++;
        }
    }

    /// <summary>
    /// Whether it is what runtimes write before a line of the standard output, or one word of <c>kubectl logs</c>. After other words, such
    /// as those of a log, a line may be anybody's.
    /// </summary>
    private static bool IsPrefix(ReadOnlySpan<byte> text) =>
        text.IsEmpty || Encoding.UTF8.GetString(text).Split(' ') is [_, ""] or [_, "stdout", "F", ""];

    private bool Take(JsonElement line)
    {
        if (AuditTime.Of(line, AuditField.Time) is not DateTimeOffset time)
        {
            return false;
        }

        First = First < time ? First : time;
        Last = Last > time ? Last : time;
        switch (AuditField.TextOf(line, AuditField.Event))
        {
            case AuditField.Start or AuditField.End:
                Lines++;
                return !IsAsked(line) || Take(AuditRecord.Read(line));
            case AuditField.Lost:
                Missing += AuditField.NumberOf(line, AuditField.Count) ?? 0;
                return true;
            case AuditField.On or AuditField.Off:
                return true;
            default:
                return false;
        }
    }

    private bool IsAsked(JsonElement line) =>
        line.TryGetProperty(AuditField.EgressIP, out JsonElement address) && address.ValueEquals(_address)
        && AuditField.NumberOf(line, AuditField.PortOf(AuditField.EgressIP)) == question.Port;

    private bool Take(AuditRecord? record)
    {
        if (record is null)
        {
            return false;
        }

        if (question.Protocol is null || question.Protocol == record.Original.Protocol)
        {
            (ConntrackTuple, ConntrackTuple) key = (record.Original, record.Reply);
            bool hasBegun = _begun.Remove(key, out AuditRecord? begun);
            if (!record.IsEnd)
            {
                // The end of the one before has no line, but that was before this start.
                if (hasBegun && question.From <= record.Time)
                {
                    Compare(new AuditMatch(begun!, begun!.Time, End: null));
                }

                _begun.Add(key, record);
                return true;
            }

            Compare(new AuditMatch(record, record.Start ?? begun?.Time, record.Time));
        }

        return true;
    }

    /// <summary>Of a connection without a known start, only the end counts.</summary>
    private void Compare(AuditMatch match)
    {
        if ((match.Start ?? match.End) < question.To && (match.End is null || match.End >= question.From))
        {
            found(match);
        }
    }
}
