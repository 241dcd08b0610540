using System.Text;
using EgressRouter.Tools.Audit;

namespace EgressRouter.Tests.Audit;

/// <summary>Lines of any length, in pieces of any length.</summary>
public class LineReaderTests
{
    private static readonly string _long = new('x', LineReader.LongestLine);

    public static TheoryData<string, string> Texts() => new()
    {
        { "", "" },
        { "a\nb\n", "a|b" },
        { "a\n\nb", "a||b" },
        { $"{_long}\nb\n", $"{_long}|b" },
        { $"{_long}y\nb\n", "|b" },
        { $"{_long}{_long}{_long}{_long}{_long}\nb\n", "|b" },
        { $"a\n{_long}{_long}{_long}", "a|" },
    };

    [Theory]
    [MemberData(nameof(Texts))]
    public void Lines_are_found(string text, string expected)
    {
        foreach (int piece in (int[])[1, 7, 4096, 1 << 20])
        {
            var lines = new List<string>();
            LineReader.Read(new Pieces(Encoding.ASCII.GetBytes(text), piece), line => lines.Add(Encoding.ASCII.GetString(line.Span)));
            Assert.Equal(expected, string.Join('|', lines));
        }
    }

    /// <summary>Gives at most so many bytes at a time, as a pipe may.</summary>
    private sealed class Pieces(byte[] bytes, int most) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, most));
    }
}
