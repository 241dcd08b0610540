using EgressOperator.Tests.Controller;

namespace EgressOperator.Tests.Routers;

/// <summary>The scenarios on the tests' own API server, a new one for each.</summary>
public sealed class OwnServerRouterTests : RouterScenarios
{
    protected override async Task<TestCluster> StartAsync() => await OwnCluster.StartAsync();
}

/// <summary>Pairs on the tests' own API server.</summary>
public sealed class OwnServerPairTests : PairScenarios
{
    protected override async Task<TestCluster> StartAsync() => await OwnCluster.StartAsync();
}
