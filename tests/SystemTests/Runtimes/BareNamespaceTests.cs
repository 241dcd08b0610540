using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>As someone tries the plugin by hand, or with cnitool: a namespace that has nothing but <c>lo</c>.</summary>
public class BareNamespaceTests
{
    [RootFact]
    public void Works_in_a_bare_namespace_as_its_only_interface()
    {
        using var lab = new Lab(bare: true);
        Snapshot pod = lab.PodSnapshot();
        JsonObject result = lab.Add(Config.Redirect, "eth0");
        lab.Check(Config.Redirect, result, "eth0").AssertSilentSuccess();

        // A program in the namespace leaves by the reserved address.
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        Assert.Equal(
            new Arrival("192.168.12.99", "192.168.12.91", 80),
            EchoServer.Ask(Lab.PathOf(lab.Pod), Protocol.Tcp, "192.168.12.91", 80, null, TimeSpan.FromSeconds(3)));

        lab.Delete(Config.Redirect, "eth0");
        lab.PodSnapshot().AssertSameAs(pod);
    }
}
