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

    private static string ConfigOf(string interfaceName) => interfaceName == "net1" ? _first : _second;

    private static void AssertWorks(Lab lab, string interfaceName) => Assert.Equal(
        interfaceName == "net1" ? new Arrival("192.168.12.99", "192.168.12.91", 80) : new Arrival("192.168.12.98", "192.168.12.92", 81),
        lab.Connect(Protocol.Tcp, interfaceName == "net1" ? 80 : 81));
}
