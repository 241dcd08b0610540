using EgressRouter.Config;

namespace EgressRouter.Tests.Config;

public class ConfigErrorTests
{
    [Fact]
    public void A_fault_is_one_line_with_place_text_and_reason()
    {
        var fault = new ConfigError("ip.destinations[1]", "70000 tcp 203.0.113.26", "port 70000 is outside 1-65535");
        Assert.Equal("ip.destinations[1] \"70000 tcp 203.0.113.26\": port 70000 is outside 1-65535", fault.ToString());
        Assert.False(fault.UnsupportedValue);
    }

    [Fact]
    public void Without_text_there_are_no_quotation_marks() =>
        Assert.Equal("ip: is missing", new ConfigError("ip", null, "is missing").ToString());

    [Theory]
    [InlineData("a\tb\nc\rd", @"a\tb\nc\rd")]
    [InlineData("\0\u001b[31m\u007f\u0085", @"\u0000\u001b[31m\u007f\u0085")]
    [InlineData("\u202eabc\u2028\u200b", @"\u202eabc\u2028\u200b")]
    [InlineData("\ud83d\ude80 \u00e9 \\n", "\ud83d\ude80 \u00e9 \\n")]
    [InlineData("\udb40\udc41", @"\U000e0041")]
    public void What_cannot_be_seen_is_escaped(string text, string shown) =>
        Assert.Equal(shown, new ConfigError("x", text, "y").Text);

    [Fact]
    public void A_long_text_is_cut_at_eighty_characters()
    {
        Assert.Equal(new string('a', 80), new ConfigError("x", new string('a', 80), "y").Text);
        Assert.Equal(new string('a', 77) + "...", new ConfigError("x", new string('a', 81), "y").Text);
        // The text is never cut within an escape or a surrogate pair.
        Assert.Equal(new string('a', 74) + "...", new ConfigError("x", new string('a', 74) + "\u0001" + new string('a', 9), "y").Text);
        Assert.Equal(new string('a', 76) + "...", new ConfigError("x", new string('a', 76) + "\ud83d\ude80aaaaaa", "y").Text);
    }

    /// <summary>Callers must not have to parse a path's text.</summary>
    [Fact]
    public void A_place_knows_its_list_and_its_index()
    {
        JsonPath line = JsonPath.Root.Member("podIP").Member("web.1").Member("destinationsText").Line(3);
        Assert.Equal("podIP.web.1.destinationsText[line 3]", line.ToString());
        Assert.Equal(("destinationsText", 3, "podIP.web.1"), (line.Key, line.Index, line.Outer?.Outer?.ToString()));

        JsonPath inList = line.Within(JsonPath.Root.Member("plugins").Item(1));
        Assert.Equal("plugins[1].podIP.web.1.destinationsText[line 3]", inList.ToString());
        Assert.Equal("plugins[1]", inList.Outer?.Outer?.Outer?.Outer?.ToString());
        Assert.Equal(line, line.Within(JsonPath.Root));
        Assert.Equal("plugins[1]", JsonPath.Root.Within(inList.Outer!.Outer!.Outer!.Outer!).ToString());
    }

    [Fact]
    public void A_lone_surrogate_is_replaced()
    {
        string lone = new((char)0xd800, 1);
        Assert.Equal("a\ufffdb", new ConfigError("x", "a" + lone + "b", "y").Text);
    }

    [Fact]
    public void Text_assigned_later_is_escaped_too() =>
        Assert.Equal(@"\n", (new ConfigError("x", "a", "y") with { Text = "\n" }).Text);
}
