using EgressDataPath.Desired;
using static EgressDataPath.Tests.Examples;

namespace EgressDataPath.Tests;

public class NumberingTests
{
    [Fact]
    public void A_name_keeps_its_number_and_a_freed_one_is_used_last()
    {
        var numbering = new Numbering(4, "names");
        Assert.Equal([1, 2, 3], new[] { "a", "b", "c" }.Select(numbering.Of));
        Assert.Equal([2], numbering.Keep(new HashSet<string> { "a", "c" }));
        Assert.Equal(4, numbering.Of("d"));
        Assert.Equal(2, numbering.Of("e"));
        Assert.Equal([1, 3], new[] { "a", "c" }.Select(numbering.Of));
        Assert.Equal("more than 4 names", Assert.Throws<NumbersExhaustedException>(() => numbering.Of("f")).Message);
    }

    [Fact]
    public void Two_names_never_share_a_number_that_was_taken_over()
    {
        var numbering = new Numbering(4, "names");
        numbering.Take("a", 3);
        numbering.Take("b", 3);
        numbering.Take("a", 2);
        numbering.Take("c", 0);
        numbering.Take("d", 5);
        Assert.Equal(new Dictionary<string, int> { ["a"] = 3 }, numbering.Numbers);
        Assert.Equal([4, 1, 2], new[] { "b", "c", "d" }.Select(numbering.Of));
    }

    /// <summary>Connections have the slots: after a restart, they must mean the same.</summary>
    [Fact]
    public void All_numbers_are_read_back_from_the_table()
    {
        var before = new NodeNumbers(Defaults);
        before.SlotOf(Ip("192.0.2.99"));
        before.Hops.Of("to_192.0.2.99");
        DesiredState desired = StateOf(Full, before);
        var after = new NodeNumbers(Defaults);
        after.Take(desired.Table);
        Assert.Equal(
            before.Slots.Numbers.Where(slot => slot.Key != "192.0.2.99").OrderBy(slot => slot.Value),
            after.Slots.Numbers.OrderBy(slot => slot.Value));
        Assert.Equal(
            before.Hops.Numbers.Where(hop => hop.Key != "to_192.0.2.99").OrderBy(hop => hop.Value),
                after.Hops.Numbers.OrderBy(hop => hop.Value));
        Assert.Contains("fd00:2::100", after.Slots.Numbers.Keys);
        Assert.Contains("by_eth1", after.Hops.Numbers.Keys);
    }
}
