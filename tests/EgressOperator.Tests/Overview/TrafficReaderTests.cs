using EgressOperator.Overview;

namespace EgressOperator.Tests.Overview;

/// <summary>What is read of an agent's metrics.</summary>
public class TrafficReaderTests
{
    [Theory]
    [InlineData("""
        # HELP egress_agent_connections Connections.
        # TYPE egress_agent_connections gauge
        egress_agent_connections{egress_ip="192.0.2.100"} 12
        egress_agent_connections{egress_ip="FD00:0::1"} 3
        egress_agent_ports_in_use{egress_ip="192.0.2.100"} 7
        egress_agent_sent_bytes_total{egress_ip="192.0.2.100"} 1.5e+09
        egress_agent_received_bytes_total{egress_ip="192.0.2.100"} 20
        egress_agent_egress_ips 2
        """, "192.0.2.100 12 7 1500000000 20|fd00::1 3 0  ")]
    [InlineData("egress_agent_connections{egress_ip=\"x\"} 1\negress_agent_connections{egress_ip=\"192.0.2.1\"} NaN\n", "")]
    [InlineData("egress_agent_connections{egress_ip=\"192.0.2.1\"} +Inf\nother{egress_ip=\"192.0.2.1\"} 1\n", "")]
    [InlineData("<html>", "")]
    public void Samples_of_addresses_are_read(string text, string wanted) => Assert.Equal(
        wanted,
        string.Join('|', TrafficReader.Read(DateTimeOffset.UnixEpoch, "n1", text).Select(
            use => $"{use.EgressIP} {use.Connections} {use.Ports} {use.SentBytes} {use.ReceivedBytes}")));
}
