using System.Text;
using EgressRouter.State.Nftables;
using EgressRouter.Tools;
using Shared;

namespace EgressRouter.Tests.Tools;

/// <summary>ADD's explained state and plan, without a node.</summary>
public class ExplanationTests
{
    [Theory]
    [InlineData("multiple-destinations")]
    [InlineData("dual-stack")]
    [InlineData("inferred")]
    public void The_plan_the_inferences_and_the_nftables_text(string example)
    {
        RouterDefinition wanted = Assert.Single(
            RouterDefinition.ReadAll(Repository.PathOf("cni-conf-examples", example + ".json"), Stream.Null, null, null));
        var explanation = Explanation.Of(wanted, "net1", node: null);
        Golden.Verify(
            string.Join(
                '\n',
                [.. explanation.Redirections.Select(line => $"{line.Ports}: {line.Target} {line.TargetPort} by {line.By}"), "",
                    .. explanation.Inferences, "", .. explanation.Plan, "", NftText.Of(explanation.Desired.Table!)]),
            "tools", "explain", example);
    }

    [Fact]
    public void Faults_are_an_error_with_their_places()
    {
        const string config = """
            {
              "type": "egress-router", "name": "x",
              "ip": { "addresses": ["192.168.12.99"], "destinations": ["x"] }
            }
            """;
        UsageException fault = Assert.Throws<UsageException>(() => RouterDefinition.ReadAll("-",
            new MemoryStream(Encoding.UTF8.GetBytes(config)),
            null, null));
        Assert.StartsWith("standard input:3:60: error: ip.destinations[0] \"x\"", fault.Message, StringComparison.Ordinal);
    }
}
