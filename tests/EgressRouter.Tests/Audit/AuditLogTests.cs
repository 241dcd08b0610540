using System.Text;
using System.Text.RegularExpressions;
using EgressRouter.Tools.Audit;
using Microsoft.Extensions.Time.Testing;
using Netlink.NetFilter;

namespace EgressRouter.Tests.Audit;

/// <summary>Rates and losses.</summary>
public partial class AuditLogTests
{
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UnixEpoch.AddDays(20_000));

    private readonly StringBuilder _written = new();

    private readonly AuditLog _log;

    private Exception? _fault;

    public AuditLogTests() => _log = new AuditLog(
        lines =>
        {
            if (_fault is not null)
            {
                throw _fault;
            }

            _written.Append(Encoding.UTF8.GetString(lines));
        },
        3, "n1", _clock);

    [Fact]
    public void Lines_beyond_the_rate_are_counted_and_told()
    {
        Write(5);
        Assert.Equal("end end end lost:rate:2", Events());
        Assert.Equal((3, 2), (_log.Lines, _log.Lost(AuditLoss.Rate)));
        Write(1);
        Assert.Equal("", Events());
        _clock.Advance(TimeSpan.FromSeconds(1));
        Write(1);
        Assert.Equal("end lost:rate:1", Events());
        Write(4);
        Assert.Equal("end end", Events());
        _log.Flush(isLast: true);
        Assert.Equal("lost:rate:2", Events());
    }

    [Fact]
    public void Losses_are_told_once_a_second_and_each_once()
    {
        for (int times = 0; times < 4; times++)
        {
            _log.Lose(AuditLoss.Kernel, 10);
            _log.Flush();
            _clock.Advance(TimeSpan.FromMilliseconds(300));
        }

        Assert.Equal("lost:kernel:10", Events());
        _log.Flush();
        Assert.Equal("lost:kernel:30", Events());
        _clock.Advance(TimeSpan.FromSeconds(5));
        _log.Flush();
        Assert.Equal("", Events());
        Assert.Equal(40, _log.Lost(AuditLoss.Kernel));
    }

    [Fact]
    public void Lines_that_could_not_be_written_are_told_when_lines_can_be_written_again()
    {
        _fault = new IOException("No space left on device");
        Write(2);
        Assert.Equal("No space left on device", _log.Failure);
        Assert.Equal((0, 2), (_log.Lines, _log.Lost(AuditLoss.Output)));
        _fault = null;
        _clock.Advance(TimeSpan.FromSeconds(1));
        Write(1);
        Assert.Null(_log.Failure);
        Assert.Equal("end lost:output:2", Events());
    }

    /// <summary>What told of losses and was itself not written does not count as told.</summary>
    [Fact]
    public void Losses_stay_untold_while_nothing_can_be_written()
    {
        _fault = new IOException("No space left on device");
        _log.Lose(AuditLoss.Kernel, 7);
        _log.Flush();
        _fault = null;
        _clock.Advance(TimeSpan.FromSeconds(1));
        _log.Flush();
        Assert.Equal("lost:kernel:7", Events());
    }

    [Fact]
    public void Lines_name_the_node_and_the_time()
    {
        _log.Tell("on");
        Assert.Equal("{\"time\":\"2024-10-04T00:00:00.000Z\",\"event\":\"on\",\"node\":\"n1\"}\n", _written.ToString());
    }

    private void Write(int count)
    {
        for (int number = 0; number < count; number++)
        {
            _log.Write(AuditRecordTests.RecordOf(ConnectionEvent.Ended, _clock.GetUtcNow()));
        }

        _log.Flush();
    }

    /// <summary>The events of the lines since the last call.</summary>
    private string Events()
    {
        string events = string.Join(' ', Event().Matches(_written.ToString()).Select(
            line => line.Groups[2].Success ? $"{line.Groups[1]}:{line.Groups[2]}:{line.Groups[3]}" : line.Groups[1].Value));
        _written.Clear();
        return events;
    }

    [GeneratedRegex("""
        "event":"([a-z]+)"(?:,"node":"n1","reason":"([a-z]+)","count":(\d+))?
        """)]
    private static partial Regex Event();
}
