using Netlink.NetFilter;
using Netlink.Wire;

namespace Netlink.Tests;

/// <summary>Intervals of the elements that a kernel lists, in any order; an element with <c>!</c> is an end.</summary>
public class IntervalTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("0a00 0c00!", "0a00-0bff")]
    [InlineData("0c00! 0a00", "0a00-0bff")]
    // As nft writes it: what is below the first interval ends at nothing.
    [InlineData("0000! 0a00 0b00!", "0a00-0aff")]
    // The last interval has no end.
    [InlineData("0a00 0b00! ff00", "0a00-0aff ff00-ffff")]
    [InlineData("0000", "0000-ffff")]
    // Intervals that touch each other, with and without the end of the first one.
    [InlineData("0b00 0b00! 0a00 0c00!", "0a00-0aff 0b00-0bff")]
    [InlineData("0a00 0b00 0c00!", "0a00-0aff 0b00-0bff")]
    [InlineData("ffff fffe ffff!", "fffe-fffe ffff-ffff")]
    public void Intervals_are_read(string listed, string expected) => Assert.Equal(
        expected, string.Join(' ', Intervals.Of([.. Elements(listed)]).Select(element => $"{element.Key}-{element.KeyEnd}")));

    [Theory]
    [InlineData("0a00", "0a01")]
    [InlineData("0aff", "0b00")]
    [InlineData("fffe", "ffff")]
    [InlineData("ffff", null)]
    // The kernel refuses it. Null would make the interval endless.
    [InlineData("", "")]
    public void The_key_after(string key, string? expected) =>
        Assert.Equal(expected, Intervals.After(new Bytes(Convert.FromHexString(key)))?.ToString());

    private static IEnumerable<MapElement> Elements(string listed) =>
        listed.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(text =>
            new MapElement(new Bytes(Convert.FromHexString(text.TrimEnd('!'))), default, default) { IsEnd = text.EndsWith('!') });
}
