using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;

namespace EgressRouter.Legacy;

/// <summary>
/// Writes the list as squid's rules. To squid a "dst" is true if one address of a name fits: a "!" line denies by that, but what is
/// allowed by address lines is only a name all of whose addresses they list.
/// </summary>
internal sealed class SquidRules
{
    private readonly StringBuilder _text;
    private readonly ProxyPod _pod;
    private int _count;

    public SquidRules(StringBuilder text, ProxyPod pod) => (_text, _pod) = (text, pod);

    /// <summary>The rules of the list, in its order.</summary>
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

            // Lines that allow may change places with each other, not with one that denies.
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

    /// <summary>What is closed whatever the list says of all or of names: a line opens what lies in it as a whole, on its ports.</summary>
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

        // To itself the pod is opened from its own addresses: from an egress address nothing goes but out.
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
            // The page says that squid may not connect by itself.
            string condition = Destinations("elsewhere", elsewhere);
            Line($"http_access deny{condition}");
            Line($"deny_info 403:ERR_CANNOT_FORWARD{condition}");
        }
    }

    private void WriteRule(HttpRule rule)
    {
        string condition = rule.Name is HostName name
            // -n: where the client gives an address, its owner must not say by reverse DNS that it is an allowed name.
            // To deny, that may be believed.
            ? Acl("name", $"dstdomain {(rule.IsAllowed ? "-n " : "")}{(rule.WithSubdomains ? "." : "")}{name}")
            : rule.Network is null ? "" : Destinations("dest", SetOf([rule]));
        condition += Ports([.. rule.Ports.Select(range => ((int)range.First, (int)range.Last))]);
        Line($"http_access {(rule.IsAllowed ? "allow" : "deny")}{(condition.Length == 0 ? " all" : condition)}");
    }

    /// <summary>
    /// Requests to addresses that are all listed on the request's port. Of a family without an egress address squid uses none.
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

    /// <summary>Names a condition; the result begins with a blank.</summary>
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

/// <summary>Ports that the same rules are about.</summary>
/// <param name="Ranges">The ports; empty: all.</param>
internal sealed record PortClass(ImmutableArray<(int First, int Last)> Ranges, IReadOnlyList<HttpRule> Rules)
{
    /// <summary>All ports, by the rules that are about them.</summary>
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
