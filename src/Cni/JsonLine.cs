using System.Buffers;
using System.Text.Json;

namespace Cni;

/// <summary>Writes one JSON object on one line, in one call: an exception while it is built leaves no partial output.</summary>
internal static class JsonLine
{
    // The output goes to runtimes and logs, not to web pages, so quotes and angle brackets stay readable.
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
