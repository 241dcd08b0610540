using System.Globalization;
using SystemTests;

namespace Benchmarks;

/// <summary>Numbered destinations: ports of one address, each to the same port there.</summary>
internal static class Destinations
{
    public const string Address = "192.168.12.91";
    public const int Many = 10_000;
    public const int FirstPort = 20_001;
    public const int MiddlePort = FirstPort + (Many / 2);
    public const int LastPort = FirstPort + Many - 1;

    /// <summary>The configuration with the first so many destinations.</summary>
    public static string Config(int count) =>
        SystemTests.Config.With(Ports(count).Select(port => string.Create(CultureInfo.InvariantCulture, $"{port} tcp {Address}")));

    /// <summary>
    /// Gives the pod the same destinations without the plugin, as the reference plugin does: an interface, a default
    /// route, and one rule for each destination.
    /// </summary>
    public static void AddLinear(Lab lab, int count)
    {
        Lab.Batch(lab.Node, $"link add link lan0 name net1 netns {lab.Pod} type macvlan mode bridge");
        Lab.Batch(lab.Pod, """
            address add 192.168.12.99/24 dev net1
            link set net1 up
            route replace default via 192.168.12.1
            """);
        Lab.WriteSysctl(lab.Pod, "net/ipv4/ip_forward", "1");

        IEnumerable<string> rules = Ports(count).Select(port =>
            string.Create(CultureInfo.InvariantCulture, $"tcp dport {port} dnat to {Address}:{port}"));
        string ruleset = $$"""
            table ip linear {
              chain prerouting {
                type nat hook prerouting priority dstnat;
                {{string.Join('\n', rules)}}
              }
              chain postrouting {
                type nat hook postrouting priority srcnat;
                oifname "net1" snat to 192.168.12.99
              }
            }

            """;
        Command.Must("nsenter", ["--net=" + Lab.PathOf(lab.Pod), "nft", "-f", "-"], ruleset);
    }

    private static IEnumerable<int> Ports(int count) => Enumerable.Range(FirstPort, count);
}
