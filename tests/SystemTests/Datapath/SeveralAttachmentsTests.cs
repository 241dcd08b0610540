using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>Two attachments in one pod, each with an address of its own.</summary>
public class SeveralAttachmentsTests
{
    private static readonly string _first = Config.With("80 TCP 192.168.12.91");

    private static readonly string _second = Config.Changed(config =>
    {
        config["name"] = "egress-router-2";
        config["ip"]!["addresses"] = new JsonArray("192.168.12.98/24");
        config["ip"]!["destinations"] = new JsonArray("81 TCP 192.168.12.92");
    });

    [RootTheory]
    [InlineData("net1", "net2")]
    [InlineData("net2", "net1")]
    public void Each_has_its_own_traffic_and_they_go_in_any_order(string firstToGo, string lastToGo)
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        lab.Serve(Protocol.Tcp, "192.168.12.92", 81);

        JsonObject first = lab.Add(_first, "net1");
        JsonObject second = lab.Add(_second, "net2");
        AssertWorks(lab, "net1");
        AssertWorks(lab, "net2");
        lab.Check(ConfigOf("net2"), second, "net2").AssertSilentSuccess();

        lab.Delete(ConfigOf(firstToGo), firstToGo);
        AssertWorks(lab, lastToGo);
        lab.Check(ConfigOf(lastToGo), lastToGo == "net1" ? first : second, lastToGo).AssertSilentSuccess();

        lab.Delete(ConfigOf(lastToGo), lastToGo);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>Each family's forwarding goes back with the attachment that needed it, in either order.</summary>
    [RootTheory]
    [InlineData("net1", "net2")]
    [InlineData("net2", "net1")]
    public void One_of_each_family_leave_nothing_behind(string firstToGo, string lastToGo)
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        string Of(string name) => name == "net1" ? Config.Redirect6 : _second;
        lab.Add(Of("net1"), "net1");
        lab.Add(Of("net2"), "net2");
        lab.Delete(Of(firstToGo), firstToGo);
        lab.Delete(Of(lastToGo), lastToGo);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>The same IPv6 gateway for both: the second attachment must not take the first one's route to it.</summary>
    [RootFact]
    public void Two_with_one_IPv6_gateway_stand_side_by_side()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        string second = Config.Redirect6.Replace("2001:db8:12::99", "2001:db8:12::98", StringComparison.Ordinal);
        JsonObject first = lab.Add(Config.Redirect6, "net1");
        JsonObject other = lab.Add(second, "net2");
        lab.Check(Config.Redirect6, first, "net1").AssertSilentSuccess();
        lab.Check(second, other, "net2").AssertSilentSuccess();
        lab.Delete(Config.Redirect6, "net1");
        lab.Check(second, other, "net2").AssertSilentSuccess();
        lab.Delete(second, "net2");
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>Both would answer for it: by another egress interface, or by the cluster's.</summary>
    [RootTheory]
    [InlineData("192.168.12.99/24", "net1")]
    [InlineData("2001:db8:12::99/64", "net1")]
    [InlineData("10.129.2.31/24", "eth0")]
    [InlineData("fd00:10:129::31/64", "eth0")]
    public void An_address_that_another_interface_of_the_pod_has_is_refused(string address, string holder)
    {
        using var lab = new Lab();
        lab.Add(Config.DualStack);
        Snapshot pod = lab.PodSnapshot();
        bool ipv6 = address.Contains(':', StringComparison.Ordinal);
        string config = Config.Changed(ipv6 ? Config.Redirect6 : Config.Redirect, json =>
        {
            json["interfaceArgs"] = new JsonObject { ["master"] = "lan0" };
            json["ip"]!["addresses"] = new JsonArray(address);
            json["ip"]!["gateway"] = holder == "net1" ? json["ip"]!["gateway"]!.DeepClone() : ipv6 ? "fd00:10:129::9" : "10.129.2.9";
        });
        string[] nouns = [$"ip.addresses[0] \"{address}\"", $"interface {holder} of the pod has this address already"];
        lab.Run("ADD", config, "net2").AssertErrorNaming([7], nouns);
        string ipam = Config.Changed(config, json =>
        {
            json["ipam"] = new JsonObject
            {
                ["type"] = "static",
                ["addresses"] = new JsonArray(new JsonObject { ["address"] = address, ["gateway"] = json["ip"]!["gateway"]!.DeepClone() }),
            };
            json["ip"] = new JsonObject { ["destinations"] = new JsonArray() };
        });
        lab.Run("ADD", ipam, "net2", ("CNI_PATH", $"{Path.GetDirectoryName(Lab.Plugin)}:/usr/lib/cni")).AssertErrorNaming([7], nouns[1]);
        lab.PodSnapshot().AssertSameAs(pod);

        // Nor does repair give it to a router that is there.
        lab.Add(_second, "net2");
        CommandResult repair = Tools.Tool.OnPod(
            lab, Config.Changed(config, json => json["name"] = JsonNode.Parse(_second)!["name"]!.DeepClone()), "repair", "--interface",
            "net2");
        Assert.True(repair.ExitCode == 2 && repair.Stderr.Contains(nouns[1], StringComparison.Ordinal), repair.ToString());
    }

    /// <summary>An interface whose marks and tables have the numbers of another: refused, and its DEL harms nobody.</summary>
    [RootFact]
    public void A_name_with_anothers_numbers_is_refused_and_its_DEL_leaves_the_other_alone()
    {
        using var lab = new Lab();
        JsonObject first = lab.Add(_first, "net1");
        // "net1" and this name have the same number.
        string twin = TwinOf("net1");
        lab.Run("ADD", _second, twin).AssertErrorNaming([101], "net1", twin);
        lab.Delete(_second, twin);
        lab.Check(_first, first, "net1").AssertSilentSuccess();
    }

    /// <summary>Whoever comes in by an attachment is answered by it, also where the pod's default route is another's.</summary>
    [RootFact]
    public void Inbound_connections_of_each_attachment_are_answered_by_it()
    {
        using var lab = new Lab();
        string Allowing(string address) => Config.Changed(config =>
        {
            config["inbound"] = "allow";
            config["ip"]!["addresses"] = new JsonArray(address + "/24");
            config["ip"]!["destinations"] = new JsonArray();
        });
        lab.Add(Allowing("192.168.12.99"), "net1");
        lab.Add(Allowing("192.168.12.98"), "net2");
        lab.ServeIn(lab.Pod, Protocol.Tcp, "0.0.0.0", 8080);
        foreach (string address in (string[])["192.168.12.99", "192.168.12.98"])
        {
            Assert.NotNull(Lab.Ask(lab.Lan, Protocol.Tcp, address, 8080));
            Assert.NotNull(Lab.Ask(lab.Lan, Protocol.Tcp, address, 8080, source: "203.0.113.25"));
        }
    }

    /// <summary>Another name with the same remainder of the plugin's hash: a polynomial of 41, modulo 2^14 - 64.</summary>
    private static string TwinOf(string name)
    {
        static uint Number(string text) => text.Aggregate(0u, (hash, letter) => unchecked((hash * 41) + letter)) % ((1 << 14) - 64);
        return Enumerable.Range(0, int.MaxValue).Select(i => $"t{i}").First(other => Number(other) == Number(name));
    }

    private static string ConfigOf(string interfaceName) => interfaceName == "net1" ? _first : _second;

    private static void AssertWorks(Lab lab, string interfaceName) => Assert.Equal(
        interfaceName == "net1" ? new Arrival("192.168.12.99", "192.168.12.91", 80) : new Arrival("192.168.12.98", "192.168.12.92", 81),
        lab.Connect(Protocol.Tcp, interfaceName == "net1" ? 80 : 81));
}
