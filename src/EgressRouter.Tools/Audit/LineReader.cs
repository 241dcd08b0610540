namespace EgressRouter.Tools.Audit;

/// <summary>Reads lines of bytes, one after the other.</summary>
internal static class LineReader
{
    /// <summary>More than a line of an audit log can have.</summary>
    public const int LongestLine = 64 * 1024;

    /// <param name="take">Called for each line, also one without an end; with nothing for a line that is too long.</param>
    public static void Read(Stream stream, Action<ReadOnlyMemory<byte>> take)
    {
        var buffer = new byte[2 * LongestLine];
        (int begin, int end, bool isTooLong) = (0, 0, false);
        while (true)
        {
            int length = buffer.AsSpan(begin, end - begin).IndexOf((byte)'\n');
            if (length >= 0)
            {
                take(isTooLong || length > LongestLine ? default : buffer.AsMemory(begin, length));
                (begin, isTooLong) = (begin + length + 1, false);
                continue;
            }

            if (end - begin > LongestLine)
            {
                (begin, end, isTooLong) = (0, 0, true);
            }

            buffer.AsSpan(begin, end - begin).CopyTo(buffer);
            (begin, end) = (0, end - begin);
            int count = stream.Read(buffer, end, buffer.Length - end);
            if (count == 0)
            {
                if (end > 0 || isTooLong)
                {
                    take(isTooLong ? default : buffer.AsMemory(0, end));
                }

                return;
            }

            end += count;
        }
    }
}
