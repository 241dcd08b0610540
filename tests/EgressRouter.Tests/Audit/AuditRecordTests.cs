using System.Net;
using System.Text.Json;
using EgressRouter.Tools.Audit;
using Netlink.NetFilter;

namespace EgressRouter.Tests.Audit;

/// <summary>Lines of the audit log: what they have, and that they are read as they were written.</summary>
public class AuditRecordTests
{
    private const string Whole =
        """{"time":"2026-11-27T12:03:04.567Z","event":"end","start":"2026-11-27T12:02:58.123Z","node":"n1","namespace":"prod","pod":"web-0","labels":{"team":"a","app":"w\u0022"},"protocol":"tcp","client":"10.244.1.5","clientPort":45231,"destination":"10.96.0.10","destinationPort":443,"server":"198.51.100.10","serverPort":8443,"egressIP":"192.0.2.100","egressPort":40001,"sentPackets":6,"sentBytes":412,"receivedPackets":4,"receivedBytes":1060}""";

    private static readonly DateTimeOffset _now = DateTimeOffset.Parse(
        "2026-11-27T12:03:09Z", System.Globalization.CultureInfo.InvariantCulture);

    private static readonly ConntrackEntry _connection = new(
        TupleOf("10.244.1.5", "10.96.0.10", 6, 45231, 443), TupleOf("198.51.100.10", "192.0.2.100", 6, 8443, 40001), 0x100000)
    {
        Started = _now.AddMilliseconds(-10_877),
        Ended = _now.AddMilliseconds(-4433),
        OriginalCounted = new Counted(6, 412),
        ReplyCounted = new Counted(4, 1060),
    };

    private static readonly AuditPod _pod = new("prod", "web-0", [("team", "a"), ("app", "w\"")]);

    public static TheoryData<string, string> Lines() => new()
    {
        { Whole, LineOf(_connection, ConnectionEvent.Ended, "n1", _pod) },
        {
            """{"time":"2026-11-27T12:02:58.123Z","event":"start","protocol":"tcp","client":"10.244.1.5","clientPort":45231,"destination":"10.96.0.10","destinationPort":443,"server":"198.51.100.10","serverPort":8443,"egressIP":"192.0.2.100","egressPort":40001}""",
            LineOf(_connection, ConnectionEvent.New, null, null)
        },
        {
            """{"time":"2026-11-27T12:03:09.000Z","event":"end","namespace":"prod","pod":"web-0","protocol":"udp","client":"fd00:244::2","clientPort":1,"destination":"fd00:51::7","destinationPort":53,"server":"fd00:51::7","serverPort":53,"egressIP":"fd00:2::100","egressPort":1}""",
            LineOf(
                new ConntrackEntry(TupleOf("fd00:244::2", "fd00:51::7", 17, 1, 53), TupleOf("fd00:51::7", "fd00:2::100", 17, 53, 1), 0),
                ConnectionEvent.Ended, null, _pod with { Labels = [] })
        },
        {
            """{"time":"2026-11-27T12:03:09.000Z","event":"end","protocol":"icmp","client":"10.244.1.5","destination":"198.51.100.7","server":"198.51.100.7","egressIP":"192.0.2.100","sentPackets":1,"sentBytes":84,"receivedPackets":0,"receivedBytes":0}""",
            LineOf(
                new ConntrackEntry(TupleOf("10.244.1.5", "198.51.100.7", 1, 0, 0), TupleOf("198.51.100.7", "192.0.2.100", 1, 0, 0), 0)
                {
                    OriginalCounted = new Counted(1, 84),
                },
                ConnectionEvent.Ended, null, null)
        },
    };

    /// <summary>What the kernel has not kept or counted has no field.</summary>
    [Theory]
    [MemberData(nameof(Lines))]
    public void A_line_has_what_is_known(string expected, string line) => Assert.Equal(expected, line);

    [Theory]
    [MemberData(nameof(Lines))]
    public void A_line_is_read_as_it_was_written(string line, string written)
    {
        _ = written;
        using var document = JsonDocument.Parse(line);
        AuditRecord record = Assert.IsType<AuditRecord>(AuditRecord.Read(document.RootElement));
        Assert.Equal(line, LineOf(record));
    }

    [Theory]
    [InlineData("time")]
    [InlineData("protocol")]
    [InlineData("client")]
    [InlineData("destination")]
    [InlineData("server")]
    [InlineData("egressIP")]
    public void A_line_without_a_field_that_each_has_is_none(string field)
    {
        using var document = JsonDocument.Parse(Whole.Replace($"\"{field}\"", "\"x\"", StringComparison.Ordinal));
        Assert.Null(AuditRecord.Read(document.RootElement));
    }

    internal static AuditRecord RecordOf(ConnectionEvent happened, DateTimeOffset now) =>
        AuditRecord.Of(new ConnectionChange(_connection with { Ended = null }, happened), now, null, null);

    private static string LineOf(ConntrackEntry connection, ConnectionEvent happened, string? node, AuditPod? pod) =>
        LineOf(AuditRecord.Of(new ConnectionChange(connection, happened), _now, node, pod));

    private static string LineOf(AuditRecord record)
    {
        string lines = "";
        var log = new AuditLog(bytes => lines += System.Text.Encoding.UTF8.GetString(bytes), 10, null, TimeProvider.System);
        log.Write(record);
        log.Flush();
        return lines.TrimEnd('\n');
    }

    private static ConntrackTuple TupleOf(string source, string destination, byte protocol, ushort sourcePort, ushort destinationPort) =>
        new(IPAddress.Parse(source), IPAddress.Parse(destination), protocol, sourcePort, destinationPort);
}
