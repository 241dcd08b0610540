using System.Net;
using EgressRouter.Config;

namespace EgressRouter.Tests.Config;

/// <summary>Networks are configured with these MAC addresses in advance: they must never change.</summary>
public class StableMacTests
{
    [Theory]
    [InlineData("192.168.12.99", "52:45:c0:a8:0c:63")]
    [InlineData("2001:db8:12::99", "52:45:38:ae:71:52")]
    [InlineData("2001:db8:12::98", "52:45:39:ae:72:e5")]
    public void An_address_has_always_the_same(string address, string mac) =>
        Assert.Equal(mac, StableMac.For(IPAddress.Parse(address)).ToString());
}
