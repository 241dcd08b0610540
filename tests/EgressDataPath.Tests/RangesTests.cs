using System.Net;
using System.Net.Sockets;
using EgressDataPath.Desired;

namespace EgressDataPath.Tests;

public class RangesTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("10.0.0.0/8", "10.0.0.0-10.255.255.255")]
    [InlineData("10.1.0.0/16 10.0.0.0/8", "10.0.0.0-10.255.255.255")]
    [InlineData("192.0.2.12/32 192.0.2.11/32 192.0.2.13/32", "192.0.2.11-192.0.2.13")]
    [InlineData("192.0.2.11/32 192.0.2.13/32", "192.0.2.11-192.0.2.11 192.0.2.13-192.0.2.13")]
    [InlineData("0.0.0.0/0 10.0.0.0/8 255.255.255.255/32", "0.0.0.0-255.255.255.255")]
    [InlineData("224.0.0.0/3 192.0.0.0/3", "192.0.0.0-255.255.255.255")]
    [InlineData("fd00::/8 10.0.0.0/8", "10.0.0.0-10.255.255.255")]
    public void Networks_become_ranges_that_do_not_touch(string networks, string ranges) =>
        Assert.Equal(ranges, Text(networks, AddressFamily.InterNetwork));

    [Theory]
    [InlineData("::/0 fd00::/8", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    [InlineData("fd00:0:0:1::/64 fd00::/64 10.0.0.0/8", "fd00::-fd00::1:ffff:ffff:ffff:ffff")]
    [InlineData("ffff::/16 fffe::/16", "fffe::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    public void The_same_for_IPv6(string networks, string ranges) => Assert.Equal(ranges, Text(networks, AddressFamily.InterNetworkV6));

    private static string Text(string networks, AddressFamily family) => string.Join(' ', Ranges.Of(
        networks.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(network => IPNetwork.Parse(network)), family)
        .Select(range => $"{range.First}-{range.Last}"));
}
