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
        ServeAll(lab);
        lab.Add(ConfigIn(Converted(original, options)));
        Assert.Equal(new Arrival("192.168.12.99", "192.168.12.91", 80), lab.Connect(Protocol.Tcp, 80));
        Assert.Equal(new Arrival("192.168.12.99", "203.0.113.26", 80), lab.Connect(Protocol.Tcp, 8080));
        Assert.Equal(new Arrival("192.168.12.99", "192.168.12.92", 53), lab.Connect(Protocol.Udp, 53));
        Assert.Equal(new Arrival("192.168.12.99", "203.0.113.25", 2222), lab.Connect(Protocol.Tcp, 2222));
        if (options.Length == 0)
        {
            Assert.Equal(new Arrival("2001:db8:12::99", "2001:db8:12::91", 80), lab.Connect(Protocol.Tcp, 80, Lab.PodAddress6));
        }
    }

    /// <summary>Every form of the grammar, each as the script of the image would have read it.</summary>
    [RootTheory]
    [InlineData("203.0.113.25", "tcp 2222 203.0.113.25 2222, udp 53 203.0.113.25 53")]
    [InlineData("80 tcp 192.168.12.91", "tcp 80 192.168.12.91 80, tcp 81 nowhere")]
    [InlineData("53 udp 192.168.12.92", "udp 53 192.168.12.92 53, tcp 53 nowhere")]
    [InlineData("8080 tcp 203.0.113.26 80", "tcp 8080 203.0.113.26 80, tcp 80 nowhere")]
    [InlineData("5353 udp 192.168.12.92 53", "udp 5353 192.168.12.92 53")]
    [InlineData("  80    tcp   192.168.12.91\t", "tcp 80 192.168.12.91 80")]
    [InlineData("080 tcp 192.168.12.91 0080", "tcp 80 192.168.12.91 80")]
    [InlineData("# a comment \\\nthat goes on\n\n \t\n80 tcp \\\n192.168.12.91", "tcp 80 192.168.12.91 80")]
    [InlineData("8\\0 \\tcp 192.168.12.91", "tcp 80 192.168.12.91 80")]
    [InlineData("80 tcp 192.168.12.91\n53 udp 192.168.12.92\n8080 tcp 203.0.113.26 80\n203.0.113.25",
        "tcp 80 192.168.12.91 80, udp 53 192.168.12.92 53, tcp 8080 203.0.113.26 80, tcp 2222 203.0.113.25 2222")]
    public void Each_form_of_the_legacy_grammar_forwards_the_same_traffic(string destination, string expected)
    {
        using var lab = new Lab();
        ServeAll(lab);
        string pod = $$"""
            apiVersion: v1
            kind: Pod
            metadata: { name: legacy, annotations: { pod.network.openshift.io/assign-macvlan: lan0 } }
            spec:
              initContainers:
                - name: router
                  env:
                    - { name: EGRESS_SOURCE, value: 192.168.12.99 }
                    - { name: EGRESS_GATEWAY, value: 192.168.12.1 }
                    - { name: EGRESS_ROUTER_MODE, value: init }
                    - { name: EGRESS_DESTINATION, value: {{System.Text.Json.JsonSerializer.Serialize(destination)}} }
              containers: [{ name: wait, image: pause }]
            """;
        string environment =
            $"EGRESS_SOURCE=192.168.12.99/24\nEGRESS_GATEWAY=192.168.12.1\nEGRESS_ROUTER_DEBUG=1\nEGRESS_DESTINATION='{destination}'\n";
        foreach ((string original, string[] options) in ((string, string[])[])[(pod, []), (environment, ["--from-env"])])
        {
            string config = ConfigIn(Converted(original, options));
            lab.Add(config);
            foreach (string[] words in expected.Split(", ").Select(line => line.Split(' ')))
            {
                Protocol protocol = words[0] == "tcp" ? Protocol.Tcp : Protocol.Udp;
                int port = int.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture);
                if (words[2] == "nowhere")
                {
                    lab.AssertNoAnswer(protocol, port);
                }
                else
                {
                    Assert.Equal(
                        new Arrival("192.168.12.99", words[2], int.Parse(words[3], System.Globalization.CultureInfo.InvariantCulture)),
                        lab.Connect(protocol, port));
                }
            }

            lab.Delete(config);
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
        CommandResult result = Command.Run(
            Lab.Ctl, ["convert", "--from-env", "--name", "db", "--namespace", "3scale", "--image", "pause"], "",
            new Dictionary<string, string>
            {
                ["EGRESS_SOURCE"] = "192.168.12.99/24",
                ["EGRESS_GATEWAY"] = "192.168.12.1",
                ["EGRESS_DESTINATION"] = "80 tcp 192.168.12.91\n8080 tcp 192.168.12.92 80",
            });
        Assert.True(result is { ExitCode: 0, Stderr: "" }, result.ToString());
        Assert.Equal("""["80 tcp 192.168.12.91","8080 tcp 192.168.12.92 80"]""", JsonNode.Parse(ConfigIn(result.Stdout))!["ip"]!["destinations"]!.ToJsonString());
        Assert.Contains("  name: db\n  namespace: \"3scale\"\n", result.Stdout, StringComparison.Ordinal);
        Assert.Contains("- { name: tcp-8080, protocol: TCP, port: 8080 }", result.Stdout, StringComparison.Ordinal);
        Assert.Contains("image: pause\n", result.Stdout, StringComparison.Ordinal);
    }

    private static void ServeAll(Lab lab)
    {
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        lab.Serve(Protocol.Tcp, "203.0.113.26", 80);
        lab.Serve(Protocol.Udp, "192.168.12.92", 53);
        lab.Serve(Protocol.Udp, "203.0.113.25", 53);
        lab.Serve(Protocol.Tcp, "203.0.113.25", 2222);
        lab.Serve(Protocol.Tcp, "2001:db8:12::91", 80);
    }

    /// <summary>The manifest, which <c>validate</c> accepts.</summary>
    private static string Converted(string original, params string[] options)
    {
        CommandResult manifest = Tool.Run(original, ["convert", .. options, "-"]);
        Assert.True(manifest is { ExitCode: 0, Stderr: "" }, manifest.ToString());
        CommandResult valid = Tool.Run(manifest.Stdout, "validate", "-");
        Assert.True(valid is { ExitCode: 0, Stdout: "the configuration is valid\n" }, valid.ToString());
        return manifest.Stdout;
    }

    /// <summary>The network configuration in the manifest: it stands in a block of its own.</summary>
    private static string ConfigIn(string manifest)
    {
        int start = manifest.IndexOf("config: |-\n", StringComparison.Ordinal) + "config: |-\n".Length;
        return manifest[start..manifest.IndexOf("\n---", start, StringComparison.Ordinal)];
    }
}
