using System.Net;
using EgressRouter.Config;

namespace EgressRouter.Tests.Config;

public class AddressTextTests
{
    [Fact]
    public void What_is_accepted_means_the_same_to_the_runtime_library()
    {
        var random = new Random(4291);
        int accepted = 0;
        for (int i = 0; i < 200_000; i++)
        {
            string text = new(random.GetItems<char>("012f::::..", random.Next(2, 14)));
            if (Destination.TryParse(text, out Destination? destination, out _))
            {
                accepted++;
                Assert.True(IPAddress.TryParse(text, out IPAddress? address), text);
                Assert.Equal(address, destination.Address);
            }
            else if (text.Contains(':', StringComparison.Ordinal) && IPAddress.TryParse(text, out IPAddress? refused))
            {
                // Of this alphabet, IPAddress accepts no text that is refused here, except addresses that cannot be destinations.
                Assert.True(
                    refused.IsIPv6Multicast || refused.IsIPv6LinkLocal || refused.IsIPv4MappedToIPv6
                    || refused.Equals(IPAddress.IPv6Any) || refused.Equals(IPAddress.IPv6Loopback),
                    text);
            }
        }

        Assert.InRange(accepted, 500, 200_000);
    }
}
