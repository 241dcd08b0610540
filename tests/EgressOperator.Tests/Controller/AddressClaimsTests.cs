using System.Collections.Immutable;
using System.Net;
using EgressIp;
using EgressOperator.Controller;

namespace EgressOperator.Tests.Controller;

public sealed class AddressClaimsTests
{
    private readonly AddressClaims _claims = new();

    private readonly List<string> _freed = [];

    public AddressClaimsTests() => _claims.Freed += _freed.Add;

    [Fact]
    public void A_free_address_is_taken_and_then_is_not_free()
    {
        Assert.Equal(["10.0.0.1"], Take("e", "10.0.0.1"));
        Assert.Empty(Take("f", "10.0.0.1"));
        Assert.Equal(["10.0.0.1"], Take("e", "10.0.0.1"));
    }

    [Fact]
    public void What_a_status_names_is_not_free_in_whatever_form_it_is_written()
    {
        _claims.Saw("e", [Item("fd00::00A")]);
        Assert.Equal(["fd00::b"], Take("f", "fd00::a", "fd00::b"));
    }

    [Fact]
    public void An_address_is_free_when_the_status_no_longer_names_it_and_who_waits_is_told()
    {
        _claims.Saw("e", [Item("10.0.0.1")]);
        Take("f", "10.0.0.1");
        _claims.Saw("e", [Item("10.0.0.2")]);
        Assert.Equal(["f"], _freed);
        Assert.Equal(["10.0.0.1"], Take("f", "10.0.0.1"));
    }

    [Fact]
    public void A_write_without_an_answer_keeps_old_and_new_addresses()
    {
        _claims.Saw("e", [Item("10.0.0.1")]);
        Take("e", "10.0.0.2");
        _claims.Saw("e", [Item("10.0.0.1")]);
        Assert.Empty(Take("f", "10.0.0.1", "10.0.0.2"));
        Assert.Empty(_freed);

        _claims.Settle("e", [Item("10.0.0.1")]);
        Assert.Equal(["f"], _freed);
        Assert.Equal(["10.0.0.2"], Take("f", "10.0.0.1", "10.0.0.2"));
    }

    [Fact]
    public void Addresses_of_an_EgressIP_that_is_gone_are_free()
    {
        _claims.Saw("e", [Item("10.0.0.1")]);
        Take("e", "10.0.0.2");
        Take("f", "10.0.0.1");
        _claims.Gone("e");
        Assert.Equal(["f"], _freed);
        Assert.Equal(["10.0.0.1", "10.0.0.2"], Take("f", "10.0.0.1", "10.0.0.2"));
    }

    [Fact]
    public void Two_that_exchange_addresses_both_get_them()
    {
        _claims.Saw("e", [Item("10.0.0.1")]);
        _claims.Saw("f", [Item("10.0.0.2")]);
        Assert.Empty(Take("e", "10.0.0.2"));
        _claims.Settle("e", []);
        Assert.Equal(["10.0.0.1"], Take("f", "10.0.0.1"));
        _claims.Settle("f", [Item("10.0.0.1")]);
        Assert.Equal(["e"], _freed);
        Assert.Equal(["10.0.0.2"], Take("e", "10.0.0.2"));
    }

    [Fact]
    public void A_status_that_names_anothers_address_takes_nothing_from_it()
    {
        _claims.Settle("e", [Item("10.0.0.1")]);
        _claims.Saw("f", [Item("10.0.0.1")]);
        Assert.Empty(Take("g", "10.0.0.1"));
        _claims.Saw("f", []);
        Assert.Equal(["g"], _freed);
        Assert.Empty(Take("g", "10.0.0.1"));
    }

    private static StatusItem Item(string address) => new(address, "n1");

    private string[] Take(string name, params string[] addresses)
    {
        ImmutableArray<AssignedAddress> wanted =
            [.. addresses.Select(address => new AssignedAddress(address, "n1", "", new IPNetwork(IPAddress.Any, 0)))];
        return [.. _claims.Take(name, wanted).Select(item => item.EgressIP)];
    }
}
