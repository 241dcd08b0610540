using System.Reflection;
using Netlink.Routing;
using Netlink.Wire;

namespace Netlink.Tests;

/// <summary>Each link setting is written, read, compared, completed and named: a new one cannot omit any of these.</summary>
public class LinkSettingsTests
{
    private static readonly LinkSettings _none = new();

    private static readonly LinkSettings[] _single =
    [
        new() { Mtu = 1400 }, new() { TxQueueLength = 500 }, new() { Group = 17746 },
        new() { HardwareAddress = new MacAddress([2, 0, 0, 0, 0, 0x63]) },
        new() { IsUp = true },
    ];

    public static TheoryData<int> Numbers => [.. Enumerable.Range(0, _single.Length)];

    [Fact]
    public void There_are_no_others()
    {
        string[] settable = [.. typeof(LinkSettings).GetProperties().Where(property => property.CanWrite).Select(property => property.Name)
            .Order()];
        string[] tested = [.. _single.SelectMany(settings => settings.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.CanWrite && property.GetValue(settings) is not null)).Select(property => property.Name).Order()];
        Assert.Equal(settable, tested);
        Assert.Equal(settable.Length, _none.Fields.Count());
    }

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Counts_everywhere(int number)
    {
        LinkSettings settings = _single[number];
        Assert.Equal(settings, settings.Or(_none));
        Assert.Equal(settings, _none.Or(settings));
        Assert.Equal(settings, settings.Except(_none));
        Assert.Equal(_none, settings.Except(settings));
        Assert.NotNull(Assert.Single(settings.Fields, field => field.Value is not null).Value);
        Assert.NotEqual("", $"{settings}");

        var writer = new MessageWriter();
        writer.BeginMessage(16, 0);
        settings.WriteTo(writer, linkIndex: 2);
        writer.EndMessage();
        var reader = new MessageReader(writer.Written);
        Assert.True(reader.Next(out Message message));
        Assert.Equal(settings with { IsUp = settings.IsUp == true }, Link.Read(message).Settings);
    }

    [Fact]
    public void The_first_counts_where_both_say_something() =>
        Assert.Equal(
            new LinkSettings { Mtu = 1400, IsUp = true }, new LinkSettings { Mtu = 1400 }.Or(new LinkSettings { Mtu = 1500, IsUp = true }));

    [Fact]
    public void Switching_off_is_a_setting() =>
        Assert.Equal("state down", $"{new LinkSettings { IsUp = false }.Except(new LinkSettings { IsUp = true })}");
}
