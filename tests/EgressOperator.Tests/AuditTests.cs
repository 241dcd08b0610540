namespace EgressOperator.Tests;

/// <summary>Who has used a port of an egress address, from lines of an audit log.</summary>
public sealed class AuditTests : IDisposable
{
    private const string Whole =
        """{"time":"2026-11-27T12:03:04.567Z","event":"end","start":"2026-11-27T12:02:58.123Z","node":"n1","namespace":"prod","pod":"web-0","labels":{"app":"web","team":"a"},"protocol":"tcp","client":"10.244.1.5","clientPort":45231,"destination":"10.96.0.10","destinationPort":443,"server":"198.51.100.10","serverPort":8443,"egressIP":"192.0.2.100","egressPort":45231,"sentPackets":12,"sentBytes":1234,"receivedPackets":1,"receivedBytes":40}""";

    private const string WholeAnswer =
        "2026-11-27T12:02:58.123Z to 2026-11-27T12:03:04.567Z: pod prod/web-0 (app=web, team=a), 10.244.1.5:45231 to 10.96.0.10:443 which is 198.51.100.10:8443 tcp as 192.0.2.100:45231 of node n1; sent 12 packets, 1234 bytes; received 1 packet, 40 bytes\n";

    private const string Begun =
        """{"time":"2026-11-27T12:00:00.000Z","event":"start","protocol":"udp","client":"fd00:244:1::5","clientPort":7,"destination":"fd00:51::7","destinationPort":53,"server":"fd00:51::7","serverPort":53,"egressIP":"fd00:2::100","egressPort":7}""";

    private const string BegunAnew =
        """{"time":"2026-11-27T12:04:00.000Z","event":"start","protocol":"udp","client":"fd00:244:1::5","clientPort":7,"destination":"fd00:51::7","destinationPort":53,"server":"fd00:51::7","serverPort":53,"egressIP":"fd00:2::100","egressPort":7}""";

    private const string Ended =
        """{"time":"2026-11-27T12:05:00.000Z","event":"end","protocol":"udp","client":"fd00:244:1::5","clientPort":7,"destination":"fd00:51::7","destinationPort":53,"server":"fd00:51::7","serverPort":53,"egressIP":"fd00:2::100","egressPort":7}""";

    private const string EndedAnswer = "no known pod, [fd00:244:1::5]:7 to [fd00:51::7]:53 udp as [fd00:2::100]:7\n";

    private readonly string _folder = Directory.CreateTempSubdirectory("er-audit-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("2026-11-27T12:02Z", true)]
    [InlineData("2026-11-27T12:03Z", true)]
    [InlineData("2026-11-27T13:03+01:00", true)]
    [InlineData("2026-11-27T12:01Z", false)]
    [InlineData("2026-11-27T12:04Z", false)]
    [InlineData("2026-11-27T12:02:57Z", false)]
    [InlineData("2026-11-27T12:02:58Z", true)]
    [InlineData("2026-11-27T12:02:58.122Z", false)]
    [InlineData("2026-11-27T12:02:58.123Z", true)]
    [InlineData("2026-11-27T12:03:04.567Z", true)]
    [InlineData("2026-11-27T12:03:04.568Z", false)]
    public void A_connection_is_found_at_each_time_of_its_life(string at, bool isFound) => Assert.Equal(
        isFound ? (0, WholeAnswer, "") : (1, "nobody", ""), Ask($"--address 192.0.2.100 --port 45231 --at {at}", Whole));

    [Theory]
    [InlineData("--address 192.0.2.100 --port 45231 --protocol tcp", 0)]
    [InlineData("--address 192.0.2.100 --port 45231 --protocol 6", 0)]
    [InlineData("--address 192.0.2.100 --port 45231 --protocol udp", 1)]
    [InlineData("--address 192.0.2.100 --port 443", 1)]
    [InlineData("--address 192.0.2.10 --port 45231", 1)]
    [InlineData("--address 10.244.1.5 --port 45231", 1)]
    [InlineData("--address 198.51.100.10 --port 8443", 1)]
    public void Address_port_and_protocol_must_be_those_of_the_egress_address(string question, int exitCode) =>
        Assert.Equal(exitCode, Ask($"{question} --at 2026-11-27T12:03Z", Whole).ExitCode);

    /// <summary>Without times from the kernel, a start is known only by a line of its own.</summary>
    [Theory]
    [InlineData(Begun + "\n" + Ended, "12:03", "2026-11-27T12:00:00.000Z to 2026-11-27T12:05:00.000Z: " + EndedAnswer)]
    [InlineData(Begun, "12:03", "2026-11-27T12:00:00.000Z, no line of its end: " + EndedAnswer)]
    [InlineData(Begun, "11:59", "nobody")]
    [InlineData(Ended, "12:05", "until 2026-11-27T12:05:00.000Z, no line of its start: " + EndedAnswer)]
    [InlineData(Ended, "12:03", "nobody")]
    [InlineData(Begun + "\n" + Ended, "12:06", "nobody")]
    [InlineData(Begun + "\n" + BegunAnew, "12:03", "2026-11-27T12:00:00.000Z, no line of its end: " + EndedAnswer)]
    [InlineData(Begun + "\n" + BegunAnew + "\n" + Ended, "12:04:30", "2026-11-27T12:04:00.000Z to 2026-11-27T12:05:00.000Z: " + EndedAnswer)]
    public void Starts_and_ends_belong_together(string lines, string time, string answer) => Assert.Equal(
        (answer == "nobody" ? 1 : 0, answer, ""), Ask($"--address fd00:2:0::100 --port 7 --at 2026-11-27T{time}Z", lines));

    /// <summary>A runtime's own words, a line that is cut off, words of the agent, and a line that is far too long.</summary>
    [Fact]
    public void Of_nobody_it_tells_what_was_looked_at()
    {
        string lines = string.Join('\n',
            "2026-11-27T12:03:05.1Z stdout F " + Whole,
            "2026-11-27T12:03:05.1Z stderr F the egress addresses are given to other nodes",
            Whole[..100],
            """{"a":{"b":["c"]}}""",
            new string('x', 200_000),
            """{"time":"2026-11-27T12:09:00.000Z","event":"lost","reason":"kernel","count":17}""",
            """{"time":"2026-11-27T12:10:00.000Z","event":"lost","reason":"rate","count":3}""",
            Ended);
        Assert.Equal(
            new Outcome(1,
                "nobody: no connection of 192.0.2.100:9 tcp from 2026-11-27T12:03:00.000Z to 2026-11-27T12:04:00.000Z in 2 lines about connections, from 2026-11-27T12:03:04.567Z to 2026-11-27T12:10:00.000Z; 4 other lines; by their own count, 20 are missing in them\n",
                ""),
            Operator.Run("audit --address 192.0.2.100 --port 9 --protocol tcp --at 2026-11-27T12:03Z", lines));
        Assert.Equal(
            (0, WholeAnswer, ""), Ask("--address 192.0.2.100 --port 45231 --at 2026-11-27T12:03Z", lines));
        Assert.Contains(
            " in no line of an audit log; 1 other line\n",
            Operator.Run("audit --address 192.0.2.100 --port 9 --at 2026-11-27T12:03Z", "{").Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_are_read_one_after_the_other()
    {
        File.WriteAllText(Path.Combine(_folder, "audit.json.1"), Whole + "\n" + Begun + "\n");
        File.WriteAllText(Path.Combine(_folder, "audit.json"), Ended + "\n");
        Outcome outcome = Operator.Run(
            "audit --address fd00:2::100 --port 7 --at 2026-11-27T12:03Z audit.json.1 audit.json", folder: _folder);
        Assert.Equal(
            new Outcome(0, "2026-11-27T12:00:00.000Z to 2026-11-27T12:05:00.000Z: " + EndedAnswer, ""), outcome);
    }

    /// <summary>What an agent logs on stderr may quote anybody. A runtime and kubectl write at most a time, a name and a stream.</summary>
    [Theory]
    [InlineData("2026-11-27T12:03:05.1Z stdout F ", 0)]
    [InlineData("2026-11-27T12:03:05.1Z ", 0)]
    [InlineData("[pod/egress-agent-x/agent] ", 0)]
    [InlineData("2026-11-27T12:03:05.1Z stderr F ", 1)]
    [InlineData("2026-11-27T12:03:05.1Z stderr F the name is stdout F ", 1)]
    [InlineData("the name is ", 1)]
    public void Only_lines_of_the_standard_output_count(string before, int exitCode) => Assert.Equal(
        exitCode, Ask("--address 192.0.2.100 --port 45231 --at 2026-11-27T12:03Z", before + Whole).ExitCode);

    [Theory]
    [InlineData("web-0", @"\ud800")]
    [InlineData("app", @"\ud800")]
    [InlineData("web-0\"", "web-0")]
    [InlineData("{\"app\":\"web\",\"team\":\"a\"}", "[[[")]
    [InlineData("45231,\"sent", "99999999999999999999,\"sent")]
    public void A_line_that_is_damaged_is_none(string part, string damaged)
    {
        string line = Whole.Replace(part, damaged, StringComparison.Ordinal);
        Assert.NotEqual(Whole, line);
        Assert.Equal((1, "nobody", ""), Ask("--address 192.0.2.100 --port 45231 --at 2026-11-27T12:03Z", line));
    }

    /// <summary>Names in a line may be anybody's: they reach no terminal as control characters.</summary>
    [Fact]
    public void Control_characters_of_a_line_are_escaped() => Assert.Contains(
        @" pod prod/a\u001b[31m ",
        Operator.Run(
            "audit --address 192.0.2.100 --port 45231 --at 2026-11-27T12:03Z",
            Whole.Replace("web-0", @"a\u001b[31m", StringComparison.Ordinal)).Stdout,
        StringComparison.Ordinal);

    /// <returns>Of nobody, only that word.</returns>
    private static (int ExitCode, string Stdout, string Stderr) Ask(string question, string lines)
    {
        Outcome outcome = Operator.Run($"audit {question}", lines);
        bool isNobody = outcome.Stdout.StartsWith("nobody: ", StringComparison.Ordinal);
        return (outcome.ExitCode, isNobody ? "nobody" : outcome.Stdout, outcome.Stderr);
    }
}
