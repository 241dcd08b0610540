using System.Text.Json;
using Cni;

namespace EgressRouterCtl.Output;

/// <summary>A part of a line. What strangers have a hand in (names in a pod, texts of files) comes in it as it is.</summary>
/// <param name="Text">The text.</param>
/// <param name="Colour">The number of its colour on a terminal; 0 for none.</param>
internal readonly record struct Styled(string Text, int Colour = 0)
{
    public static implicit operator Styled(string text) => new(text);

    public static Styled Good(string text) => new(text, 32);

    public static Styled Bad(string text) => new(text, 31);

    public static Styled Doubtful(string text) => new(text, 33);

    public static Styled Title(string text) => new(text, 1);
}

/// <summary>
/// Where verbs write to: lines of text, with colours on a terminal only, or JSON. Nothing that commands a terminal gets there
/// but our own colours.
/// </summary>
/// <param name="stdout">The standard output.</param>
/// <param name="hasColours">Whether it is a terminal that wants colours.</param>
internal sealed class Screen(Stream stdout, bool hasColours) : IDisposable
{
    // For people and programs, not for a web page: quotes and angle brackets stay readable.
    private static readonly JsonWriterOptions _json = new()
    {
        Indented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping
    };

    private readonly StreamWriter _text = new(stdout) { AutoFlush = false, NewLine = "\n" };

    /// <summary>The standard output; colours as https://no-color.org asks for.</summary>
    public static Screen Open() =>
        new(Console.OpenStandardOutput(),
            !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb"));

    /// <summary>One line, whatever is in its parts.</summary>
    public void Line(params ReadOnlySpan<Styled> pieces)
    {
        foreach (Styled piece in pieces)
        {
            string text = SafeText.Escape(piece.Text);
            _text.Write(hasColours && piece.Colour > 0 ? $"\e[{piece.Colour}m{text}\e[0m" : text);
        }

        _text.WriteLine();
    }

    /// <summary>A text of several lines.</summary>
    public void Lines(string text)
    {
        foreach (string line in text.Split('\n'))
        {
            Line(line);
        }
    }

    /// <summary>A text that a program reads, as it is: who writes it has seen to it that nothing in it commands a terminal.</summary>
    public void Document(string text) => _text.Write(text);

    public void Flush() => _text.Flush();

    public void Dispose() => _text.Dispose();

    /// <summary>Back to the upper left corner of an empty terminal; a gap where it is none.</summary>
    public void Clear() => _text.Write(hasColours ? "\e[H\e[2J" : "\n");

    /// <summary>Columns under titles; nothing where there are no rows.</summary>
    public void Table(string[] titles, IEnumerable<string[]> rows)
    {
        string[][] all = [titles, .. rows];
        Columns(all.Length > 1 ? all : [], hasTitles: true);
    }

    /// <summary>Columns as wide as their widest cell.</summary>
    public void Columns(IEnumerable<string[]> rows, bool hasTitles = false)
    {
        string[][] all = [.. rows];
        int[] widths = [.. (all.FirstOrDefault() ?? []).Select((_, column) => all.Max(row => row[column].Length))];
        foreach ((int index, string[] row) in all.Index())
        {
            string text = "  " + string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd();
            Line(hasTitles && index == 0 ? Styled.Title(text) : text);
        }
    }

    public void Json(Action<Utf8JsonWriter> write)
    {
        Flush();
        using (var json = new Utf8JsonWriter(stdout, _json))
        {
            write(json);
        }

        stdout.Write("\n"u8);
    }
}
