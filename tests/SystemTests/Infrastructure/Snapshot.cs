using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Netlink;
using Shared;

namespace SystemTests;

/// <summary>
/// Everything in a network namespace that a plugin could change, as text: links, addresses, routes of all tables,
/// rules, the nf_tables ruleset, and every per-interface sysctl of IPv4 and IPv6.
/// </summary>
internal sealed partial class Snapshot
{
    private static readonly (string Name, string Command)[] _sources =
    [
        ("links", "ip -d -j link"),
        ("addresses", "ip -j address"),
        ("IPv4 routes", "ip -4 -j route show table all"),
        ("IPv6 routes", "ip -6 -j route show table all"),
        ("IPv4 rules", "ip -4 -j rule"),
        ("IPv6 rules", "ip -6 -j rule"),
        ("nf_tables", "nft -j list ruleset"),
    ];

    private const string Separator = "----";

    /// <summary>All in one shell, because thousands of snapshots are taken.</summary>
    private static readonly string _script = string.Join($" && echo {Separator} && ", _sources.Select(source => source.Command));

    /// <summary>The name of the section of sysctls.</summary>
    public const string Sysctls = "sysctls";

    private readonly Dictionary<string, string> _sections = [];

    private Snapshot()
    {
    }

    /// <summary>Takes a snapshot of the namespace at <paramref name="path"/>.</summary>
    public Snapshot(string path)
    {
        string[] answers = [];
        // The kernel adds the local route of an IPv6 address by work of its own.
        _ = Eventually.Becomes(
            () =>
            {
                answers = Command.Must("nsenter", ["--net=" + path, "sh", "-c", _script]).Split(Separator);
                return HasLocalRoutes(answers);
            },
            seconds: 2);
        foreach (var ((name, _), answer) in _sources.Zip(answers))
        {
            // One object a line, so that a difference is easy to see.
            // Whether the kernel has looked at its own link-local address yet is a matter of milliseconds, and so is whether
            // it has told a link's state anew, for which it takes its time (net/core/link_watch.c).
            _sections[name] = answer
                .Replace("},{", "},\n{", StringComparison.Ordinal)
                .Replace("\"tentative\":true,", "", StringComparison.Ordinal)
                .Replace("\"operstate\":\"UNKNOWN\"", "\"operstate\":\"UP\"", StringComparison.Ordinal);
        }

        using NetNamespace space = NetNamespace.Open(path);
        _sections[Sysctls] = space.Run(ReadSysctls);
    }

    private static bool HasLocalRoutes(string[] answers)
    {
        string addresses = answers[Array.FindIndex(_sources, source => source.Name == "addresses")];
        string routes = answers[Array.FindIndex(_sources, source => source.Name == "IPv6 routes")];
        return JsonNode.Parse(addresses)!.AsArray()
            .Where(link => link!["flags"]!.AsArray().Any(flag => (string)flag! == "LOWER_UP"))
            .SelectMany(link => link!["addr_info"]!.AsArray())
            .Where(address => (string)address!["family"]! == "inet6" && address["tentative"] is null && address["dadfailed"] is null)
            .All(address => routes.Contains($"\"local\",\"dst\":\"{address!["local"]}\"", StringComparison.Ordinal));
    }

    /// <summary>Without what packets count, and the numbers that the kernel gives anew to each link, rule and table that is made.</summary>
    public Snapshot WithoutNumbers()
    {
        var without = new Snapshot();
        foreach (var (name, text) in _sections)
        {
            without._sections[name] = GivenNumbers().Replace(text, "");
        }

        return without;
    }

    /// <summary>Whether nothing differs.</summary>
    public bool IsSameAs(Snapshot other) => _sections.All(section => other._sections[section.Key] == section.Value);

    /// <summary>Fails, naming what differs, unless nothing has changed since <paramref name="before"/>, but for one section.</summary>
    public void AssertSameAs(Snapshot before, string? except = null)
    {
        foreach (var (name, text) in before._sections)
        {
            string now = _sections[name];
            if (now == text || name == except)
            {
                continue;
            }

            string[] old = text.Split('\n');
            string[] current = now.Split('\n');
            Assert.Fail($"{name} changed:\n"
                + string.Concat(old.Except(current).Select(line => $"- {line}\n"))
                + string.Concat(current.Except(old).Select(line => $"+ {line}\n"))
                + (old.Order().SequenceEqual(current.Order()) ? "(the same lines in another order)" : ""));
        }
    }

    [GeneratedRegex("\"(handle|ifindex|packets|bytes)\": ?[0-9]+,? ?")]
    private static partial Regex GivenNumbers();

    private static string ReadSysctls()
    {
        var text = new StringBuilder();
        IEnumerable<string> files = new[] { "/proc/sys/net/ipv4/conf", "/proc/sys/net/ipv6/conf" }
            .Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            .Append("/proc/sys/net/ipv4/ip_forward")
            .Order(StringComparer.Ordinal);
        foreach (string file in files)
        {
            text.Append(CultureInfo.InvariantCulture, $"{file["/proc/sys/".Length..]} = {ReadSysctl(file)}\n");
        }

        return text.ToString();
    }

    private static string ReadSysctl(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (IOException)
        {
            // stable_secret answers EIO until it is set.
            return "(unreadable)";
        }
    }
}
