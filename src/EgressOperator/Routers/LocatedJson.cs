using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace EgressOperator.Routers;

/// <summary>An object as JSON with one value on each line, and the path of the value on each line.</summary>
internal sealed class LocatedJson
{
    private static readonly JsonWriterOptions _format = new()
    {
        Indented = true,
        NewLine = "\n",
        // The YAML reader takes characters as they are, but not all of JSON's escapes.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly List<string> _paths = [];

    public LocatedJson(JsonElement source)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, _format))
        {
            source.WriteTo(writer);
        }

        Text = Encoding.UTF8.GetString(buffer.WrittenSpan);
        Walk(source, "");
    }

    public string Text { get; }

    /// <summary>For example <c>spec.addresses[0].ip</c>; empty for the object itself.</summary>
    /// <param name="line">From 1.</param>
    public string PathAt(int line) => line > 0 && line <= _paths.Count ? _paths[line - 1] : "";

    private void Walk(JsonElement value, string path)
    {
        _paths.Add(path);
        int before = _paths.Count;
        if (value.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty member in value.EnumerateObject())
            {
                Walk(member.Value, path.Length == 0 ? member.Name : $"{path}.{member.Name}");
            }
        }
        else if (value.ValueKind == JsonValueKind.Array)
        {
            foreach ((int index, JsonElement item) in value.EnumerateArray().Index())
            {
                Walk(item, $"{path}[{index}]");
            }
        }

        if (_paths.Count > before)
        {
            // The closing bracket.
            _paths.Add(path);
        }
    }
}
