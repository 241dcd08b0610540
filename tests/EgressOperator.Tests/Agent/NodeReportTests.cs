using EgressOperator.Agent;

namespace EgressOperator.Tests.Agent;

public class NodeReportTests
{
    [Theory]
    [InlineData(null, "Ready True, Unobstructed True")]
    [InlineData("link wg0 is of WireGuard", "Ready True, Unobstructed True, Encrypted False: link wg0 is of WireGuard")]
    public void That_the_tunnel_is_not_encrypted_is_told_only_where_it_may_be_expected(string? unencrypted, string expected)
    {
        var report = new NodeReport([], [], [], [], [], Fault: null, [], Unencrypted: unencrypted);
        Assert.Equal(expected, string.Join(", ", report.ToStatus((_, _) => DateTimeOffset.UnixEpoch)["conditions"]!.AsArray()
            .Select(condition => $"{condition!["type"]} {condition["status"]}"
                + ((string)condition["status"]! == "False" ? $": {condition["message"]}" : ""))));
    }
}
