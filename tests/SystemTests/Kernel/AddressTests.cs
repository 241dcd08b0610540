using System.Net;
using Netlink;
using Netlink.Routing;
using Shared;

namespace SystemTests;

/// <summary>The origin and the lifetime of addresses on this kernel.</summary>
public class AddressTests
{
    private const byte Ours = 85;

    private static readonly LinkAddress _address = new(1, IPAddress.Parse("192.0.2.100"), 32) { Origin = Ours };

    private static readonly LinkAddress _address6 =
        new(1, IPAddress.Parse("2001:db8:2::100"), 128, AddressFlags.NoDad | AddressFlags.NoPrefixRoute) { Origin = Ours };

    [RootFact]
    public void Origin_lifetime_and_flags_are_read_back() => NetNamespace.RunInNew(() =>
    {
        using NetlinkSocket socket = NetlinkSocket.OpenRoute();
        Command.Must("ip", ["link", "set", "lo", "up"]);
        Command.Must("ip", ["address", "add", "192.0.2.1/24", "dev", "lo"]);
        Execute(socket, batch =>
        {
            batch.AddAddress("", _address with { Lifetime = new AddressLifetime(500, 1000) });
            batch.AddAddress("", _address6);
        });
        LinkAddress[] found = [.. Read(socket)];
        Assert.Equal(2, found.Length);
        Assert.Equal((_address.Address, (byte)Ours), (found[0].Address, found[0].Origin));
        Assert.InRange(found[0].Lifetime!.Value.Preferred, 490u, 500u);
        Assert.InRange(found[0].Lifetime!.Value.Valid, 990u, 1000u);
        Assert.Equal(_address6 with { Flags = _address6.Flags | AddressFlags.Permanent }, found[1]);

        Execute(socket, batch => batch.ReplaceAddress("", _address));
        Assert.Equal(_address with { Flags = AddressFlags.Permanent }, Read(socket)[0]);
    });

    /// <summary>A program that is stuck or killed does not renew the lifetime: the kernel then deletes the address.</summary>
    [RootFact]
    public void An_address_that_is_not_renewed_goes() => NetNamespace.RunInNew(() =>
    {
        Command.Must("ip", ["link", "set", "lo", "up"]);
        using NetlinkSocket socket = NetlinkSocket.OpenRoute();
        LinkAddress shortly = _address with { Lifetime = new AddressLifetime(1, 1) };
        LinkAddress shortly6 = _address6 with { Lifetime = new AddressLifetime(1, 1) };
        Execute(socket, batch =>
        {
            batch.AddAddress("", shortly);
            batch.AddAddress("", shortly6);
        });
        Assert.Equal(2, Read(socket).Count);
        Execute(socket, batch => batch.ReplaceAddress("", _address6 with { Lifetime = new AddressLifetime(1000, 1000) }));
        Eventually.IsTrue(() => Read(socket).Count == 1, () => string.Join(", ", Read(socket)));
        Assert.Equal(_address6.Address, Read(socket)[0].Address);
    });

    private static void Execute(NetlinkSocket socket, Action<RequestBatch> write)
    {
        var batch = new RequestBatch();
        write(batch);
        socket.Execute(batch);
    }

    /// <summary>The addresses of this origin.</summary>
    private static IReadOnlyList<LinkAddress> Read(NetlinkSocket socket) => socket.ListAddresses(address => address.Origin == Ours);
}
