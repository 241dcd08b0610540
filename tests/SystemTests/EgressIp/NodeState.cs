using System.Text.RegularExpressions;

namespace SystemTests.EgressIp;

/// <summary>What agents have in the kernel of a node.</summary>
internal static partial class NodeState
{
    /// <summary>Links, addresses, routes, rules and the table, without what counts and ages, and in no order.</summary>
    public static string Of(string space) => string.Join('\n', Numbers().Replace(
        Lab.In(space, "sh", "-c", """
            ip -o link show egress0 2>/dev/null; cat /proc/sys/net/ipv4/conf/egress0/rp_filter 2>/dev/null; ip -o address show
            for family in -4 -6; do ip $family rule; ip $family route show table all | grep -E ' table 7[12][0-9]{2} '; done
            nft list table inet egress_ip 2>/dev/null || true
            """),
        "").Split(['\n', ',']).Select(part => part.Trim(' ', '\t', '{', '}')).Where(part => part.Length > 0).Order(StringComparer.Ordinal));

    [GeneratedRegex("packets [0-9]+ bytes [0-9]+|elements = |(?m)^[0-9]+: |valid_lft [^ ]*|preferred_lft [^ ]*")]
    private static partial Regex Numbers();
}
