using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Shared;
using SystemTests.Packaging;
using YamlDotNet.RepresentationModel;

namespace SystemTests;

/// <summary>The attachment that the documentation describes, word for word.</summary>
public class DocumentedAttachmentTests
{
    private static readonly int[] _ports = [80, 5432, 65535];

    /// <summary>README's configuration makes what README shows, and is the one that the tests use.</summary>
    [RootFact]
    public void Main_table_is_as_documented()
    {
        Block[] blocks = [.. Documents.Blocks(Repository.PathOf("README.md"))];
        YamlNode definition = Manifest.Parse(blocks.Single(block => block.Language == "yaml").Text)[0];
        string config = Manifest.Text(definition["spec"]["config"]);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(Config.Redirect), JsonNode.Parse(config)), config);

        using var lab = new Lab();
        lab.Add(config);
        string[] shown = blocks.Single(block => block.Language == "console").Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string[] routes = [.. Lab.In(lab.Pod, "ip", "route").Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Trim())];
        Assert.Equal(shown, routes.Prepend("# ip route"));
    }

    [RootFact]
    public void Connections_arrive_on_the_same_port_from_the_reserved_address()
    {
        using var lab = new Lab();
        lab.Add(Config.Redirect);
        AssertRedirected(lab, Lab.PodAddress, "192.168.12.91", "192.168.12.99");
    }

    [RootFact]
    public void IPv6_connections_arrive_on_the_same_port_from_the_reserved_address()
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.Redirect6);
        AssertRedirected(lab, Lab.PodAddress6, "2001:db8:12::91", "2001:db8:12::99");

        string[] routes = Lab.In(lab.Pod, "ip", "-6", "route").Split('\n');
        Assert.Contains(routes, line => line.StartsWith("default via 2001:db8:12::1 dev net1 ", StringComparison.Ordinal));
        Assert.Contains(routes, line => line.StartsWith("2001:db8:12::/64 dev net1 ", StringComparison.Ordinal));
        Assert.Contains(routes, line => line.StartsWith("fd00:10:129::/64 dev eth0 ", StringComparison.Ordinal));
        Assert.DoesNotContain(routes, line => Regex.IsMatch(line, "^default .*dev eth0"));

        lab.Check(Config.Redirect6, result).AssertSilentSuccess();
    }

    [RootFact]
    public void Needs_no_program_of_the_node()
    {
        using var lab = new Lab();
        lab.Add(Config.Redirect, with: ("PATH", ""));
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        Assert.Equal(new Arrival("192.168.12.99", "192.168.12.91", 80), lab.Connect(Protocol.Tcp, 80));
    }

    [RootFact]
    public void Result_tells_the_runtime_what_was_made()
    {
        using var lab = new Lab();
        JsonObject result = lab.Add(Config.Redirect);
        JsonNode link = JsonNode.Parse(Lab.In(lab.Pod, "ip", "-j", "link", "show", "net1"))![0]!;

        Assert.Equal("0.4.0", (string?)result["cniVersion"]);
        JsonArray interfaces = result["interfaces"]!.AsArray();
        int index = interfaces.ToList().FindIndex(one => (string?)one!["name"] == "net1");
        Assert.True(index >= 0, result.ToJsonString());
        Assert.Equal(Lab.PathOf(lab.Pod), (string?)interfaces[index]!["sandbox"]);
        Assert.Equal((string?)link["address"], (string?)interfaces[index]!["mac"]);

        JsonNode ip = Assert.Single(result["ips"]!.AsArray())!;
        Assert.Equal("4", (string?)ip["version"]);
        Assert.Equal("192.168.12.99/24", (string?)ip["address"]);
        Assert.Equal("192.168.12.1", (string?)ip["gateway"]);
        Assert.Equal(index, (int)ip["interface"]!);
        Assert.Contains(result["routes"]!.AsArray(), route =>
            (string?)route!["dst"] == "0.0.0.0/0" && (string?)route["gw"] == "192.168.12.1");
    }

    [RootTheory]
    [InlineData("0.3.0")]
    [InlineData("0.3.1")]
    [InlineData("0.4.0")]
    [InlineData("1.0.0")]
    [InlineData("1.1.0")]
    public void Result_has_the_version_of_the_configuration(string version)
    {
        using var lab = new Lab();
        string config = Config.Changed(json => json["cniVersion"] = version);
        JsonObject result = lab.Add(config);
        Assert.Equal(version, (string?)result["cniVersion"]);
        Assert.Equal("192.168.12.99/24", (string?)result["ips"]![0]!["address"]);

        // Only before 1.0.0 each address has its version beside it.
        Assert.Equal(version.StartsWith('0') ? "4" : null, (string?)result["ips"]![0]!["version"]);
        lab.Delete(config);
    }

    private static void AssertRedirected(Lab lab, string pod, string destination, string source)
    {
        foreach (Protocol protocol in (Protocol[])[Protocol.Tcp, Protocol.Udp])
        {
            foreach (int port in _ports)
            {
                lab.Serve(protocol, destination, port);
                Assert.Equal(new Arrival(source, destination, port), lab.Connect(protocol, port, pod));
            }
        }
    }
}
