using EgressDataPath.Kernel;
using Netlink.Routing;

namespace EgressDataPath.Tests;

public class NodeChecksTests
{
    [Theory]
    [InlineData("wireguard", true)]
    [InlineData("vxlan", false)]
    [InlineData(null, false)]
    public void A_link_of_WireGuard_suggests_that_the_cluster_network_encrypts(string? kind, bool isTold)
    {
        Link[] links =
        [
            new() { Index = 1, Name = "lo" },
            new() { Index = 2, Name = "cilium_wg0", Kind = kind is null ? null : new OtherKind(kind) },
        ];
        string? told = NodeChecks.Unencrypted(links);
        Assert.Equal(isTold, told?.StartsWith("link cilium_wg0 is of WireGuard", StringComparison.Ordinal) == true);
    }
}
