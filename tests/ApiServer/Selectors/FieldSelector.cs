using System.Text;
using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>A field selector: <c>a=b,c!=d</c>, with the fields that a kind has for it.</summary>
internal sealed class FieldSelector
{
    private readonly List<(string[] Path, string Value, bool IsEqual)> _requirements = [];

    /// <exception cref="ApiError">It is none, or the kind has no such field for it.</exception>
    public FieldSelector(string? text, Kind kind)
    {
        foreach (string term in Split(text ?? ""))
        {
            int at = term.IndexOf('=', StringComparison.Ordinal);
            if (at < 1)
            {
                throw ApiError.BadRequest($"invalid selector: '{text}'; can't understand '{term}'");
            }

            bool isEqual = term[at - 1] != '!';
            string field = term[..(isEqual ? at : at - 1)];
            string value = Unescape(term[(at + 1)..].TrimStart('='));
            if (field is not ("metadata.name" or "metadata.namespace") && !kind.SelectableFields.Contains(field))
            {
                throw ApiError.BadRequest($"field label not supported: {field}");
            }

            // The server selects by the name of the program that is in it.
            string path = field == "source" ? "source.component" : field;
            _requirements.Add((path.Split('.'), value, isEqual));
        }
    }

    public bool IsEmpty => _requirements.Count == 0;

    /// <param name="value">In the version that the selector is for.</param>
    public bool Matches(JsonObject value) =>
        _requirements.TrueForAll(one => ((value.At(one.Path) is JsonValue field ? field.ToString() : "") == one.Value) == one.IsEqual);

    /// <summary>Splits at commas without a backslash.</summary>
    private static IEnumerable<string> Split(string text)
    {
        var term = new StringBuilder();
        for (int index = 0; index <= text.Length; index++)
        {
            if (index == text.Length || text[index] == ',')
            {
                if (term.Length > 0)
                {
                    yield return term.ToString();
                }

                term.Clear();
                continue;
            }

            term.Append(text[index]);
            if (text[index] == '\\' && index + 1 < text.Length)
            {
                term.Append(text[++index]);
            }
        }
    }

    private static string Unescape(string text)
    {
        var value = new StringBuilder();
        for (int index = 0; index < text.Length; index++)
        {
            value.Append(text[index] == '\\' && index + 1 < text.Length ? text[++index] : text[index]);
        }

        return value.ToString();
    }
}
