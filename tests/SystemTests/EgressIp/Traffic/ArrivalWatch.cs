using System.Globalization;
using System.Text.Json.Nodes;

namespace SystemTests.EgressIp.Traffic;

/// <summary>
/// Counts all packets that arrive in a namespace for test servers, by source address: what leaves a node with a wrong address is found even
/// if no server ever answers it.
/// </summary>
internal sealed class ArrivalWatch
{
    // The port of an echo request, and of anything that is neither TCP nor UDP, is given as 0.
    private const string Table = """
        table inet arrivals {
            set ports4 { type ipv4_addr . inet_proto . inet_service; flags dynamic; size 65535; counter; }
            set ports6 { type ipv6_addr . inet_proto . inet_service; flags dynamic; size 65535; counter; }
            set echoes4 { type ipv4_addr; flags dynamic; size 65535; counter; }
            set echoes6 { type ipv6_addr; flags dynamic; size 65535; counter; }
            set errors4 { type ipv4_addr; flags dynamic; size 65535; counter; }
            set errors6 { type ipv6_addr; flags dynamic; size 65535; counter; }
            chain prerouting {
                type filter hook prerouting priority raw;
                meta l4proto { tcp, udp } th dport 8000-8099 add @ports4 { ip saddr . meta l4proto . th dport }
                meta l4proto { tcp, udp } th dport 8000-8099 add @ports6 { ip6 saddr . meta l4proto . th dport }
                icmp type echo-request add @echoes4 { ip saddr }
                icmpv6 type echo-request add @echoes6 { ip6 saddr }
                icmp type destination-unreachable add @errors4 { ip saddr }
                icmpv6 type destination-unreachable add @errors6 { ip6 saddr }
            }
        }
        """;

    private readonly string _space;

    public ArrivalWatch(string space)
    {
        _space = space;
        Lab.In(space, "nft", Table);
    }

    /// <summary>How many packets have arrived from each source since the last <see cref="Forget"/>.</summary>
    /// <param name="port">Only those to this port, by TCP or UDP; null: all, echo requests too.</param>
    public SortedDictionary<string, long> Packets(int? port = null)
    {
        var packets = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (string set in (string[])["ports4", "ports6", "echoes4", "echoes6"])
        {
            foreach ((string source, int to, long count) in Elements(set).Where(element => port is null || element.Port == port))
            {
                packets[source] = packets.GetValueOrDefault(source) + count;
            }
        }

        return packets;
    }

    /// <summary>The sources of one family, of the packets that <see cref="Packets"/> counts.</summary>
    public string[] Sources(bool isIPv6, int? port = null) =>
        [.. Packets(port).Keys.Where(source => source.Contains(':', StringComparison.Ordinal) == isIPv6)];

    /// <summary>The sources of ICMP messages that say that a port or an address cannot be reached.</summary>
    public string[] SourcesOfErrors(bool isIPv6) => [.. Elements(isIPv6 ? "errors6" : "errors4").Select(element => element.Source)];

    public void Forget() => Lab.In(_space, "nft", string.Join(
        "; ", ((string[])["ports", "echoes", "errors"]).SelectMany(set => (string[])[set + "4", set + "6"])
            .Select(set => "flush set inet arrivals " + set)));

    private IEnumerable<(string Source, int Port, long Count)> Elements(string set)
    {
        JsonNode list = JsonNode.Parse(Lab.In(_space, "nft", "-j", "list", "set", "inet", "arrivals", set))!;
        foreach (JsonNode? element in list["nftables"]!.AsArray().SelectMany(item => item!["set"]?["elem"]?.AsArray() ?? []))
        {
            JsonNode value = element!["elem"]!["val"]!;
            JsonArray? parts = value is JsonObject ? value["concat"]!.AsArray() : null;
            yield return (
                (string)(parts?[0] ?? value)!,
                parts is null ? 0 : int.Parse(parts[2]!.ToString(), CultureInfo.InvariantCulture),
                (long)element["elem"]!["counter"]!["packets"]!);
        }
    }
}
