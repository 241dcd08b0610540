namespace EgressOperator.Tests.Controller;

/// <summary>The scenarios on the tests' own API server, a new one for each.</summary>
public sealed class OwnServerControllerTests : ControllerScenarios
{
    protected override async Task<TestCluster> StartAsync() => await OwnCluster.StartAsync();
}
