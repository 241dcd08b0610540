using EgressOperator.Tests.Controller;

namespace EgressOperator.Tests.Routers;

/// <summary>The scenarios on a real API server. The controller may do what the roles of packaging/operator allow.</summary>
public sealed class RealServerRouterTests(PackagedServer packaged) : RouterScenarios, IClassFixture<PackagedServer>
{
    protected override async Task<TestCluster> StartAsync() => await RealCluster.StartAsync(packaged.Server);
}

/// <summary>Pairs on a real API server.</summary>
public sealed class RealServerPairTests(PackagedServer packaged) : PairScenarios, IClassFixture<PackagedServer>
{
    protected override async Task<TestCluster> StartAsync() => await RealCluster.StartAsync(packaged.Server);
}
