using System.Globalization;
using System.Text;
using Netlink.NetFilter;
using Netlink.Wire;
using Shared;

namespace Netlink.Tests;

/// <summary>Events of conntrack that Linux 6.18 has sent: connections that are translated, first without counters and times.</summary>
public class ConnectionChangeTests
{
    [Fact]
    public void Events_are_read()
    {
        var text = new StringBuilder();
        var reader = new MessageReader(CapturedBytes.Read("connection-events"));
        while (reader.Next(out Message message))
        {
            ConnectionChange change = ConnectionChange.Read(message)!;
            ConntrackEntry connection = change.Connection;
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"{change.Event} {connection.Original} {connection.Reply} mark 0x{connection.Mark:x} sent {connection.OriginalCounted} received {connection.ReplyCounted} from {connection.Started:O} to {connection.Ended:O}");
        }

        Golden.Verify(text.ToString(), "netlink", "connection-events");
    }

    /// <summary>The address is the one behind the translation, and the mark that of the connection.</summary>
    [Theory]
    [InlineData("7f000009", 0x100000u, 4)]
    [InlineData("00000000000000000000000000000001", 0x100000u, 0)]
    [InlineData("00000000000000000000000000000001", 0x200000u, 4)]
    [InlineData("7f000001", 0x100000u, 0)]
    [InlineData("7f000009", 0u, 0)]
    public void Connections_are_selected_by_address_and_mark(string address, uint mark, int count)
    {
        byte[] wanted = Convert.FromHexString(address);
        using var monitor = new ChangeMonitor<ConnectionChange>(
            new ScriptedTransport(ScriptedTransport.Bytes(CapturedBytes.Read("connection-events"))), "monitor",
            ConnectionChange.Selected((found, source) => found == mark && source.SequenceEqual(wanted)));
        Assert.Equal(count, monitor.Wait(TimeSpan.Zero).Changes.Count);
    }

    [Fact]
    public void Losses_are_those_of_the_socket()
    {
        using var monitor = new ChangeMonitor<ConnectionChange>(
            new ScriptedTransport { Lost = 17 }, "monitor", ConnectionChange.Selected((_, _) => true));
        Assert.Equal(17u, monitor.Lost);
    }

    /// <summary>An event with any damaged byte is read, passed over, or refused as malformed.</summary>
    [Fact]
    public void Damaged_events_do_no_harm()
    {
        byte[] bytes = CapturedBytes.Read("connection-events");
        for (int place = 0; place < bytes.Length; place++)
        {
            foreach (byte value in (ReadOnlySpan<byte>)[0, 1, 4, 0x7f, 0x80, 0xff])
            {
                byte[] damaged = [.. bytes];
                damaged[place] = value;
                using var monitor = new ChangeMonitor<ConnectionChange>(
                    new ScriptedTransport(ScriptedTransport.Bytes(damaged)), "monitor", ConnectionChange.Selected((_, _) => true));
                try
                {
                    _ = monitor.Wait(TimeSpan.Zero);
                }
                catch (NetlinkException refused)
                {
                    Assert.Equal(Errno.EPROTO, refused.Number);
                }
            }
        }
    }
}
