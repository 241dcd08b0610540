using System.Globalization;
using System.Text;

namespace EgressRouter.Tools.Pictures;

/// <summary>One line of text in a picture.</summary>
/// <param name="Text">The text, unescaped; it may come from a configuration.</param>
/// <param name="Style">The class of the style sheet: <c>value</c>, <c>label</c> or <c>title</c>.</param>
internal readonly record struct PictureLine(string Text, string Style)
{
    public static PictureLine Value(string text) => new(text, "value");

    public static PictureLine Label(string text) => new(text, "label");

    public static PictureLine Title(string text) => new(text, "title");
}

/// <summary>
/// An SVG document of boxes, arrows and text: without script, link or font of its own, readable on light and dark pages. Text is
/// printable ASCII, all else is escaped: so its width is known, and no character can hide or reverse others.
/// </summary>
internal sealed class Svg
{
    public const int FontSize = 11;

    /// <summary>The distance of the lines of a box.</summary>
    public const int LineHeight = 15;

    /// <summary>The space between the text and the border of a box.</summary>
    public const int Padding = 8;

    // The background is drawn: a page may be light although its reader prefers dark.
    private const string StyleSheet = """
        <style>
          .page { fill: #ffffff; stroke: #d0d7de }
          .pod { fill: #f6f8fa; stroke: #8c959f; stroke-dasharray: 5 3 }
          .host { fill: #ffffff; stroke: #8c959f }
          .port { fill: #ddf4ff; stroke: #0969da }
          .egress { fill: #dafbe1; stroke: #1a7f37 }
          .gateway { fill: #fff8c5; stroke: #9a6700 }
          .arrow { fill: none; stroke: #59636e; stroke-width: 1.5 }
          text { fill: #1f2328; font-family: system-ui, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif }
          .value { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace }
          .label { fill: #59636e }
          .title { font-weight: 600 }
          @media (prefers-color-scheme: dark) {
            .page { fill: #0d1117; stroke: #3d444d }
            .pod { fill: #151b23; stroke: #656c76 }
            .host { fill: #0d1117; stroke: #656c76 }
            .port { fill: #121d2f; stroke: #4493f8 }
            .egress { fill: #12261e; stroke: #3fb950 }
            .gateway { fill: #272115; stroke: #d29922 }
            .arrow { stroke: #9198a1 }
            text { fill: #f0f6fc }
            .label { fill: #9198a1 }
          }
        </style>
        """;

    private readonly StringBuilder _body = new();

    /// <summary>The height of a box with these lines.</summary>
    public static int HeightOf(int lines) => (lines * LineHeight) + (2 * Padding) - 2;

    /// <summary>The most characters that fit into a box of this width, in the widest of the fonts.</summary>
    public static int Columns(int width) => (width - Padding) * 10 / (FontSize * 6);

    /// <summary>Breaks a text into lines, if it can after blanks or colons.</summary>
    public static IEnumerable<string> Wrap(string text, int columns)
    {
        string rest = Ascii(text);
        while (rest.Length > columns)
        {
            int end = rest.AsSpan(0, columns).LastIndexOfAny(' ', ':') + 1;
            end = end > 0 ? end : columns;
            yield return rest[..end].TrimEnd();
            rest = rest[end..].TrimStart();
        }

        yield return rest;
    }

    /// <summary>The text, or its beginning if it is longer.</summary>
    public static string Shorten(string text, int columns)
    {
        string safe = Ascii(text);
        return safe.Length > columns ? safe[..(columns - 3)] + "..." : safe;
    }

    public void Text(int x, int y, PictureLine line, string anchor = "middle", int size = FontSize) =>
        Add($"""<text x="{x}" y="{y}" class="{line.Style}" font-size="{size}" text-anchor="{anchor}">{Escape(line.Text)}</text>""");

    /// <summary>A box with lines in its middle.</summary>
    public void Box(int x, int y, int width, int height, string style, params IReadOnlyCollection<PictureLine> lines)
    {
        Add($"""<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" class="{style}"/>""");
        int first = y + ((height - (lines.Count * LineHeight)) / 2) + FontSize;
        foreach ((int index, PictureLine line) in lines.Index())
        {
            Text(x + (width / 2), first + (index * LineHeight), line);
        }
    }

    /// <summary>An arrow to the right.</summary>
    public void Arrow(int x, int y, int end) => Add($"""<path d="M{x} {y}H{end - 2}m-6 -4l6 4l-6 4" class="arrow"/>""");

    /// <summary>Draws another drawing on this one.</summary>
    public void Append(Svg other) => _body.Append(other._body);

    /// <summary>The document.</summary>
    /// <param name="title">What the picture shows, for screen readers.</param>
    /// <param name="description">All that it says, for screen readers.</param>
    public string Document(int width, int height, string title, string description) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        <svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">
        <title>{Escape(title)}</title>
        <desc>{Escape(description)}</desc>
        {StyleSheet}
        <rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8" class="page"/>
        {_body}</svg>

        """);

    private void Add(FormattableString element) => _body.Append(element.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private static string Escape(string text) => Ascii(text)
        .Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal);

    /// <summary>Printable ASCII, and a code for each other character.</summary>
    private static string Ascii(string text) => string.Concat(
        text.EnumerateRunes().Select(rune => rune.Value is >= ' ' and <= '~' ? rune.ToString() : $"\\u{rune.Value:x4}"));
}
