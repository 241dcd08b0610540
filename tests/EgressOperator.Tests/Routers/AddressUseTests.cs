using System.Net;
using EgressOperator.Routers;

namespace EgressOperator.Tests.Routers;

/// <summary>Which EgressRouter uses which address.</summary>
public class AddressUseTests
{
    private static readonly IPAddress _one = IPAddress.Parse("192.0.2.1");

    private static readonly IPAddress _two = IPAddress.Parse("192.0.2.2");

    private readonly AddressUse _use = new();

    private readonly List<string> _affected = [];

    public AddressUseTests() => _use.Affected += _affected.Add;

    [Fact]
    public void The_oldest_gets_an_address()
    {
        Want("young", 2, _one);
        Want("old", 1, _one);
        Assert.Equal((_one, "old"), _use.Take("young"));
        Assert.Null(_use.Take("old"));
    }

    [Fact]
    public void Who_has_it_keeps_it()
    {
        Want("young", 2, _one);
        Assert.Null(_use.Take("young"));
        Want("old", 1, _one);
        Assert.Equal((_one, "young"), _use.Take("old"));
        Assert.Null(_use.Take("young"));
    }

    [Fact]
    public void What_is_attached_is_in_use_also_after_its_owner_is_gone()
    {
        _use.Has("gone", [_one]);
        Want("new", 1, _one, _two);
        Assert.Equal((_one, "gone"), _use.Take("new"));
        _use.Has("gone", []);
        Assert.Contains("new", _affected);
        Assert.Null(_use.Take("new"));
    }

    [Fact]
    public void Who_waits_is_told()
    {
        Want("a", 1, _one);
        _use.Take("a");
        Want("b", 2, _one);
        _affected.Clear();
        Want("a", 1, _two);
        Assert.Equal((_one, "a"), _use.Take("b"));
        // What is taken is used until something else is taken.
        Assert.Null(_use.Take("a"));
        Assert.Contains("b", _affected);
        Assert.Null(_use.Take("b"));
        _affected.Clear();
        _use.Gone("b");
        Assert.Empty(_affected);
        Want("c", 3, _one);
        Assert.Null(_use.Take("c"));
    }

    [Fact]
    public void A_claim_that_fails_takes_nothing()
    {
        Want("a", 1, _one);
        _use.Take("a");
        Want("b", 2, _one, _two);
        Assert.NotNull(_use.Take("b"));
        Want("c", 3, _two);
        // b is older, but waits for another address; it would get both.
        Assert.Equal((_two, "b"), _use.Take("c"));
    }

    private void Want(string key, int created, params IPAddress[] addresses) =>
        _use.Want(key, DateTimeOffset.UnixEpoch.AddSeconds(created), addresses);
}
