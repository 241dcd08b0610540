using System.Text.RegularExpressions;
using SystemTests;

namespace Benchmarks;

/// <summary>The same attachment made by others, written down from one that the plugin made.</summary>
internal sealed partial class Peers : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("egress-router-bench-").FullName;

    /// <summary>Looks at the plugin at work on a fresh pod.</summary>
    public Peers(Lab lab, string config, Func<FreshPod, string, Dictionary<string, string>> environment)
    {
        try
        {
            Write(lab, config, environment);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The plugin's configuration.</summary>
    public string Config => PathOf("config.json");

    /// <summary>The netlink messages of ADD, for floor.c.</summary>
    public string Record => PathOf("record");

    /// <summary>A shell script that makes what ADD made, with <c>ip -batch</c> and <c>nft -f</c>; its argument is the pod.</summary>
    public string AddScript => PathOf("add.sh");

    /// <summary>A shell script that removes it all again; its argument is the pod.</summary>
    public string DeleteScript => PathOf("delete.sh");

    /// <summary>A configuration for the macvlan and static plugins of containernetworking.</summary>
    public string Macvlan => PathOf("macvlan.json");

    public string PathOf(string name) => Path.Combine(_folder, name);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Write(Lab lab, string config, Func<FreshPod, string, Dictionary<string, string>> environment)
    {
        using var pod = new FreshPod(lab);
        File.WriteAllText(Config, config);
        string trace = PathOf("trace");
        CommandResult added = Command.Run(
            "nsenter",
            ["--net=" + Lab.PathOf(lab.Node), "strace", "-f", "-o", trace, "-s", "8", "-e", "trace=socket,sendto", "-e", "write=all",
                Lab.Plugin],
            config, environment: environment(pod, "ADD"));
        Assert.True(added.ExitCode == 0, $"ADD: {added}");
        File.WriteAllLines(Record, RecordOf(File.ReadAllLines(trace)));
        WriteScripts(pod);
        AssertScriptsUndo(lab);
        File.WriteAllText(Macvlan, """
            {"cniVersion":"0.4.0","name":"bench","type":"macvlan","master":"lan0","mode":"bridge","ipam":{"type":"static",
             "addresses":[{"address":"192.168.12.99/24","gateway":"192.168.12.1"}],"routes":[{"dst":"203.0.113.0/24","gw":"192.168.12.1"}]}}
            """);
    }

    private static IEnumerable<string> RecordOf(string[] trace)
    {
        var sockets = new Dictionary<string, string>();
        var lines = new List<string>();
        string? hex = null;
        string socket = "";
        foreach (string line in trace)
        {
            if (Bytes().Match(line) is { Success: true } bytes)
            {
                hex += hex is null ? null : bytes.Groups[1].Value.Replace(" ", "", StringComparison.Ordinal);
                continue;
            }

            Keep();
            if (Opened().Match(line) is { Success: true } opened)
            {
                sockets[opened.Groups[2].Value] = opened.Groups[1].Value == "NETFILTER" ? "netfilter"
                    : sockets.Count == 0 ? "node"
                    : "route";
            }
            else if (Sent().Match(line) is { Success: true } sent)
            {
                hex = sockets.TryGetValue(sent.Groups[1].Value, out socket!) ? "" : null;
            }
        }

        Keep();
        // IFLA_NET_NS_FD, 8 bytes of type 28, in the message that makes the link: the only one of the node's socket that makes something.
        string create = lines.Single(
            line => line.StartsWith("node", StringComparison.Ordinal) && line.Contains("08001c00", StringComparison.Ordinal));
        string number = create.Substring(create.IndexOf("08001c00", StringComparison.Ordinal) + 8, 2);
        return [$"fd {Convert.ToInt32(number, 16)}", .. lines];

        void Keep()
        {
            if (!string.IsNullOrEmpty(hex))
            {
                lines.Add($"{socket} {hex}");
            }

            hex = null;
        }
    }

    private void WriteScripts(FreshPod pod)
    {
        string ruleset = PathOf("ruleset.nft");
        File.WriteAllText(ruleset, Lab.In(pod.Name, "nft", "list", "table", "inet", "egress-router-net1"));
        string[] rules = [.. Lines("ip", "-4", "rule")
            .Where(line => !line.Contains("lookup main", StringComparison.Ordinal) || line.Contains("fwmark", StringComparison.Ordinal))
            .Where(
                line => !line.Contains("lookup local", StringComparison.Ordinal)
                    && !line.Contains("lookup default", StringComparison.Ordinal))
            .Select(rule => rule.Replace(":", "", StringComparison.Ordinal))];
        string[] tables = [.. rules.Select(rule => Lookup().Match(rule).Groups[1].Value).Where(table => table != "main").Distinct()];
        File.WriteAllLines(PathOf("add"),
        [
            "link set net1 up",
            "address add 192.168.12.99/24 dev net1",
            .. tables.SelectMany(
                table => Lines("ip", "-4", "route", "show", "table", table).Reverse().Select(route => $"route add {route} table {table}")),
            .. rules.Select(rule => "rule add pref " + rule),
            .. Lines("ip", "-4", "route").Where(
                route => route.Contains("net1", StringComparison.Ordinal) && !route.Contains("proto kernel", StringComparison.Ordinal))
                .Reverse().Select(route => "route replace " + route),
        ]);
        File.WriteAllText(AddScript, $"""
            set -e
            ip link add link lan0 name net1 netns "$1" group 17746 type macvlan mode bridge
            exec nsenter --net="/run/netns/$1" sh -e -c '
            cd /proc/sys/net
            for name in accept_redirects proxy_arp rp_filter; do echo 0 >ipv4/conf/net1/$name; done
            echo 1 >ipv4/conf/net1/arp_ignore
            echo 2 >ipv4/conf/net1/arp_announce
            echo 1 >ipv4/conf/net1/forwarding
            echo 1 >ipv6/conf/net1/disable_ipv6
            nft -f {ruleset}
            ip -batch {PathOf("add")}
            echo 1 >ipv4/conf/eth0/forwarding
            echo 1 >ipv4/conf/net1/arp_notify'

            """);

        // The routes go with the link; the pod had a default route of its own.
        File.WriteAllLines(PathOf("delete"),
        [
            "link delete net1",
            .. rules.Select(rule => "rule delete pref " + rule),
            .. tables.Select(table => $"route flush table {table}"),
            FreshPod.DefaultRoute,
        ]);
        File.WriteAllText(DeleteScript, $"""
            set -e
            exec nsenter --net="/run/netns/$1" sh -e -c '
            nft delete table inet egress-router-net1
            ip -batch {PathOf("delete")}
            echo 0 >/proc/sys/net/ipv4/conf/eth0/forwarding'

            """);

        string[] Lines(params string[] command) =>
            Lab.In(pod.Name, command).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    /// <summary>A deletion that forgets something would be a cheap one.</summary>
    private void AssertScriptsUndo(Lab lab)
    {
        using var pod = new FreshPod(lab);
        var bare = new Snapshot(pod.Path);
        foreach (string script in (string[])[AddScript, DeleteScript])
        {
            Lab.In(lab.Node, "/bin/sh", script, pod.Name);
        }

        new Snapshot(pod.Path).AssertSameAs(bare);
    }

    [GeneratedRegex(@"^ \| [0-9a-f]+  ((?:[0-9a-f]{2} ?| )*?) {2,}\S")]
    private static partial Regex Bytes();

    [GeneratedRegex(@"socket\(AF_NETLINK, .*NETLINK_(ROUTE|NETFILTER)\) = (\d+)")]
    private static partial Regex Opened();

    [GeneratedRegex(@"sendto\((\d+), ")]
    private static partial Regex Sent();

    [GeneratedRegex(@"lookup (\S+)")]
    private static partial Regex Lookup();
}
