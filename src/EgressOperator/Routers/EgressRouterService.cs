using EgressOperator.Controller;
using EgressRouter.Tools;
using Kubernetes;

namespace EgressOperator.Routers;

/// <summary>Serves EgressRouters.</summary>
internal sealed class EgressRouterService(RouterContext context, LeaderElection election) : IControllerService
{
    private const string NetworkOperator = "network";

    public Task Synced => context.Cache.Synced;

    public async Task<string?> WhatIsMissingAsync(CancellationToken cancellation)
    {
        var discovery = new Discovery(context.Api, context.Log, context.Clock);
        IReadOnlySet<string> openShift = await discovery.NamesAsync(RouterResources.ClusterOperators, cancellation);
        return openShift.Contains(RouterResources.ClusterOperators.Plural)
            && await discovery.HasAsync(RouterResources.ClusterOperators, NetworkOperator, cancellation)
            ? throw new UsageException(
                "OpenShift's network operator serves EgressRouters in this cluster (there is a ClusterOperator network): "
                + "start with --egress-router=false")
            : await NeededKinds.MissingAsync(
                kind => discovery.NamesAsync(kind, cancellation), RouterResources.EgressRouters, RouterResources.Attachments);
    }

    public Task CopyAsync(CancellationToken cancellation) => context.Cache.RunAsync(cancellation);

    public void Refuse()
    {
    }

    public Task LeadAsync(CancellationToken cancellation) => new RouterTerm(context, election).RunAsync(cancellation);
}
