namespace EgressOperator.Tests;

/// <summary>Options, help, and exit codes.</summary>
public class CommandLineTests
{
    private const string Cluster = "packaging/operator/examples/bare-metal.yaml";

    private const string Hold = "hold --service er --selector app=er --key-file /dev/null";

    [Theory]
    [InlineData("", "a command is missing: see egress-operator --help")]
    [InlineData("assign", "unknown command assign; the commands are: controller, agent, hold, status, trace, audit, simulate, completion, manual")]
    [InlineData("controller --status-from 10.0.0.1", "--status-from 10.0.0.1: it is not a network such as 10.96.0.0/12")]
    [InlineData("controller --agent-port 0", "--agent-port 0: it must be from 1 to 65535")]
    [InlineData("simulate", "-f FILE is missing")]
    [InlineData("simulate -f", "-f needs a value")]
    [InlineData("simulate --filename --rebalance", "--filename needs a value")]
    [InlineData("simulate -f missing.yaml", "missing.yaml: Could not find file '")]
    [InlineData("simulate -f docs", "docs: Access to the path '")]
    [InlineData($"simulate -f {Cluster} -o xml", "--output: the value must be table|json")]
    [InlineData($"simulate -f {Cluster} -o json --output json", "--output is given more than once")]
    [InlineData($"simulate -f {Cluster} --output=json --output=table", "--output is given more than once")]
    [InlineData($"simulate -f {Cluster} --rebalance --rebalance", "--rebalance is given more than once")]
    [InlineData($"simulate -f {Cluster} --unreachable", "--unreachable needs a value")]
    [InlineData($"simulate -f {Cluster} --unreachable node1 --unreachable node9",
        "--unreachable node9: the input holds no Node of that name")]
    [InlineData($"simulate -f {Cluster} --rebalance now", "unexpected argument now")]
    [InlineData($"simulate -f {Cluster} --force", "unknown option --force")]
    [InlineData($"simulate -f {Cluster} -f {Cluster}",
        $"{Cluster}:4:1: EgressIP egressips-prod: is given twice, first at {Cluster}:4:1")]
    [InlineData("completion now", "unexpected argument now")]
    [InlineData("controller --port 65536 --kubeconfig /dev/null", "--port 65536: it must be from 0 to 65535")]
    [InlineData("controller --port x", "--port: the value must be PORT")]
    [InlineData("controller --log-level loud", "--log-level loud: it must be error, warning, info or debug")]
    [InlineData("controller --egress-ip=maybe", "--egress-ip: the value must be true|false")]
    [InlineData("controller --egress-ip=false --egress-router=false", "--egress-ip=false and --egress-router=false: nothing is left to do")]
    [InlineData("controller --kubeconfig", "--kubeconfig needs a value")]
    [InlineData("controller --kubeconfig /no/such/file", "/no/such/file: it is no usable kubeconfig: ")]
    [InlineData("controller now", "unexpected argument now")]
    [InlineData("hold --service er --selector app=er --key-file /dev/null", "Required option 'address' is missing.")]
    [InlineData($"{Hold} --address 192.0.2.1", "--address 192.0.2.1: it must be an address with its prefix length, such as ")]
    [InlineData($"{Hold} --address 192.0.2.1/33", "--address 192.0.2.1/33: it must be an address with its prefix length, such as ")]
    [InlineData($"{Hold} --address 192.0.2.1/24,fd00::/129",
        "--address fd00::/129: it must be an address with its prefix length, such as ")]
    [InlineData($"{Hold} --address 192.0.2.1/24 --gateway x", "--gateway x: it must be an address such as ")]
    [InlineData($"{Hold} --address 192.0.2.1/24 --lease-seconds 11", "--lease-seconds 11: it must be from 1 to 10")]
    [InlineData($"{Hold} --address 192.0.2.1/24 --peer-port 0", "--peer-port 0: it must be from 1 to 65535")]
    [InlineData($"{Hold} --address 192.0.2.1/24", "/dev/null: a key has 16 to 4096 bytes")]
    [InlineData("status a b", "unexpected argument b")]
    [InlineData("status -o xml", "--output: the value must be table|json")]
    [InlineData("trace --node n1 a/b", "POD or DEST is missing: ")]
    [InlineData("trace a/b 192.0.2.1", "Required option 'node' is missing.")]
    [InlineData("trace --node n1 a/b 192.0.2.1 c", "unexpected argument c")]
    [InlineData("trace --node n1 a/b 192.0.2.01", "DEST 192.0.2.01: it must be an address, or one with a port such as ")]
    [InlineData("trace --node n1 a/b 192.0.2.1:65536", "DEST 192.0.2.1:65536: it must be an address, ")]
    [InlineData("trace --node n1 a/b [192.0.2.1]:80", "DEST [192.0.2.1]:80: it must be an address, ")]
    [InlineData("trace --node n1 a/b 192.0.2.1 --netns /no/such", "open network namespace /no/such: ")]
    [InlineData("agent --node n1 --audit=some", "--audit: the value must be off|end|both")]
    [InlineData("agent --node n1 --audit end --audit-rate 0", "--audit-rate 0: it must be from 1 to 1000000")]
    [InlineData("agent --node n1 --audit-file-size 0", "--audit-file-size 0: it must be from 1 to 1048576")]
    [InlineData("agent --node n1 --audit-file /x", "--audit-file: --audit is off; it must be end or both")]
    [InlineData("agent --node n1 --audit-labels app", "--audit-labels: --audit is off; it must be end or both")]
    [InlineData("audit --port 1 --at 2026-11-27T12:03Z", "Required option 'address' is missing.")]
    [InlineData("audit --address 192.0.2.1 --port 0 --at 2026-11-27T12:03Z", "--port 0: it must be from 1 to 65535")]
    [InlineData("audit --address 192.0.2.01 --port 1 --at 2026-11-27T12:03Z", "--address 192.0.2.01: it must be an IP address")]
    [InlineData("audit --address 192.0.2.1 --port 1 --at 2026-11-27T12:03", "--at 2026-11-27T12:03: it must be a time with its zone, ")]
    [InlineData("audit --address 192.0.2.1 --port 1 --at 2026-11-27", "--at 2026-11-27: it must be a time with its zone, ")]
    [InlineData("audit --address 192.0.2.1 --port 1 --at 9999-12-31T23:59Z", "--at 9999-12-31T23:59Z: it must be a time with its zone, ")]
    [InlineData("audit --address 192.0.2.1 --port 1 --at 12:03Z", "--at 12:03Z: it must be a time with its zone, ")]
    [InlineData("audit --address 192.0.2.1 --port 1 --at 2026-11-27T12:03Z --protocol ip", "--protocol ip: it must be tcp, udp, ")]
    [InlineData("audit --address 192.0.2.1 --port 1 --at 2026-11-27T12:03Z no-such-file", "no-such-file: Could not find file '")]
    public void What_is_wrong_is_one_line_and_exit_code_2(string arguments, string message)
    {
        Outcome outcome = Operator.Run(arguments);
        Assert.Equal((2, ""), (outcome.ExitCode, outcome.Stdout));
        Assert.StartsWith($"egress-operator: {message}", outcome.Stderr, StringComparison.Ordinal);
        Assert.Equal(outcome.Stderr.Length - 1, outcome.Stderr.IndexOf('\n', StringComparison.Ordinal));
    }

    [Theory]
    [InlineData($"simulate -f {Cluster}", 0)]
    [InlineData($"simulate --filename={Cluster} --output=JSON", 0)]
    [InlineData($"simulate -f {Cluster} --unreachable node1", 1)]
    [InlineData($"simulate -f {Cluster} --unreachable node1 --unreachable node3 -o json", 1)]
    [InlineData("simulate -f -", 0)]
    public void The_exit_code_tells_whether_every_address_has_a_node(string arguments, int exitCode)
    {
        Outcome outcome = Operator.Run(arguments);
        Assert.Equal((exitCode, ""), (outcome.ExitCode, outcome.Stderr));
        Assert.NotEqual("", outcome.Stdout);
    }

    [Theory]
    [InlineData("--help", "  simulate ", "Usage: egress-operator COMMAND", "  2  failed: bad usage")]
    [InlineData("simulate --help", "-f FILE, --filename=FILE", "--unreachable=NODE", "  1  an address has no node")]
    [InlineData("controller --help", "--kubeconfig=FILE", "--namespace=NAME", "--port=PORT", "--log-level=")]
    [InlineData("status --help", "Usage: egress-operator status [OPTION]... [NAME]", "--kubeconfig=FILE")]
    [InlineData("trace --help", "Usage: egress-operator trace [OPTION]... POD DEST", "--node=NAME", "--netns=PATH")]
    [InlineData("audit --help", "Usage: egress-operator audit [OPTION]... [FILE]...", "--address=IP", "--at=TIME")]
    [InlineData("--version", "egress-operator ")]
    [InlineData("completion", "_egress_operator() {", "simulate) options=\"--filename --unreachable --rebalance --output\"",
        "complete -o filenames -F _egress_operator egress-operator")]
    [InlineData("manual", ".SS simulate", ".B \\-f, \\-\\-filename \\fIFILE\\fR", ".B \\-\\-rebalance\n")]
    public void Help_comes_from_the_same_definitions(string arguments, params string[] parts)
    {
        Outcome outcome = Operator.Run(arguments);
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Stderr));
        Assert.All(parts, part => Assert.Contains(part, outcome.Stdout, StringComparison.Ordinal));
    }
}
