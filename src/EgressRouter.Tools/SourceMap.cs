using System.Text;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Tools;

/// <summary>
/// Maps byte offsets of a JSON text to positions in its file. YAML folds, indents and escapes the text but keeps the order of visible
/// characters, so that both texts are walked in parallel. A call continues where the last one ended: many faults cost one pass.
/// </summary>
/// <param name="scalar">The YAML scalar that holds the JSON text, or null if the file itself is JSON.</param>
internal sealed class SourceMap(string text, ReadOnlyMemory<byte> json, YamlScalarNode? scalar)
{
    /// <summary>An upper bound of what YAML puts between two visible characters: indentation, a line break, an escape.</summary>
    private const int MostBetween = 4096;

    private int _byte;
    private int _character;
    private int _index = StartOf(text, scalar);
    private int _counted;
    private int _line = 1;

    public SourcePosition Of(int offset)
    {
        if (offset < _byte)
        {
            (_byte, _character, _index, _counted, _line) = (0, 0, StartOf(text, scalar), 0, 1);
        }

        int character = _character + Encoding.UTF8.GetCharCount(json.Span[_byte..offset]);
        _index = scalar is null ? character : Walk(scalar, character);
        (_byte, _character) = (offset, character);
        int here = scalar is null ? _index : IndexOf(scalar.Value!, character, _index) ?? _index;
        _line += text.AsSpan(_counted, here - _counted).Count('\n');
        _counted = here;
        return new SourcePosition(_line, here - text.AsSpan(0, here).LastIndexOf('\n'));
    }

    private static int StartOf(string text, YamlScalarNode? scalar)
    {
        int start = (int)(scalar?.Start.Index ?? 0);
        return scalar?.Style switch
        {
            ScalarStyle.Literal or ScalarStyle.Folded => text.IndexOf('\n', start) + 1,
            ScalarStyle.SingleQuoted or ScalarStyle.DoubleQuoted => start + 1,
            _ => start,
        };
    }

    /// <summary>Returns the index after the last visible character before this one.</summary>
    private int Walk(YamlScalarNode scalar, int character)
    {
        string value = scalar.Value!;
        int at = _index;
        for (int i = _character; i < character && i < value.Length; i++)
        {
            if (IndexOf(value, i, at) is int found)
            {
                at = found + (scalar.Style == ScalarStyle.SingleQuoted && value[i] == '\'' ? 2 : 1);
            }
        }

        return at;
    }

    /// <summary>
    /// Returns a visible character's index in the file, or null if it is invisible or written as an escape.
    /// </summary>
    private int? IndexOf(string value, int character, int from)
    {
        if (character >= value.Length || char.IsWhiteSpace(value[character]))
        {
            return null;
        }

        int found = text.AsSpan(from, Math.Min(MostBetween, text.Length - from)).IndexOf(value[character]);
        return found < 0 ? null : from + found;
    }
}
