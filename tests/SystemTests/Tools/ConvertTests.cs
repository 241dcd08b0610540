using System.Text.Json.Nodes;

namespace SystemTests.Tools;

/// <summary>What is converted is accepted, and does what the original did.</summary>
public class ConvertTests
{
    private const string Environment = """
        EGRESS_SOURCE=192.168.12.99
        EGRESS_GATEWAY=192.168.12.1
        EGRESS_ROUTER_MODE=init
        EGRESS_DESTINATION="# web
        80   tcp 192.168.12.91

        8080 tcp 203.0.113.26 80
        53 udp 192.168.12.92
        203.0.113.25"
        """;

    private const string Object = """
        apiVersion: network.operator.openshift.io/v1
        kind: EgressRouter
        metadata: { name: db, namespace: apps }
        spec:
          mode: Redirect
          networkInterface: { macvlan: { mode: Bridge, master: lan0 } }
          addresses:
            - { ip: 192.168.12.99/24, gateway: 192.168.12.1 }
            - { ip: "2001:db8:12::99/64", gateway: "2001:db8:12::1" }
          redirect:
            redirectRules:
              - { destinationIP: 192.168.12.91, port: 80, protocol: TCP }
              - { destinationIP: 203.0.113.26, port: 8080, protocol: TCP, targetPort: 80 }
              - { destinationIP: 192.168.12.92, port: 53, protocol: UDP }
              - { destinationIP: "2001:db8:12::91", port: 80, protocol: TCP }
            fallbackIP: 203.0.113.25
        """;

    [RootTheory]
    [InlineData(Environment, "--from-env")]
    [InlineData(Object)]
    public void The_same_traffic_is_forwarded(string original, params string[] options)
    {
        using var lab = new Lab();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        lab.Serve(Protocol.Tcp, "203.0.113.26", 80);
        lab.Serve(Protocol.Udp, "192.168.12.92", 53);
        lab.Serve(Protocol.Tcp, "203.0.113.25", 2222);
        lab.Serve(Protocol.Tcp, "2001:db8:12::91", 80);
        CommandResult manifest = Tool.Run(original, ["convert", .. options, "-"]);
        Assert.True(manifest is { ExitCode: 0, Stderr: "" }, manifest.ToString());
        CommandResult valid = Tool.Run(manifest.Stdout, "validate", "-");
        Assert.True(valid is { ExitCode: 0, Stdout: "the configuration is valid\n" }, valid.ToString());

        lab.Add(ConfigIn(manifest.Stdout));
        Assert.Equal(new Arrival("192.168.12.99", "192.168.12.91", 80), lab.Connect(Protocol.Tcp, 80));
        Assert.Equal(new Arrival("192.168.12.99", "203.0.113.26", 80), lab.Connect(Protocol.Tcp, 8080));
        Assert.Equal(new Arrival("192.168.12.99", "192.168.12.92", 53), lab.Connect(Protocol.Udp, 53));
        Assert.Equal(new Arrival("192.168.12.99", "203.0.113.25", 2222), lab.Connect(Protocol.Tcp, 2222));
        if (options.Length == 0)
        {
            Assert.Equal(new Arrival("2001:db8:12::99", "2001:db8:12::91", 80), lab.Connect(Protocol.Tcp, 80, Lab.PodAddress6));
        }
    }

    [Fact]
    public void What_cannot_be_carried_over_is_named_by_its_line_and_nothing_is_written()
    {
        CommandResult result = Tool.Run(Environment.Replace("53 udp", "53 sctp", StringComparison.Ordinal), "convert", "--from-env", "-");
        Assert.True(result is { ExitCode: 1, Stdout: "" }, result.ToString());
        Assert.Equal("standard input:8: EGRESS_DESTINATION value '53 sctp 192.168.12.92' is invalid\n", result.Stderr);
        Assert.Equal(2, Tool.Run("kind: Pod", "convert", "-").ExitCode);
    }

    [Fact]
    public void Without_a_file_the_environment_is_that_of_the_program()
    {
        CommandResult result = Command.Run(Lab.Plugin, ["convert", "--from-env", "--name", "db", "--namespace", "apps", "--image", "pause"], "", new Dictionary<string, string>
        {
            ["EGRESS_SOURCE"] = "192.168.12.99/24",
            ["EGRESS_GATEWAY"] = "192.168.12.1",
            ["EGRESS_DESTINATION"] = "80 tcp 192.168.12.91\n8080 tcp 192.168.12.92 80",
        });
        Assert.True(result is { ExitCode: 0, Stderr: "" }, result.ToString());
        Assert.Equal("""["80 tcp 192.168.12.91","8080 tcp 192.168.12.92 80"]""", JsonNode.Parse(ConfigIn(result.Stdout))!["ip"]!["destinations"]!.ToJsonString());
        Assert.Contains("  name: db\n  namespace: apps\n", result.Stdout, StringComparison.Ordinal);
        Assert.Contains("- { name: tcp-8080, protocol: TCP, port: 8080 }", result.Stdout, StringComparison.Ordinal);
        Assert.Contains("image: pause\n", result.Stdout, StringComparison.Ordinal);
    }

    /// <summary>The network configuration in the manifest: it stands in a block of its own.</summary>
    private static string ConfigIn(string manifest)
    {
        int start = manifest.IndexOf("config: |-\n", StringComparison.Ordinal) + "config: |-\n".Length;
        return manifest[start..manifest.IndexOf("\n---", start, StringComparison.Ordinal)];
    }
}
