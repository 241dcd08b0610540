using System.Diagnostics;
using System.Text.Json.Nodes;
using SystemTests.Legacy;

namespace SystemTests;

/// <summary>
/// What the pod itself sends from an egress address, as its proxies do, leaves by the egress interface or is refused at once.
/// </summary>
public class SourceTests
{
    private const string Egress = "192.168.12.99";
    private const string Egress6 = "2001:db8:12::99";

    /// <summary>Servers of the pod itself, and of the cluster network.</summary>
    [RootTheory]
    [InlineData(Egress, "127.0.0.1", false)]
    [InlineData(Egress, Egress, false)]
    [InlineData(Egress, Lab.PodAddress, false)]
    [InlineData(Egress, "10.129.2.1", true)]
    [InlineData(Egress, Lab.FarClient, true)]
    [InlineData(Egress6, "::1", false)]
    [InlineData(Egress6, Egress6, false)]
    [InlineData(Egress6, Lab.PodAddress6, false)]
    [InlineData(Egress6, "fd00:10:129::1", true)]
    public void Elsewhere_it_is_refused(string source, string address, bool isClient)
    {
        using var lab = new Lab();
        lab.Add(Config.DualStack);
        Lab.In(lab.Pod, "ip", "route", "add", Lab.FarClient, "via", "10.129.2.1");
        using var server = new LineServer(isClient ? lab.Client : lab.Pod, address, 9000);
        long start = Stopwatch.GetTimestamp();
        using Conversation? refused = Conversation.Open(lab.Pod, address, 9000, source);
        Assert.Null(refused);
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(1));

        // From another address of the pod all is as it was.
        using Conversation? other = Conversation.Open(
            lab.Pod, address, 9000, address.Contains(':', StringComparison.Ordinal) ? Lab.PodAddress6 : Lab.PodAddress);
        Assert.NotNull(other?.Ask("hello"));
    }

    [RootFact]
    public void Outside_it_is_reached()
    {
        using var lab = new Lab();
        lab.Add(Config.DualStack);
        using var server = new LineServer(lab.Lan, "192.168.12.91", 9000);
        using var server6 = new LineServer(lab.Lan, "2001:db8:113::25", 9000);
        using Conversation? near = Conversation.Open(lab.Pod, "192.168.12.91", 9000, Egress);
        using Conversation? far = Conversation.Open(lab.Pod, "2001:db8:113::25", 9000, Egress6);
        Assert.Equal($"{Egress} 192.168.12.91 9000", near?.Ask("hello"));
        Assert.Equal($"{Egress6} 2001:db8:113::25 9000", far?.Ask("hello"));
    }

    /// <summary>A source that a program in the pod has chosen among the egress addresses is the one that is seen.</summary>
    [RootFact]
    public void A_source_that_the_pod_chose_stays()
    {
        string[] egress = ["192.168.12.95", "192.168.12.96", "192.168.12.97", "192.168.12.98", "192.168.12.99"];
        using var lab = new Lab();
        lab.Add(
            Config.Changed(json => json["ip"]!["addresses"] = new JsonArray([.. egress.Select(address => (JsonNode)(address + "/24"))])));
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        Assert.All(egress, address => Assert.Equal(address, Lab.Ask(lab.Pod, Protocol.Tcp, "192.168.12.91", 80, address)?.Source));
    }
}
