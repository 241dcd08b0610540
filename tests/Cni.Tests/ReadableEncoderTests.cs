using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Cni.Tests;

public class ReadableEncoderTests
{
    [Theory]
    [InlineData("plain <text> & 'more' + ü € 漢", "plain <text> & 'more' + ü € 漢")]
    [InlineData("\"\\\b\f\n\r\t", "\\\"\\\\\\b\\f\\n\\r\\t")]
    [InlineData("\0\x1b[31m\x7f\u0085", "\\u0000\\u001B[31m\\u007F\\u0085")]
    [InlineData("a\u202eb\u2028c\u200bd\ufeff", "a\\u202Eb\\u2028c\\u200Bd\\uFEFF")]
    [InlineData("😀", "😀")]
    [InlineData("\U000e0041", "\\uDB40\\uDC41")]
    public void What_is_escaped(string text, string expected)
    {
        Assert.Equal($"\"{expected}\"", Written(text));
        Assert.Equal(text, JsonDocument.Parse(Written(text)).RootElement.GetString());
    }

    /// <summary>RFC 8259, section 8.2: what software makes of a lone surrogate is unpredictable.</summary>
    [Theory]
    [InlineData("a\ud83d")]
    [InlineData("\ude00b")]
    public void A_lone_surrogate_is_replaced(string text) =>
        Assert.Equal(
            text.Replace('\ud83d', '\ufffd').Replace('\ude00', '\ufffd'), JsonDocument.Parse(Written(text)).RootElement.GetString());

    [Fact]
    public void Every_character_comes_back_and_none_controls_a_terminal()
    {
        for (int begin = 0; begin < 0x110000; begin += 0x800)
        {
            string text = string.Concat(
                Enumerable.Range(begin, 0x800).Where(Rune.IsValid).Select(value => new Rune(value).ToString()));
            string written = Written(text);
            Assert.Equal(text, JsonDocument.Parse(written).RootElement.GetString());
            Assert.DoesNotContain(written.EnumerateRunes(), rune => Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control
                or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
        }
    }

    private static string Written(string text)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = ReadableEncoder.Instance }))
        {
            json.WriteStringValue(text);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
