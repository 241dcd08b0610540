using System.Globalization;
using System.Text;
using Shared;

namespace EgressRouter.Tests.Config;

/// <summary>Reads the tables in testdata/destinations/.</summary>
internal static class DestinationTable
{
    private const string Arrow = " => ";

    public static TheoryData<string, string> Read(string name)
    {
        var rows = new TheoryData<string, string>();
        foreach (string line in File.ReadLines(Repository.PathOf("testdata", "destinations", name)))
        {
            if (line.Length > 0 && !line.StartsWith('#'))
            {
                int arrow = line.IndexOf(Arrow, StringComparison.Ordinal);
                rows.Add(line[..arrow], line[(arrow + Arrow.Length)..]);
            }
        }

        return rows;
    }

    public static string Unescape(string text)
    {
        var plain = new StringBuilder();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                plain.Append(text[i]);
                continue;
            }

            i++;
            plain.Append(text[i] switch
            {
                't' => '\t',
                'n' => '\n',
                'r' => '\r',
                '0' => '\0',
                '\\' => '\\',
                'u' => (char)ushort.Parse(text.AsSpan(i + 1, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                char other => throw new FormatException($"\\{other} is no escape"),
            });
            i += text[i] == 'u' ? 4 : 0;
        }

        return plain.ToString();
    }
}
