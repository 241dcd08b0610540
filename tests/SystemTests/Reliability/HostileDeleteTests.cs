using System.Text.Json.Nodes;

namespace SystemTests.Reliability;

/// <summary>
/// Whatever a pod does in its namespace, with NET_ADMIN or not: DEL takes the interface and its address away, and succeeds.
/// </summary>
public class HostileDeleteTests
{
    private const string Table = "egress-router-net1";

    /// <summary>Comments of a kind that the plugin writes itself, which a pod can write too.</summary>
    [RootTheory]
    [InlineData("0.0.0.0/0 via 10.129.2.1 dev eth0 metric 77 proto 3 scope 0 attributes 01")]
    [InlineData("0.0.0.0/0 via 10.129.2.1 dev eth0 metric 77 proto 3 scope 0 attributes 0c0008000900020078050000")]
    [InlineData("0.0.0.0/0 via 10.129.2.1 dev eth0 metric 77 proto 3 scope 0 attributes 080016000000000006001500ffff0000")]
    [InlineData("0.0.0.0/0 via 10.129.2.1 dev eth0 metric 77 proto 255 scope 200 attributes 08001e00ffffffff")]
    [InlineData("0.0.0.0/0 via fd00:10:129::1 dev eth0")]
    [InlineData("::/0 via 10.129.2.1 dev eth0 metric 77")]
    [InlineData("0.0.0.0/0 via 10.129.2.1 dev nowhere0")]
    [InlineData("return ::/0 via fe80::1 dev eth0 attributes 0400080004000900")]
    [InlineData("net/ipv4/conf/nowhere0/forwarding=1")]
    [InlineData("net/ipv6/conf/eth0/accept_ra=255")]
    [InlineData("node 192.168.12.10")]
    [InlineData("cluster nowhere0")]
    [InlineData("format 2")]
    public void A_comment_of_the_pod_stops_neither_DEL_nor_GC(string comment)
    {
        using var lab = new Lab();
        using var other = new Lab();
        lab.See(other);
        string config = Config.ChangedDualStack(
            json => json["name"] = $"hostile-{Environment.ProcessId}-{comment.GetHashCode(StringComparison.Ordinal)}".Replace("--", "-",
                StringComparison.Ordinal));
        JsonObject result = lab.Add(config);
        other.Add(config);
        Remember(lab, comment);
        string garbage = Config.Changed(
            config, json => (json["cniVersion"], json["cni.dev/valid-attachments"]) = ("1.1.0", new JsonArray()));
        CommandResult collected = lab.Run("GC", garbage);
        Assert.True(collected.ExitCode == 0, collected.ToString());
        AssertGone(lab);
        AssertGone(other);

        lab.Add(config);
        Remember(lab, comment);
        Delete(lab, config, result);
        AssertGone(lab);
    }

    /// <summary>The pod's own default route cannot come back: its network has changed since.</summary>
    [RootFact]
    public void A_default_route_that_the_kernel_refuses_to_take_back_is_only_told()
    {
        using var lab = new Lab();
        Lab.In(lab.Pod, "ip", "-6", "route", "replace", "default", "via", RawPackets.LinkLocalOf(lab.Client, "pod0"), "dev", "eth0");
        JsonObject result = lab.Add(Config.DualStack);
        Lab.WriteSysctl(lab.Pod, "net/ipv6/conf/all/disable_ipv6", "1");
        CommandResult deleted = Delete(lab, Config.DualStack, result);
        Assert.Contains("[warning] not restored or not removed: add route default via fe80::", deleted.Stderr, StringComparison.Ordinal);
        AssertGone(lab);
        Assert.Contains("default via 10.129.2.1", Lab.In(lab.Pod, "ip", "route"), StringComparison.Ordinal);
    }

    [RootTheory]
    [InlineData("link set lo down\nlink set lo name loop0")]
    [InlineData("link set eth0 down\nlink set eth0 name eth7")]
    [InlineData("link delete eth0")]
    [InlineData("link set net1 group 0")]
    [InlineData("link set net1 down")]
    [InlineData("address flush dev net1")]
    [InlineData("rule flush\nrule add lookup main priority 5")]
    public void What_the_pod_changes_of_its_links_and_rules_is_no_obstacle(string commands)
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.DualStack);
        Lab.Batch(lab.Pod, commands);
        Delete(lab, Config.DualStack, result);
        AssertGone(lab);
    }

    /// <summary>A table that a process owns goes with the process; nobody else can delete it.</summary>
    [RootFact]
    public void A_table_that_a_process_of_the_pod_owns_is_only_told()
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.Redirect);
        Lab.In(lab.Pod, "nft", "delete", "table", "inet", Table);
        using (var owner = new BackgroundProcess(lab.Pod, "sh", "-c",
            $"(echo 'add table inet {Table} {{ flags owner; }}'; exec sleep 60) | nft -i"))
        {
            owner.WaitUntil(() => Lab.In(lab.Pod, "nft", "list", "tables").Contains(Table, StringComparison.Ordinal));
            CommandResult deleted = Delete(lab, Config.Redirect, result);
            Assert.Contains($"not restored or not removed: delete nftables table {Table}", deleted.Stderr, StringComparison.Ordinal);
            Assert.DoesNotContain("net1", Lab.In(lab.Pod, "ip", "link"), StringComparison.Ordinal);
        }
    }

    [RootFact]
    public void A_table_that_changes_all_the_time_is_no_obstacle()
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.Redirect);
        using var changes = new BackgroundProcess(lab.Pod, "sh", "-c", $"""
            for i in $(seq 2000); do
              nft "add chain inet {Table} x; add rule inet {Table} x counter; delete chain inet {Table} x; insert rule inet {Table} restore return" 2>/dev/null
            done
            """);
        changes.WaitUntil(() => Lab.In(lab.Pod, "nft", "list", "chain", "inet", Table, "restore")
            .Contains("return\n", StringComparison.Ordinal));
        Delete(lab, Config.Redirect, result);
        Assert.DoesNotContain("net1", Lab.In(lab.Pod, "ip", "link"), StringComparison.Ordinal);
    }

    /// <summary>The runtime says whose the interface is. Where it cannot, the interface stays, and its address is not given back.</summary>
    [RootTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_comment_does_not_make_the_interface_anothers(bool isRemembered)
    {
        using var lab = new Lab();
        using var ipam = new FakeIpam();
        string config = ipam.GiveAddress();
        JsonObject result = lab.Add(config, "net1", ("CNI_PATH", ipam.Folder));
        Lab.In(lab.Pod, "nft", $"add rule inet {Table} restore return comment \"container other\"");
        string last = Config.Changed(config, json =>
        {
            if (isRemembered)
            {
                json["prevResult"] = result.DeepClone();
            }
        });
        CommandResult deleted = lab.Run("DEL", last, "net1", ("CNI_PATH", ipam.Folder));
        Assert.Equal(0, deleted.ExitCode);
        Assert.Equal(isRemembered ? ["ADD", "DEL"] : ["ADD"], ipam.Asked);
        Assert.Equal(!isRemembered, Lab.In(lab.Pod, "ip", "link").Contains("net1", StringComparison.Ordinal));
    }

    /// <summary>As a link of another kind: its address is not given back while it is there.</summary>
    [RootFact]
    public void An_address_is_not_given_back_where_the_interface_stays()
    {
        using var lab = new Lab();
        using var ipam = new FakeIpam();
        string config = ipam.GiveAddress();
        lab.Add(config, "net1", ("CNI_PATH", ipam.Folder));
        Lab.Batch(lab.Pod, "link set net1 group 0");
        CommandResult deleted = lab.Run("DEL", config, "net1", ("CNI_PATH", ipam.Folder));
        Assert.Equal(0, deleted.ExitCode);
        Assert.Contains("was not made by this plugin, and stays", deleted.Stderr, StringComparison.Ordinal);
        Assert.Equal(["ADD"], ipam.Asked);
    }

    private static void Remember(Lab lab, string comment) =>
        Lab.In(lab.Pod, "nft", $"insert rule inet {Table} restore return comment \"{comment}\"");

    private static CommandResult Delete(Lab lab, string config, JsonObject result)
    {
        CommandResult deleted = lab.Run("DEL", Config.Changed(config, json => json["prevResult"] = result.DeepClone()));
        Assert.True(deleted.ExitCode == 0, deleted.ToString());
        return deleted;
    }

    private static void AssertGone(Lab lab)
    {
        Assert.DoesNotContain("net1", Lab.In(lab.Pod, "ip", "link"), StringComparison.Ordinal);
        Assert.DoesNotContain("egress-router", Lab.In(lab.Pod, "nft", "list", "ruleset"), StringComparison.Ordinal);
        foreach (string family in (string[])["-4", "-6"])
        {
            Assert.DoesNotContain("0x3de", Lab.In(lab.Pod, "ip", family, "rule"), StringComparison.Ordinal);
        }
    }
}
