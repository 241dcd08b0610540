using System.Text;

namespace EgressRouter.Tools;

/// <summary>Files that an operator names on the command line.</summary>
internal static class TextFile
{
    /// <summary>Of one object more is a mistake or an attack: etcd stores no object of that size.</summary>
    public const int MaxBytes = 16 * 1024 * 1024;

    /// <summary>The text of a file, which has to be UTF-8, and the name to show for it.</summary>
    /// <param name="file">Its path, or <c>-</c> for the standard input.</param>
    /// <param name="maxBytes">How long it may be.</param>
    /// <exception cref="UsageException">It cannot be read.</exception>
    public static (string Name, string Text) Read(string file, Stream stdin, int maxBytes = MaxBytes)
    {
        string name = file switch { "-" => "standard input", "" => "FILE", _ => file };
        try
        {
            using Stream stream = file == "-" ? stdin : File.OpenRead(file);
            var bytes = new MemoryStream();
            var buffer = new byte[64 * 1024];
            for (int count = stream.Read(buffer); count > 0; count = stream.Read(buffer))
            {
                bytes.Write(buffer, 0, count);
                if (bytes.Length > maxBytes)
                {
                    throw new UsageException($"{name}: it is longer than {maxBytes} bytes");
                }
            }

            return (name, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true)
                .GetString(bytes.GetBuffer(), 0, (int)bytes.Length));
        }
        catch (DecoderFallbackException fault)
        {
            throw new UsageException($"{name}: byte {fault.Index + 1} is not UTF-8");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UsageException($"{name}: {unreadable.Message}");
        }
    }
}
