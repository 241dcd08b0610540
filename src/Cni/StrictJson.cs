using System.Text.Json;

namespace Cni;

/// <summary>
/// Reads the JSON on stdin: limited in size and depth, valid UTF-8, without comments, trailing commas or duplicate members
/// (readers differ in which duplicate they use). Errors contain positions and member names, never values.
/// </summary>
internal static class StrictJson
{
    /// <summary>Larger than any object that etcd stores; longer text is a mistake or an attack.</summary>
    public const int MaxBytes = 1024 * 1024;

    /// <summary>Maximum nesting of objects and arrays.</summary>
    public const int MaxDepth = 32;

    /// <summary>Reads the stream to its end.</summary>
    /// <exception cref="CniException">Code 5: the stream cannot be read. Code 6: it exceeds <see cref="MaxBytes"/>.</exception>
    public static ReadOnlyMemory<byte> Read(Stream stream)
    {
        byte[] buffer = new byte[8 * 1024];
        int length = 0;
        try
        {
            while (true)
            {
                int count = stream.Read(buffer, length, buffer.Length - length);
                if (count == 0)
                {
                    return buffer.AsMemory(0, length);
                }

                length += count;
                if (length > MaxBytes)
                {
                    throw Undecodable($"it is longer than {MaxBytes} bytes");
                }

                if (length == buffer.Length)
                {
                    Array.Resize(ref buffer, Math.Min(buffer.Length * 2, MaxBytes + 1));
                }
            }
        }
        catch (IOException exception)
        {
            throw new CniException(CniErrorCode.IoFailure, $"cannot read the network configuration from stdin: {exception.Message}");
        }
    }

    /// <summary>Parses text that consists of one object. Its strings are valid Unicode, without lone surrogates.</summary>
    /// <exception cref="CniException">Code 6: the text is invalid; the message contains the reason and the position.</exception>
    public static JsonElement Parse(ReadOnlyMemory<byte> text)
    {
        // The parser's own messages quote the text, which can be secret, so they are never passed on. Its own duplicate check
        // corrupted the heap when compiled ahead of time for .NET 9 (objects of 17 members, names with escapes); not tried since.
        if (JsonSyntaxError.Find(text.Span) is JsonSyntaxError fault)
        {
            throw Undecodable(fault.ToString());
        }

        using JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = MaxDepth });
        return document.RootElement.ValueKind == JsonValueKind.Object
            ? document.RootElement.Clone()
            : throw Undecodable("it is not an object");
    }

    private static CniException Undecodable(string reason) =>
        new(CniErrorCode.DecodingFailure, $"cannot decode the network configuration on stdin: {reason}");
}
