using System.Text;
using EgressRouter.Config;
using EgressRouter.Logging;
using Serilog;
using Serilog.Core;
using Serilog.Events;

namespace EgressRouter.Tests.Logging;

public class LineTests
{
    [Fact]
    public void A_line_has_time_level_message_and_the_properties_that_the_message_does_not_show()
    {
        string line = Line(
            log => log.ForContext("IfName", "net1").ForContext("Container", "c0ffee").Information("added {Count} routes", 3));
        Assert.Matches("""^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[info\] added 3 routes Container="c0ffee" IfName="net1"\n$""", line);
    }

    [Theory]
    [InlineData("a\nb", @"a\nb")]
    [InlineData("a\r\n2026-11-21T10:04:42.123Z [info] forged", @"a\r\n2026-11-21T10:04:42.123Z [info] forged")]
    [InlineData("\t", @"\t")]
    [InlineData("\0\u0001\u001b[31m\u007f", @"\u0000\u0001\u001b[31m\u007f")]
    [InlineData("\u0080\u0085\u009b\u009f", @"\u0080\u0085\u009b\u009f")]
    [InlineData("\u2028\u2029", @"\u2028\u2029")]
    [InlineData("\u200b\u202e\u2066\ufeff", @"\u200b\u202e\u2066\ufeff")]
    [InlineData("\U000e0001", @"\U000e0001")]
    [InlineData("é\u00a0日本 \U0001F600", "é\u00a0日本 \U0001F600")]
    public void What_could_end_or_disguise_a_line_is_escaped(string text, string shown)
    {
        Assert.EndsWith($" [error] {shown}\n", Line(log => log.Error("{Text:l}", text)), StringComparison.Ordinal);
        Assert.EndsWith($" x Text=\"{shown}\"\n", Line(log => log.ForContext("Text", text).Error("x")), StringComparison.Ordinal);
    }

    /// <summary>Not a row of the table above: the test runner stores rows as UTF-8.</summary>
    [Fact]
    public void Half_a_character_becomes_a_replacement_character() =>
        Assert.EndsWith(" [error] a\ufffdb\n", Line(log => log.Error("{Text:l}", "a\ud800b")), StringComparison.Ordinal);

    [Fact]
    public void An_exception_is_told_on_the_line_without_its_stack()
    {
        string line = Line(log =>
        {
            try
            {
                throw new InvalidOperationException("first\nsecond");
            }
            catch (InvalidOperationException exception)
            {
                log.Error(exception, "failed");
            }
        });
        Assert.EndsWith(@" [error] failed: InvalidOperationException: first\nsecond" + "\n", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x", 1)]
    [InlineData("é", 2)]
    [InlineData("日", 3)]
    [InlineData("\U0001F600", 4)]
    [InlineData("\n", 2)]
    public void A_line_is_cut_at_four_kibibytes_between_characters(string character, int bytes)
    {
        string line = Line(log => log.Error("{Text:l}", string.Concat(Enumerable.Repeat(character, 10_000))));
        Assert.EndsWith(" [cut]\n", line, StringComparison.Ordinal);
        Assert.InRange(Encoding.UTF8.GetByteCount(line), LineFormatter.MaxLineBytes - bytes + 1, LineFormatter.MaxLineBytes);
        Assert.DoesNotContain("\ufffd", line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_that_just_fits_is_not_cut()
    {
        int head = Line(log => log.Error("{Text:l}", "")).Length;
        string text = new('x', LineFormatter.MaxLineBytes - head);
        Assert.EndsWith("xxxxxx\n", Line(log => log.Error("{Text:l}", text)), StringComparison.Ordinal);
        Assert.EndsWith("x [cut]\n", Line(log => log.Error("{Text:l}", text + "x")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("panic", LogEventLevel.Fatal)]
    [InlineData("error", LogEventLevel.Error)]
    [InlineData("warning", LogEventLevel.Warning)]
    [InlineData("info", LogEventLevel.Information)]
    [InlineData("verbose", LogEventLevel.Debug)]
    [InlineData("debug", LogEventLevel.Verbose)]
    public void A_level_has_a_name_and_lets_through_what_is_as_grave(string name, LogEventLevel level)
    {
        LogEventLevel parsed = LogLevels.Parse(name)!.Value.ToSerilog();
        Assert.Equal(parsed, LogLevels.Parse(name.ToUpperInvariant())?.ToSerilog());
        Assert.Equal((level, name), (parsed, level.Name()));

        string[] order = LogLevels.All.Split(", ");
        string all = Line(
            log =>
            {
                foreach (string each in order)
                {
                    log.Write(LogLevels.Parse(each)!.Value.ToSerilog(), "x");
                }
            },
            parsed);
        IEnumerable<string> seen = all.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('[', ']')[1]);
        Assert.Equal(order.TakeWhile(each => each != name).Append(name), seen);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("warn")]
    [InlineData("fatal")]
    [InlineData("information")]
    [InlineData("3")]
    [InlineData("info ")]
    public void Another_word_is_no_level(string? name) => Assert.Null(LogLevels.Parse(name));

    private static string Line(Action<ILogger> write, LogEventLevel level = LogEventLevel.Verbose)
    {
        using var stderr = new StringWriter();
        using (var logger = (Logger)TextLog.Create(level, stderr))
        {
            write(logger);
        }

        return stderr.ToString();
    }
}
