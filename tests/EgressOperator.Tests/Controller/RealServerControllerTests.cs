namespace EgressOperator.Tests.Controller;

/// <summary>The scenarios on a real API server. The controller may do what the roles of packaging/operator allow.</summary>
public sealed class RealServerControllerTests(PackagedServer packaged) : ControllerScenarios, IClassFixture<PackagedServer>
{
    protected override async Task<TestCluster> StartAsync() => await RealCluster.StartAsync(packaged.Server);
}
