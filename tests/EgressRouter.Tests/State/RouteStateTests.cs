using System.Net;
using System.Net.Sockets;
using EgressRouter.State;
using Netlink.Routing;
using Netlink.Wire;

namespace EgressRouter.Tests.State;

public class RouteStateTests
{
    [Fact]
    public void A_remembered_route_is_the_same_route()
    {
        var random = new Random(2);
        for (int i = 0; i < 5_000; i++)
        {
            bool ipv4 = random.Next(2) == 0;
            var route = new RouteState
            {
                Family = ipv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6,
                Destination = ipv4 ? IPAddress.Any : IPAddress.IPv6Any,
                Gateway = Maybe(Address()),
                Device = Maybe("eth0.100"),
                Metric = (uint)random.Next(3) * 100,
                Source = Maybe(Address()),
                IsOnlink = random.Next(2) == 0,
                TypeOfService = (byte)random.Next(256),
                Origin = (RouteProtocol)random.Next(256),
                Scope = (RouteScope)random.Next(256),
                Other = random.Next(2) == 0 ? default : new Bytes([5, 0, 20, 0, 0, 0, 0, 0]),
            };
            Assert.Equal(route, RouteState.FromSavedText(route.ToSavedText()));

            T? Maybe<T>(T value) where T : class => random.Next(2) == 0 ? null : value;
            IPAddress Address()
            {
                byte[] bytes = new byte[ipv4 ? 4 : 16];
                random.NextBytes(bytes);
                return new IPAddress(bytes);
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("0.0.0.0/0 via")]
    [InlineData("0.0.0.0/0 via nowhere")]
    [InlineData("0.0.0.0/0 dev")]
    [InlineData("0.0.0.0/0 metric -1")]
    [InlineData("0.0.0.0/0 proto 256")]
    [InlineData("0.0.0.0/0 tos 256")]
    [InlineData("0.0.0.0/0 attributes 123")]
    [InlineData("0.0.0.0/0 and more")]
    [InlineData("0.0.0.0/0 via fe80::1 dev eth0")]
    [InlineData("::/0 dev eth0 src 10.0.0.1")]
    [InlineData("0.0.0.0/0 attributes 01")]
    [InlineData("0.0.0.0/0 attributes 08000400ffffffff")] // RTA_OIF: which link is said by its name.
    [InlineData("0.0.0.0/0 attributes 08006300ffffffff")] // No attribute of routes.
    [InlineData("net/ipv4/conf/eth0/forwarding=0")]
    public void Other_text_is_no_route(string text) => Assert.Null(RouteState.FromSavedText(text));

    [Theory]
    [InlineData("0.0.0.0/0 via 10.129.2.1 dev eth0", "default via 10.129.2.1 dev eth0")]
    [InlineData("0.0.0.0/0 tos 16 via 10.129.2.1 dev eth0", "default tos 16 via 10.129.2.1 dev eth0")]
    [InlineData("::/0 via fe80::1 dev eth0 metric 1024", "default via fe80::1 dev eth0 metric 1024")]
    [InlineData("192.168.12.0/24 dev net1 src 192.168.12.99", "192.168.12.0/24 dev net1 src 192.168.12.99")]
    [InlineData("192.168.12.1/32 dev net1 onlink", "192.168.12.1 dev net1 onlink")]
    public void It_is_shown_in_the_words_of_ip_route(string saved, string shown) =>
        Assert.Equal(shown, RouteState.FromSavedText(saved)!.ToString());
}
