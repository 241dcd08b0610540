using System.Diagnostics;
using System.Text.Json.Nodes;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;
using Shared;
using SystemTests.Tools;

namespace SystemTests.Reliability;

/// <summary>Names, links, rules and elements that a pod with NET_ADMIN can make: none keeps its router, or what others have.</summary>
public class HostileLinkTests
{
    private static readonly AttachmentNames _names = new("net1");

    /// <summary>The answer about one link did not fit into the buffer.</summary>
    [RootTheory]
    [InlineData("net1", 60)]
    [InlineData("net1", 400)]
    [InlineData("eth0", 400)]
    [InlineData("lo", 400)]
    public void Many_other_names_of_a_link_keep_nothing(string link, int count)
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        JsonObject result = lab.Add(Config.Redirect);
        foreach (int i in Enumerable.Range(0, count))
        {
            Lab.In(lab.Pod, "ip", "link", "property", "add", "dev", link, "altname", $"a{i:d126}");
        }

        lab.Check(Config.Redirect, result).AssertSilentSuccess();
        Assert.Equal(0, Tool.OnPod(lab, Config.Redirect, "status").ExitCode);
        lab.Delete(Config.Redirect);
        Assert.DoesNotContain("net1", Lab.In(lab.Pod, "ip", "-br", "link"), StringComparison.Ordinal);
        Assert.DoesNotContain("egress-router", Lab.In(lab.Pod, "nft", "list", "tables"), StringComparison.Ordinal);
        if (link == "net1")
        {
            lab.PodSnapshot().AssertSameAs(pod);
        }
    }

    /// <summary>Its address is given back: a pod could empty the pool.</summary>
    [RootTheory]
    [InlineData("link property add dev lo altname TEMPORARY")]
    [InlineData("link add TEMPORARY type veth peer name other0")]
    [InlineData("link del net1\nlink add net1 type veth peer name other0")]
    [InlineData("link set net1 group 0")]
    [InlineData("link set net1 down\nlink set net1 name foo\nlink set foo up\nlink property add dev lo altname net1")]
    [InlineData("link set net1 down\nlink set net1 name foo\nlink set foo up\nlink add net1 type veth peer name other0")]
    public void Names_that_the_pod_gives_keep_neither_the_interface_nor_the_address(string commands)
    {
        using var lab = new Lab();
        using var ipam = new FakeIpam();
        string config = ipam.GiveAddress();
        JsonObject result = lab.Add(config, "net1", ("CNI_PATH", ipam.Folder));
        Lab.Batch(lab.Pod, commands.Replace("TEMPORARY", _names.TemporaryInterface, StringComparison.Ordinal));
        CommandResult deleted = lab.Run(
            "DEL", Config.Changed(config, json => json["prevResult"] = result), "net1", ("CNI_PATH", ipam.Folder));
        Assert.True(deleted.ExitCode == 0, deleted.ToString());
        Assert.Equal(["ADD", "DEL"], ipam.Asked);
        Assert.DoesNotContain("macvlan", Lab.In(lab.Pod, "ip", "-d", "link"), StringComparison.Ordinal);
        Assert.DoesNotContain("192.168.12.99", Lab.In(lab.Pod, "ip", "address"), StringComparison.Ordinal);
    }

    /// <summary>With one "goto" among them the kernel goes through all rules to delete one: 80,000 took 49 seconds.</summary>
    [RootFact]
    public void Very_many_rules_to_a_table_of_ours_keep_nothing()
    {
        using var lab = new Lab();
        lab.Add(Config.Redirect);
        Lab.Batch(
            lab.Pod,
            string.Join(
                '\n', Enumerable.Range(0, 6_000).Select(i => $"rule add pref {2_000 + i} fwmark {i + 1} lookup {_names.EgressTable}"))
            + "\nrule add pref 20000 lookup main\nrule add pref 1999 goto 20000");
        CommandResult status = Tool.OnPod(lab, Config.Redirect, "status");
        Assert.True(
            status.ExitCode == 2 && status.Stderr.Contains("at most 5000 are read (E2BIG)", StringComparison.Ordinal), status.ToString());
        lab.Run("DEL", Config.Redirect).AssertSuccess();
        Assert.DoesNotContain("net1", Lab.In(lab.Pod, "ip", "-br", "link"), StringComparison.Ordinal);
        Assert.DoesNotContain("egress-router", Lab.In(lab.Pod, "nft", "list", "tables"), StringComparison.Ordinal);
        Assert.DoesNotContain(
            Lab.In(lab.Pod, "ip", "rule").Split('\n'),
            rule => rule.StartsWith("999:", StringComparison.Ordinal) || rule.StartsWith("1000:", StringComparison.Ordinal));
    }

    /// <summary>A client that tries all ports fills what is counted for each: the kernel takes seconds to list it.</summary>
    [RootFact]
    public void What_is_counted_for_each_port_is_read_to_be_shown_only()
    {
        using var lab = new Lab();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        lab.Add(Config.With("80 tcp 192.168.12.91"));
        Assert.NotNull(lab.Connect(Protocol.Tcp, 80));
        using NetNamespace pod = NetNamespace.Open(Lab.PathOf(lab.Pod));
        int CountOf(bool withCounts) => pod.Run(() =>
        {
            using PodNetwork network = PodNetwork.Open();
            return network.Observe(_names, [], network.Read(), withCounts).Table!.Maps.Where(map => map.IsDynamic)
                .Sum(map => map.Elements.Length);
        });
        Assert.Equal((0, 1), (CountOf(withCounts: false), CountOf(withCounts: true)));
    }

    /// <summary>A table that a process owns, with more than is remembered.</summary>
    [RootFact]
    public void A_table_of_another_owner_that_cannot_be_read_is_only_told()
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.Redirect);
        Lab.In(lab.Pod, "nft", "delete", "table", "inet", _names.NetFilterTable);
        using Process owner = Process.Start(
            new ProcessStartInfo("nsenter", ["--net=" + Lab.PathOf(lab.Pod), "nft", "-i"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true
            })!;
        try
        {
            owner.StandardInput.WriteLine($"add table inet {_names.NetFilterTable} {{ flags owner; }}");
            owner.StandardInput.WriteLine($"add chain inet {_names.NetFilterTable} restore");
            foreach (int _ in Enumerable.Range(0, SavedState.MostLines + 1))
            {
                owner.StandardInput.WriteLine($"add rule inet {_names.NetFilterTable} restore return comment \"x\"");
            }

            owner.StandardInput.WriteLine($"add chain inet {_names.NetFilterTable} done");
            owner.StandardInput.Flush();
            Eventually.IsTrue(() => Lab.In(lab.Pod, "nft", "list", "chains")
                .Contains("chain done", StringComparison.Ordinal), "no chain is made", seconds: 15);
            CommandResult deleted = lab.Run("DEL", Config.Changed(json => json["prevResult"] = result));
            Assert.True(deleted.ExitCode == 0, deleted.ToString());
            Assert.Contains("[warning] not restored or not removed: delete nftables table", deleted.Stderr, StringComparison.Ordinal);
            Assert.DoesNotContain("net1", Lab.In(lab.Pod, "ip", "-br", "link"), StringComparison.Ordinal);
        }
        finally
        {
            owner.Kill();
            owner.WaitForExit();
        }
    }

    /// <summary>A link whose name leads to the same numbers as net1 is another attachment only where there is none of net1.</summary>
    [RootFact]
    public void A_link_with_the_numbers_of_ours_keeps_nothing()
    {
        using var lab = new Lab();
        Assert.Equal(_names.EgressTable, new AttachmentNames("adtg").EgressTable);
        Snapshot pod = lab.PodSnapshot();
        lab.Add(Config.Redirect);
        Lab.Batch(lab.Pod, "link add adtg type veth peer name qq\nlink set adtg group 17746");
        Lab.In(lab.Pod, "nft", "add", "table", "inet", "egress-router-adtg");
        lab.Delete(Config.Redirect);
        Lab.In(lab.Pod, "nft", "delete", "table", "inet", "egress-router-adtg");
        Lab.Batch(lab.Pod, "link del adtg");
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>Who reads the error of GC at night must know which pod it is about.</summary>
    [RootFact]
    public void GC_says_which_namespace_it_could_not_clean()
    {
        using var lab = new Lab();
        string network = $"hostile-{lab.Pod}";
        lab.Add(Config.Changed(json => json["name"] = network));
        Command.Must(
            "nsenter", ["--net=" + Lab.PathOf(lab.Pod), "nft", "-f", "-"],
            string.Join('\n', Enumerable.Range(0, 100).Select(i => $"table inet egress-router-x{i} {{ }}")));
        string error = lab.Run(
            "GC",
            Config.Changed(json => (json["name"], json["cniVersion"], json["cni.dev/valid-attachments"]) = (network, "1.1.0",
                new JsonArray()))).AssertError([100]);
        Assert.Contains($"{Lab.PathOf(lab.Pod)}: read the routers of a pod: ", error, StringComparison.Ordinal);
    }

    [RootFact]
    public void Repair_does_not_ask_a_pod_who_it_is()
    {
        using var lab = new Lab();
        CommandResult repair = Tool.On(lab, Config.Redirect, "repair", "--container", Lab.ContainerId, "-");
        Assert.True(repair.ExitCode == 2 && repair.Stderr.Contains("--container", StringComparison.Ordinal), repair.ToString());
    }
}
