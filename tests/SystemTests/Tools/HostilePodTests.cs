using System.Text.Json.Nodes;

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
        Assert.Contains("\\u001", status.Stdout, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("net1", status.Stdout, StringComparison.Ordinal);
        Assert.DoesNotContain("../x", status.Stdout, StringComparison.Ordinal);
        Assert.DoesNotContain("toolong", status.Stdout, StringComparison.Ordinal);
        if (output == "prometheus")
        {
            string[] samples = [.. status.Stdout.Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line[..line.LastIndexOf(' ')])];
            Assert.Equal(samples.Distinct(), samples);
            Assert.Contains(samples, sample => sample.Contains("network=\"\\\\u001b[2J\\\\u001b[31mX\"", StringComparison.Ordinal));
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
        string nonsense = Tables[..Tables.IndexOf("    chain restore", StringComparison.Ordinal)].Replace("evil", "net1", StringComparison.Ordinal) + "}\n";
        Command.Must("nsenter", ["--net=" + Lab.PathOf(lab.Pod), "nft", "-f", "-"], "delete table inet egress-router-net1\n" + nonsense);
        Assert.Equal(0, Tool.On(lab, "", "status", "--netns", Lab.PathOf(lab.Pod)).ExitCode);
        CommandResult probe = Tool.OnPod(lab, config, "probe", "--timeout", "100");
        Assert.True(probe.ExitCode == 1 && probe.Stdout.Split('\n')[0].StartsWith("pod: nftables table egress-router-net1: ", StringComparison.Ordinal), probe.ToString());
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
            Assert.Contains("the router net1 is of network egress-router, standard input is about other\n", told.Stdout.Split('\n')[0] + "\n", StringComparison.Ordinal);
        }

        string before = Lab.In(lab.Pod, "nft", "list", "ruleset");
        CommandResult repair = Tool.OnPod(lab, other, "repair");
        Assert.True(repair is { ExitCode: 2, Stdout: "" }, repair.ToString());
        Assert.Contains("is of network egress-router", repair.Stderr, StringComparison.Ordinal);
        Assert.Equal(before, Lab.In(lab.Pod, "nft", "list", "ruleset"));
    }

    private static void MakeUp(Lab lab)
    {
        Command.Must("nsenter", ["--net=" + Lab.PathOf(lab.Pod), "nft", "-f", "-"], Tables
            .Replace("ESCAPES", "\e[2J\e[31mX", StringComparison.Ordinal).Replace("CONTAINER", Lab.ContainerId, StringComparison.Ordinal));
        Command.Must("nsenter", ["--net=" + Lab.PathOf(lab.Pod), "nft", "-j", "-f", "-"], """{"nftables":[{"add":{"table":{"family":"inet","name":"egress-router-\u001b[31mnet1"}}}]}""");
    }
}
