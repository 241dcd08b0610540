using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;

namespace EgressRouter.Legacy;

/// <summary>
/// Writes the list as squid's rules. squid's "dst" matches if one address of a name matches. A "!" line denies on such a match, but
/// address lines allow a name only if they list all of its addresses.
/// </summary>
internal sealed class SquidRules
{
    private readonly StringBuilder _text;
    private readonly ProxyPod _pod;
    private int _count;

    public SquidRules(StringBuilder text, ProxyPod pod) => (_text, _pod) = (text, pod);

    /// <summary>Writes the rules of the list, in order.</summary>
    public void WriteList(ImmutableArray<HttpRule> rules)
    {
        var listed = new List<HttpRule>();
        bool isOpen = false;
        foreach (HttpRule rule in rules)
        {
            if (rule.IsAllowed && rule.Network is not null)
            {
                listed.Add(rule);
                isOpen = true;
                continue;
            }

            // Lines that allow may be reordered, but not across a line that denies.
            if (isOpen && !rule.IsAllowed)
            {
                WriteListed(listed);
                isOpen = false;
            }

            WriteRule(rule);
            isOpen &= !rule.IsWildcard || !rule.Ports.IsEmpty;
        }

        if (isOpen)
        {
            WriteListed(listed);
        }

        Line("http_access deny all");
    }

    /// <summary>Denies closed addresses, whatever wildcards and names allow. A network line within them opens it on its ports.</summary>
    public void WriteClosed(ImmutableArray<HttpRule> rules)
    {
        AddressSet closed = _pod.Itself.Union(ProxyPod.LinkLocal);
        HttpRule[] openers = [.. rules.Where(rule => rule.IsAllowed && rule.Network is (var address, var length) && closed.Contains(address,
            length))];
        foreach (PortClass ports in PortClass.Of(openers))
        {
            string condition = Destinations("closed", closed.Except(SetOf(ports.Rules)));
            Line($"http_access deny{condition}{Ports(ports.Ranges)}");
        }

        // The pod connects to itself from its own addresses: traffic from an egress address always leaves the pod.
        AddressSet opened = SetOf(openers);
        opened = opened.Except(opened.Except(_pod.Itself));
        if (!opened.IsEmpty)
        {
            string condition = Destinations("itself", opened);
            foreach (IPAddress own in _pod.ClusterAddresses.DistinctBy(address => address.AddressFamily))
            {
                Line($"tcp_outgoing_address {own}{condition}");
            }
        }

        AddressSet elsewhere = _pod.Elsewhere.Except(closed);
        if (!elsewhere.IsEmpty)
        {
            // The page states that squid may not connect directly.
            string condition = Destinations("elsewhere", elsewhere);
            Line($"http_access deny{condition}");
            Line($"deny_info 403:ERR_CANNOT_FORWARD{condition}");
        }
    }

    private void WriteRule(HttpRule rule)
    {
        string condition = rule.Name is HostName name
            // -n: if the client gives an address, its owner must not claim an allowed name by reverse DNS.
            // A line that denies may trust reverse DNS.
            ? Acl("name", $"dstdomain {(rule.IsAllowed ? "-n " : "")}{(rule.WithSubdomains ? "." : "")}{name}")
            : rule.Network is null ? "" : Destinations("dest", SetOf([rule]));
        condition += Ports([.. rule.Ports.Select(range => ((int)range.First, (int)range.Last))]);
        Line($"http_access {(rule.IsAllowed ? "allow" : "deny")}{(condition.Length == 0 ? " all" : condition)}");
    }

    /// <summary>
    /// Allows names whose addresses are all listed for the request's port. squid uses no address of a family without an egress address.
    /// </summary>
    private void WriteListed(List<HttpRule> listed)
    {
        AddressSet all = AddressSet.HostsOf(_pod.Sources.Select(source => source.AddressFamily).Distinct());
        foreach (PortClass ports in PortClass.Of(listed).Where(ports => ports.Rules.Count > 0))
        {
            AddressSet set = SetOf(ports.Rules);
            string condition = Destinations("listed", set);
            AddressSet others = all.Except(set);
            condition += others.IsEmpty ? "" : " !" + Destinations("unlisted", others)[1..];
            Line($"http_access allow{condition}{Ports(ports.Ranges)}");
        }
    }

    private static AddressSet SetOf(IEnumerable<HttpRule> rules) => AddressSet.Of(rules.Select(rule => rule.Network!.Value));

    private string Destinations(string name, AddressSet set) => Acl(name, [.. set.Texts().Select(text => $"dst {text}")]);

    private string Ports(ImmutableArray<(int First, int Last)> ranges) => ranges.IsEmpty ? ""
        : Acl("ports", [.. ranges.Select(range => range.First == range.Last ? $"port {range.First}" : $"port {range.First}-{range.Last}")]);

    /// <summary>Defines an ACL and returns its name after a blank.</summary>
    private string Acl(string name, params ReadOnlySpan<string> values)
    {
        string numbered = string.Create(CultureInfo.InvariantCulture, $"{name}{++_count}");
        foreach (string value in values)
        {
            Line($"acl {numbered} {value}");
        }

        return " " + numbered;
    }

    private void Line(string line) => _text.Append(line).Append('\n');
}

/// <summary>Ports to which the same rules apply.</summary>
/// <param name="Ranges">The ports; empty for all.</param>
internal sealed record PortClass(ImmutableArray<(int First, int Last)> Ranges, IReadOnlyList<HttpRule> Rules)
{
    /// <summary>Groups all ports by the rules that apply to them.</summary>
    public static IReadOnlyList<PortClass> Of(IReadOnlyList<HttpRule> rules)
    {
        IEnumerable<int> borders = rules.SelectMany(rule => rule.Ports).SelectMany(range => new[] { range.First, range.Last + 1 });
        int[] starts = [.. borders.Append(0).Distinct().Order().Where(port => port <= ushort.MaxValue)];
        if (starts.Length == 1)
        {
            return [new PortClass([], rules)];
        }

        var classes = new Dictionary<string, PortClass>();
        for (int i = 0; i < starts.Length; i++)
        {
            (int First, int Last) range = (starts[i], i + 1 < starts.Length ? starts[i + 1] - 1 : ushort.MaxValue);
            int[] about = [.. Enumerable.Range(0, rules.Count).Where(index => IsAbout(rules[index], range.First))];
            string key = string.Join(' ', about);
            classes[key] = classes.TryGetValue(key, out PortClass? known)
                ? known with { Ranges = known.Ranges.Add(range) } : new PortClass([range], [.. about.Select(index => rules[index])]);
        }

        return [.. classes.Values];
    }

    private static bool IsAbout(HttpRule rule, int port) =>
        rule.Ports.IsEmpty || rule.Ports.Any(range => range.First <= port && port <= range.Last);
}
