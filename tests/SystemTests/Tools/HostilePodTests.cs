using System.Text.Json.Nodes;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;
using Netlink.NetFilter;

namespace SystemTests.Tools;

/// <summary>Whoever rules in a pod's namespace can name and fill tables as he likes: root's tools must not mind.</summary>
public class HostilePodTests
{
    /// <summary>A terminal's commands in what a table remembers, a map whose elements are none of ours, names that no link has.</summary>
    private const string Tables = """
        table inet egress-router-evil {
            map ports_ip { type inet_service : ipv4_addr; elements = { 80 : 1.2.3.4 }; }
            map ranges_ip { type inet_proto . inet_service : ipv4_addr . inet_service; elements = { 77 . 80 : 1.2.3.4 . 90, tcp . 81 : 1.2.3.4 . 80 }; }
            set traffic_ip { type ether_addr; elements = { 00:11:22:33:44:55 }; }
            chain destinations { meta nfproto ipv4 counter dnat ip to 1.2.3.4; }
            chain guard { ether saddr 00:11:22:33:44:55 accept; }
            chain restore {
                return comment "network ESCAPES"
                return comment "container CONTAINER"
            }
        }
        table inet egress-router-../../x { }
        table inet egress-router-thisnameistoolongforalink { }
        """;

    [RootTheory]
    [InlineData("text")]
    [InlineData("json")]
    [InlineData("prometheus")]
    public void What_a_pod_has_made_up_neither_commands_the_terminal_nor_hides_anything(string output)
    {
        using var lab = new Lab();
        lab.Add(Config.Redirect);
        MakeUp(lab);
        CommandResult status = Tool.On(lab, "", "status", "--netns", Lab.PathOf(lab.Pod), "--output", output);
        Assert.True(status is { ExitCode: 0, Stderr: "" }, status.ToString());
        Assert.All(status.Stdout, letter => Assert.True(letter == '\n' || !char.IsControl(letter), status.Stdout));
        // What has control characters in a comment is not ours, and not read; the name of a chain is told.
        Assert.DoesNotContain("[2J", status.Stdout, StringComparison.Ordinal);
        Assert.Equal(output != "prometheus", status.Stdout.Contains("\\u001b[31mchain", StringComparison.OrdinalIgnoreCase));
        Assert.Contains("net1", status.Stdout, StringComparison.Ordinal);
        Assert.DoesNotContain("../x", status.Stdout, StringComparison.Ordinal);
        Assert.DoesNotContain("toolong", status.Stdout, StringComparison.Ordinal);
        if (output == "prometheus")
        {
            string[] samples = [.. status.Stdout.Split('\n').Where(line => line.Length > 0 && line[0] != '#')
                .Select(line => line[..line.LastIndexOf(' ')])];
            Assert.Equal(samples.Distinct(), samples);
        }
    }

    /// <summary>The router's own table with foreign maps: told as a difference, and mended.</summary>
    [RootFact]
    public void A_table_of_ours_that_was_filled_with_nonsense_is_told_and_repaired()
    {
        using var lab = new Lab();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        string config = Config.With("80 tcp 192.168.12.91");
        lab.Add(config);
        string nonsense = Tables[
            ..Tables.IndexOf("    chain restore", StringComparison.Ordinal)].Replace("evil", "net1", StringComparison.Ordinal) + "}\n";
        Command.Must("nsenter", ["--net=" + Lab.PathOf(lab.Pod), "nft", "-f", "-"], "delete table inet egress-router-net1\n" + nonsense);
        Assert.Equal(0, Tool.On(lab, "", "status", "--netns", Lab.PathOf(lab.Pod)).ExitCode);
        CommandResult probe = Tool.OnPod(lab, config, "probe", "--timeout", "100");
        Assert.True(
            probe.ExitCode == 1 && probe.Stdout.Split('\n')[0].StartsWith(
                "pod: nftables table egress-router-net1: ", StringComparison.Ordinal),
            probe.ToString());
        CommandResult repair = Tool.OnPod(lab, config, "repair");
        Assert.True(repair.ExitCode == 0, repair.ToString());
        Assert.NotNull(lab.Connect(Protocol.Tcp, 80));
    }

    /// <summary>A link, a file and a socket beside the namespaces, and a container that somebody else claims to be.</summary>
    [RootFact]
    public void Each_namespace_counts_once_and_the_file_of_another_network_is_refused()
    {
        using var lab = new Lab();
        lab.Add(Config.Redirect, with: ("CNI_CONTAINERID", "once" + lab.Pod));
        string link = Lab.PathOf(lab.Pod) + "-link";
        string file = Lab.PathOf(lab.Pod) + "-file";
        string loop = Lab.PathOf(lab.Pod) + "-loop";
        try
        {
            File.CreateSymbolicLink(link, Lab.PathOf(lab.Pod));
            File.CreateSymbolicLink(loop, loop);
            File.WriteAllText(file, "");
            CommandResult status = Tool.On(lab, "", "status", "--container", "once" + lab.Pod, "--output", "json");
            Assert.True(status.ExitCode == 0, status.ToString());
            Assert.Single(JsonNode.Parse(status.Stdout)!.AsArray());
        }
        finally
        {
            File.Delete(link);
            File.Delete(file);
            File.Delete(loop);
        }

        string other = Config.Changed(json => json["name"] = "other");
        foreach (string verb in (string[])["status", "probe"])
        {
            CommandResult told = Tool.OnPod(lab, other, verb);
            Assert.True(told.ExitCode == 1, told.ToString());
            Assert.Contains(
                "the router net1 is of network egress-router, standard input is about other\n", told.Stdout.Split('\n')[0] + "\n",
                StringComparison.Ordinal);
        }

        string before = Lab.In(lab.Pod, "nft", "list", "ruleset");
        CommandResult repair = Tool.OnPod(lab, other, "repair");
        Assert.True(repair is { ExitCode: 2, Stdout: "" }, repair.ToString());
        Assert.Contains("is of network egress-router", repair.Stderr, StringComparison.Ordinal);
        Assert.Equal(before, Lab.In(lab.Pod, "nft", "list", "ruleset"));
    }

    /// <summary>
    /// Maps of our names, but of another kind, whose elements would be of 65,536 ports each, and chains and maps that nobody asked for:
    /// neither is read. It took minutes.
    /// </summary>
    [RootFact]
    public void What_is_not_defined_as_ours_is_not_read()
    {
        using var lab = new Lab();
        lab.Add(Config.Redirect);
        string Elements(int count) =>
            string.Join(", ", Enumerable.Range(0, count).Select(i => $"6.{i >> 8}.{i & 255}.1 . 0.1.0.0-255.255.0.0 : 1.2.3.4"));
        Command.Must("nsenter", ["--net=" + Lab.PathOf(lab.Pod), "nft", "-f", "-"], $$"""
            table inet egress-router-net1 {
                map ranges_ip { type ipv4_addr . ipv4_addr : ipv4_addr; flags interval; elements = { {{Elements(1_000)}} }; }
                set other { type inet_service; elements = { 1-10, 20-30 }; flags interval; }
                chain other { counter accept; }
            }
            """);
        Table table = InPod(lab, network => network.Observe(new AttachmentNames("net1"), [], network.Read()).Table!);
        Assert.Equal(["other", "ranges_ip"], table.Maps.Select(map => map.Name).Order());
        Assert.All(table.Maps, map => Assert.Empty(map.Elements));
        Assert.Contains(table.Chains, chain => chain.Name == "other");
        Assert.DoesNotContain(table.Rules, rule => rule.Chain == "other");
        CommandResult status = Tool.On(lab, "", "status", "--netns", Lab.PathOf(lab.Pod), "--output", "json");
        Assert.Single(JsonNode.Parse(status.Stdout)![0]!["destinations"]!.AsArray());
    }

    /// <summary>Fifty thousand rules in a chain of ours, which differ in one byte each: CHECK compared each with each.</summary>
    [RootFact]
    public void Many_rules_in_a_chain_of_ours_are_told_soon()
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.Redirect);
        FillWithRules(lab, "inet egress-router-net1", "guard", 30_000);
        CommandResult repair = Tool.OnPod(lab, Config.Redirect, "repair", "--dry-run");
        Assert.True(repair.ExitCode == 1 && repair.Stdout.Contains(" is not ours", StringComparison.Ordinal), repair.ToString());
        CommandResult check = lab.Check(Config.Redirect, result);
        Assert.True(check.ExitCode != 0 && check.Stdout.Contains("and 29980 more", StringComparison.Ordinal), check.ToString());
    }

    /// <summary>
    /// The kernel takes a quarter of a millisecond for each element that is deleted, and little for the map: 130,000 took 48 seconds.
    /// </summary>
    [RootFact]
    public void A_map_of_ours_with_very_many_elements_of_others_is_made_anew()
    {
        using var lab = new Lab();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        string config = Config.With("80 tcp 192.168.12.91", "8080-8090 tcp 192.168.12.91");
        lab.Add(config);
        Assert.NotNull(lab.Connect(Protocol.Tcp, 80));
        string elements = string.Join(", ", Enumerable.Range(10_000, 20_000).Select(port => $"udp . {port} : 1.2.3.4"));
        Command.Must("nsenter", ["--net=" + Lab.PathOf(lab.Pod), "nft", "-f", "-"], $$"""
            table inet egress-router-net1 {
                map ranges_ip { type inet_proto . inet_service : ipv4_addr; flags interval; counter; elements = { {{elements}} }; }
            }
            """);
        CommandResult repair = Tool.OnPod(lab, config, "repair");
        Assert.True(repair.ExitCode == 0, repair.ToString());
        Assert.NotNull(lab.Connect(Protocol.Tcp, 80));
        Assert.Equal(0, Tool.OnPod(lab, config, "status").ExitCode);
    }

    /// <summary>Thirty thousand remembered default routes: DEL put each back, in 19 seconds.</summary>
    [RootFact]
    public void More_than_ADD_remembers_is_not_read()
    {
        using var lab = new Lab();
        lab.Add(Config.Redirect);
        string lines = string.Join(
            '\n', Enumerable.Range(0, 2_000).Select(i => $"return comment \"0.0.0.0/0 via 10.129.2.1 dev eth0 metric {i}\""));
        Command.Must(
            "nsenter", ["--net=" + Lab.PathOf(lab.Pod), "nft", "-f", "-"],
            $"table inet egress-router-net1 {{\nchain restore {{\n{lines}\n}}\n}}\n");
        CommandResult status = Tool.OnPod(lab, Config.Redirect, "status");
        Assert.True(
            status.ExitCode == 2 && status.Stderr.Contains("at most 1000 are read (E2BIG)", StringComparison.Ordinal), status.ToString());
        lab.Run("DEL", Config.Redirect).AssertSuccess();
        Assert.DoesNotContain("net1", Lab.In(lab.Pod, "ip", "link", "show"), StringComparison.Ordinal);
        Assert.DoesNotContain("egress-router", Lab.In(lab.Pod, "nft", "list", "tables"), StringComparison.Ordinal);
        Assert.DoesNotContain("metric 1999", Lab.In(lab.Pod, "ip", "route"), StringComparison.Ordinal);
    }

    /// <summary>ADD remembers no more than DEL reads.</summary>
    [RootFact]
    public void A_pod_with_too_many_default_routes_is_refused()
    {
        using var lab = new Lab();
        Lab.Batch(
            lab.Pod, string.Join('\n', Enumerable.Range(1, 1_100).Select(i => $"route add default via 10.129.2.1 dev eth0 metric {i}")));
        lab.Run("ADD", Config.Redirect).AssertErrorNaming(
            [100], "save the pod's original state: too many default routes", "the limit is 1000");
        Assert.DoesNotContain("net1", Lab.In(lab.Pod, "ip", "link", "show"), StringComparison.Ordinal);
        Assert.Contains("metric 1100", Lab.In(lab.Pod, "ip", "route"), StringComparison.Ordinal);
    }

    /// <summary>Routes, rules and tables that concern no attachment are passed over while they are read.</summary>
    [RootFact]
    public void Of_routes_rules_and_tables_only_those_of_attachments_are_kept()
    {
        using var lab = new Lab();
        lab.Add(Config.Redirect);
        PodDump before = InPod(lab, network => network.Read());
        const int many = 2_000;
        Lab.Batch(
            lab.Pod,
            string.Join(
                '\n',
                Enumerable.Range(0, many).Select(
                    i => $"route add 10.9.{i >> 8}.{i & 255}/32 via 10.129.2.1 dev eth0\nroute add 10.9.{i >> 8}.{i & 255}/32 dev eth0 table 70000\nrule add fwmark {i + 1} lookup 77")));
        Command.Must(
            "nsenter", ["--net=" + Lab.PathOf(lab.Pod), "nft", "-f", "-"],
            string.Join('\n', Enumerable.Range(0, 200).Select(i => $"table inet other{i} {{ }}")));
        PodDump after = InPod(lab, network => network.Read());
        // Of the routes by a gateway of eth0, one.
        Assert.InRange(after.Routes.Length, before.Routes.Length, before.Routes.Length + 1);
        Assert.Equal(before.Rules, after.Rules);
        Assert.Equal(before.Tables, after.Tables);
    }

    /// <summary>A chain of another program is told of, and its rules are not read; of many some are told.</summary>
    [RootFact]
    public void Chains_of_others_are_counted_and_not_read()
    {
        using var lab = new Lab();
        lab.Add(Config.Redirect);
        Command.Must("nsenter", ["--net=" + Lab.PathOf(lab.Pod), "nft", "-f", "-"], string.Join('\n', Enumerable.Range(0, 30).Select(i =>
            $"table ip n{i} {{\n chain PREROUTING {{ type nat hook prerouting priority -100; policy accept; {(i == 0 ? "" : "counter accept; ")}}}\n}}")));
        CommandResult status = Tool.On(lab, "", "status", "--netns", Lab.PathOf(lab.Pod));
        Assert.True(status.ExitCode == 0, status.ToString());
        Assert.DoesNotContain("chain ip n0 ", status.Stdout, StringComparison.Ordinal);
        Assert.Equal(20, status.Stdout.Split("translates destinations too").Length - 1);
        Assert.Contains("and 9 more", status.Stdout, StringComparison.Ordinal);
    }

    /// <summary>More than is read of one pod: said so, with what was read; the others are shown, and the socket can be used on.</summary>
    [RootFact]
    public void A_pod_with_more_than_is_read_hides_no_other()
    {
        using var lab = new Lab();
        using var beside = new Lab(beside: lab);
        lab.Add(Config.Redirect);
        beside.Add(Config.Changed(json => json["ip"]!["addresses"]![0] = "192.168.12.98/24"));
        Lab.Batch(
            lab.Pod,
            string.Join(
                '\n',
                Enumerable.Range(0, 120_000).Select(
                    i => $"route add 10.{i >> 16}.{(i >> 8) & 255}.{i & 255}/32 dev eth0 table {new AttachmentNames("net1").EgressTable}")));
        CommandResult status = Tool.On(lab, "", "status");
        Assert.True(status.ExitCode == 2, status.ToString());
        Assert.Contains(
            $"{Lab.PathOf(lab.Pod)}: list routes: the namespace holds more than the 32 MiB that are read of one (E2BIG)\n", status.Stderr,
            StringComparison.Ordinal);
        Assert.Contains($"net1 of {Lab.PathOf(beside.Pod)}", status.Stdout, StringComparison.Ordinal);
        InPod(lab, network =>
        {
            Assert.Equal(Errno.E2BIG, Assert.Throws<NetlinkException>(() => network.Read()).Number);
            Assert.NotNull(network.ReadLink(new AttachmentNames("net1")));
            Assert.Contains(network.ListLinks(), link => link.Name == "net1");
            return true;
        });
    }

    [RootFact]
    public void More_tables_than_a_pod_can_have_routers_are_an_error()
    {
        using var lab = new Lab();
        lab.Add(Config.Redirect);
        Command.Must(
            "nsenter", ["--net=" + Lab.PathOf(lab.Pod), "nft", "-f", "-"],
            string.Join('\n', Enumerable.Range(0, 100).Select(i => $"table inet egress-router-x{i} {{ }}")));
        CommandResult status = Tool.On(lab, "", "status", "--netns", Lab.PathOf(lab.Pod));
        Assert.True(status.ExitCode == 2, status.ToString());
        Assert.Contains(
            "101 nftables tables are named as a router's, more than 100 are not read (E2BIG)", status.Stderr, StringComparison.Ordinal);
        // Who names the router is not kept from it.
        Assert.Equal(0, Tool.OnPod(lab, Config.Redirect, "status").ExitCode);
        lab.Delete(Config.Redirect);
        Assert.DoesNotContain("net1", Lab.In(lab.Pod, "ip", "link", "show"), StringComparison.Ordinal);
    }

    private static T InPod<T>(Lab lab, Func<PodNetwork, T> look)
    {
        using NetNamespace pod = NetNamespace.Open(Lab.PathOf(lab.Pod));
        return pod.Run(() =>
        {
            using PodNetwork network = PodNetwork.Open();
            return look(network);
        });
    }

    private static void FillWithRules(Lab lab, string table, string chain, int count) => Command.Must(
        "nsenter", ["--net=" + Lab.PathOf(lab.Pod), "nft", "-f", "-"],
        $"table {table} {{\nchain {chain} {{\n{string.Join('\n', Enumerable.Range(0, count).Select(i => $"ip saddr 10.9.{i >> 8}.{i & 255} accept"))}\n}}\n}}\n");

    private static void MakeUp(Lab lab)
    {
        Command.Must("nsenter", ["--net=" + Lab.PathOf(lab.Pod), "nft", "-f", "-"], Tables
            .Replace("ESCAPES", "\e[2J\e[31mX", StringComparison.Ordinal).Replace("CONTAINER", Lab.ContainerId, StringComparison.Ordinal));
        Command.Must("nsenter", ["--net=" + Lab.PathOf(lab.Pod), "nft", "-j", "-f", "-"], """
            {"nftables":[
                {"add":{"table":{"family":"inet","name":"egress-router-\u001b[31mnet1"}}},
                {"add":{"table":{"family":"ip","name":"other"}}},
                {"add":{"chain":{"family":"ip","table":"other","name":"\u001b[31mchain","type":"nat","hook":"prerouting","prio":-100,"policy":"accept"}}},
                {"add":{"rule":{"family":"ip","table":"other","chain":"\u001b[31mchain","expr":[{"accept":null}]}}}
            ]}
            """);
    }
}
