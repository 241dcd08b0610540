using System.Text.Json;

namespace Cni;

/// <summary>
/// The JSON on stdin: bounded in size and depth, strictly UTF-8, without comments, trailing commas or duplicate members
/// (two readers of a duplicate can differ in which one counts). Errors tell positions and names of members, never values.
/// </summary>
internal static class ConfigText
{
    /// <summary>Several times what etcd stores for one object; more is a mistake or an attack.</summary>
    public const int MaxBytes = 1024 * 1024;

    /// <summary>Objects and lists within each other.</summary>
    public const int MaxDepth = 32;

    /// <summary>Everything on the stream.</summary>
    /// <exception cref="CniException">Code 5: it cannot be read. Code 6: it is longer than <see cref="MaxBytes"/>.</exception>
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

    /// <summary>The one object that the text is. Every string in it can be read: none holds half a surrogate pair.</summary>
    /// <exception cref="CniException">Code 6: it is not one; the message says why and where.</exception>
    public static JsonElement Parse(ReadOnlyMemory<byte> text)
    {
        // One pass says all that can be wrong, with its place. The parser's own messages are never passed on: they
        // quote what they stumbled over, and that may be a secret. Its own check for duplicates is not used: compiled
        // ahead of time for .NET 9 it corrupts the heap (objects of 17 members, names with escapes).
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
