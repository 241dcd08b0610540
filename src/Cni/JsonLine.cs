using System.Buffers;
using System.Text.Json;

namespace Cni;

/// <summary>One JSON object on one line, sent in a single write: a reader never sees half of it, or a second one.</summary>
internal static class JsonLine
{
    private static readonly JsonWriterOptions _options = new() { Encoder = ReadableEncoder.Instance };

    public static void Write(Stream stream, Action<Utf8JsonWriter> members)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, _options))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        buffer.Write("\n"u8);
        stream.Write(buffer.WrittenSpan);
        stream.Flush();
    }
}
