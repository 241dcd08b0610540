using System.Text.Json;
using Cni;

namespace Terminal;

/// <summary>A part of a line. It may hold untrusted text (names in a pod, texts of files), which <see cref="Screen"/> escapes.</summary>
/// <param name="Text">The text, unescaped.</param>
/// <param name="Color">The SGR code of its color on a terminal, or 0 for none.</param>
internal readonly record struct Styled(string Text, int Color = 0)
{
    public static implicit operator Styled(string text) => new(text);

    public static Styled Good(string text) => new(text, 32);

    public static Styled Bad(string text) => new(text, 31);

    public static Styled Doubtful(string text) => new(text, 33);

    public static Styled Title(string text) => new(text, 1);
}

/// <summary>
/// The commands' output: lines of text, in color only on a terminal, or JSON. Its own colors are the only control sequences that
/// reach the terminal.
/// </summary>
/// <param name="stdout">Standard output.</param>
/// <param name="hasColors">Whether the output is a terminal with colors.</param>
internal sealed class Screen(Stream stdout, bool hasColors) : IDisposable
{
    // The JSON is not for a web page: quotes and angle brackets stay readable.
    private static readonly JsonWriterOptions _json = new()
    {
        Indented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping
    };

    private readonly StreamWriter _text = new(stdout) { AutoFlush = false, NewLine = "\n" };

    /// <summary>Opens standard output, with colors unless https://no-color.org or the terminal forbids them.</summary>
    public static Screen Open() =>
        new(Console.OpenStandardOutput(),
            !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb"));

    /// <summary>Writes one line; control characters in its parts are escaped.</summary>
    public void Line(params ReadOnlySpan<Styled> pieces)
    {
        foreach (Styled piece in pieces)
        {
            string text = SafeText.Escape(piece.Text);
            _text.Write(hasColors && piece.Color > 0 ? $"\e[{piece.Color}m{text}\e[0m" : text);
        }

        _text.WriteLine();
    }

    /// <summary>Writes a text of several lines.</summary>
    public void Lines(string text)
    {
        foreach (string line in text.Split('\n'))
        {
            Line(line);
        }
    }

    /// <summary>Writes a text for programs unescaped: the caller must ensure that it has no control sequences.</summary>
    public void Document(string text) => _text.Write(text);

    public void Flush() => _text.Flush();

    public void Dispose() => _text.Dispose();

    /// <summary>Clears a terminal; writes an empty line to anything else.</summary>
    public void Clear() => _text.Write(hasColors ? "\e[H\e[2J" : "\n");

    /// <summary>Writes columns with titles, or nothing if there are no rows.</summary>
    public void Table(string[] titles, IEnumerable<string[]> rows)
    {
        string[][] all = [titles, .. rows];
        Columns(all.Length > 1 ? all : [], hasTitles: true);
    }

    /// <summary>Writes a table with a title, or nothing if there are no rows.</summary>
    public void Part(string title, string[] titles, IEnumerable<string[]> rows)
    {
        string[][] all = [.. rows];
        if (all.Length > 0)
        {
            Line(Styled.Title(title));
            Table(titles, all);
        }
    }

    /// <summary>Writes columns as wide as their widest cell.</summary>
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
