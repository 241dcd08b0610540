using EgressOperator.Controller;
using EgressRouter.Tools;
using Kubernetes;

namespace EgressOperator.Routers;

/// <summary>Serves EgressRouters.</summary>
/// <param name="images">Those that were asked for.</param>
/// <param name="space">The namespace of the controller's own pod; null if it runs in none.</param>
internal sealed class EgressRouterService(
    RouterContext context, LeaderElection election, RouterImages images, string? space) : IControllerService
{
    private const string NetworkOperator = "network";

    public RouterCache Cache => context.Cache;

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

    public async Task CopyAsync(CancellationToken cancellation)
    {
        var discovery = new Discovery(context.Api, context.Log, context.Clock);
        string? own = images.Hold is null && space is not null
            ? await discovery.ImageOfAsync(space, Environment.MachineName, cancellation) : null;
        context.Cache.Images = images with { Hold = images.Hold ?? own };
        await context.Cache.RunAsync(cancellation);
    }

    public void Refuse()
    {
    }

    public Task LeadAsync(CancellationToken cancellation) => new RouterTerm(context, election).RunAsync(cancellation);
}
