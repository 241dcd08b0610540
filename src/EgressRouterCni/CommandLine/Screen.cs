using System.Text.Json;

namespace EgressRouterCni.CommandLine;

/// <summary>Where verbs write to: text with colours on a terminal only, or JSON.</summary>
/// <param name="stdout">The standard output.</param>
/// <param name="hasColours">Whether it is a terminal that wants colours.</param>
internal sealed class Screen(Stream stdout, bool hasColours) : IDisposable
{
    // For people and programs, not for a web page: quotes and angle brackets stay readable.
    private static readonly JsonWriterOptions _json = new() { Indented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly StreamWriter _text = new(stdout) { AutoFlush = false, NewLine = "\n" };

    /// <summary>The standard output; colours as https://no-color.org asks for.</summary>
    public static Screen Open(Stream stdout) =>
        new(stdout, !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")));

    public string Good(string text) => Coloured(text, 32);

    public string Bad(string text) => Coloured(text, 31);

    public string Doubtful(string text) => Coloured(text, 33);

    public string Title(string text) => Coloured(text, 1);

    public void Line(string text = "") => _text.WriteLine(text);

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
            Line(hasTitles && index == 0 ? Title(text) : text);
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

    private string Coloured(string text, int colour) => hasColours ? $"\e[{colour}m{text}\e[0m" : text;
}
