using Kubernetes;

namespace EgressOperator.Controller;

/// <summary>Serves EgressIPs.</summary>
internal sealed class EgressIPService(ControllerContext context, LeaderElection election) : IControllerService
{
    private string? _subresource;

    public ClusterCache Cache => context.Cache;

    public Task Synced => context.Cache.Synced;

    public Task<string?> WhatIsMissingAsync(CancellationToken cancellation)
    {
        var discovery = new Discovery(context.Api, context.Log, context.Clock);
        return NeededKinds.MissingAsync(
            async kind =>
            {
                IReadOnlySet<string> names = await discovery.NamesAsync(kind, cancellation);
                _subresource = EgressIPStatus.SubresourceIn(names) ?? _subresource;
                return names;
            },
            ClusterCache.EgressIPResource, ClusterCache.EgressNodeResource);
    }

    public Task CopyAsync(CancellationToken cancellation) => context.Cache.RunAsync(cancellation);

    public void Refuse() => OvnKubernetes.Refuse(context.Cache);

    public Task LeadAsync(CancellationToken cancellation) => new Term(context, election, _subresource).RunAsync(cancellation);
}
