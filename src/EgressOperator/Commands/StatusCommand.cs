using System.Net;
using System.Text.Json;
using CommandLine;
using EgressOperator.Controller;
using EgressOperator.Objects;
using EgressOperator.Overview;
using EgressOperator.Routers;
using EgressRouter.Tools;
using Kubernetes;

namespace EgressOperator.Commands;

[Verb("status",
    HelpText = "Show which node of the cluster holds which address, what has no node, and the nodes. With the NAME of an EgressIP, tell "
        + "why its addresses are where they are, and which pods use them. Changes nothing.")]
[Examples("egress-operator status", "egress-operator status egressips-prod", "egress-operator status -o json")]
internal sealed class StatusCommand : ClusterCommand
{
    [Value(0, MetaName = "[NAME]")]
    public string? Name { get; set; }

    [Option('o', "output", MetaValue = "table|json", Default = OutputFormat.Table, HelpText = "For people or for programs.")]
    public OutputFormat Output { get; set; }

    protected override int Run(CommandContext context)
    {
        using var api = new KubernetesApi(Configuration(), BuildInfo.Name);
        ClusterStatus status = StatusAsync(api).GetAwaiter().GetResult();
        if (Name is not null && status.EgressIPs.IsEmpty)
        {
            throw new UsageException($"the cluster has no EgressIP {Name}");
        }

        if (Output == OutputFormat.Json)
        {
            context.Screen.Json(json => StatusJson.Write(json, status));
        }
        else if (Name is null)
        {
            StatusTable.Write(context.Screen, status);
        }
        else
        {
            StatusTable.Explain(context.Screen, status, status.EgressIPs[0]);
        }

        return status.EgressIPs.All(one => one.Unassigned.IsEmpty && one.Pending.IsEmpty) ? ExitCode.Ok : ExitCode.ProblemsFound;
    }

    private async Task<ClusterStatus> StatusAsync(KubernetesApi api)
    {
        bool hasEgressIPs = await HasAsync(ClusterCache.EgressIPResource);
        (bool hasRouters, bool hasAttachments) = Name is not null ? default
            : (await HasAsync(RouterResources.EgressRouters), await HasAsync(RouterResources.Attachments));
        ClusterStatus status = !hasEgressIPs && (hasRouters || hasAttachments) ? new ClusterStatus([], [])
            : await ReadAsync(api, cache => ClusterStatus.Of(cache, Name));
        if (Name is not null)
        {
            return status;
        }

        DateTimeOffset oldest = TimeProvider.System.GetUtcNow() - ToldEvent.Longest;
        return status with
        {
            Routers = ClusterStatus.Sorted(hasRouters
                ? await ListAsync(
                    RouterResources.EgressRouters, Selection.All, source => WatchedRouter.Read(source, before: null, new RouterImages()))
                : []),
            Attachments = hasAttachments ? RouterAttachment.Of(
                await ListAsync(
                    Resource.Pods, ClusterCache.RunningPods, source => AttachedPod.Read(KubernetesObject.Of(Resource.Pods, source))),
                await ListAsync(
                    RouterResources.Attachments, Selection.All,
                    source => RouterAttachment.ReadNetwork(KubernetesObject.Of(RouterResources.Attachments, source)))) : [],
            Events = [.. (await ListAsync(Resource.Events, ToldEvent.Selection, ToldEvent.Read))
                .Where(told => told.Time > oldest).OrderByDescending(told => (told.Time, told.Key))],
        };

        async Task<bool> HasAsync(Resource kind) =>
            (await api.ResourceNamesAsync(kind, CancellationToken.None)).Contains(kind.Plural);

        // Who may not read one kind sees the others.
        async Task<IReadOnlyList<T>> ListAsync<T>(Resource resource, Selection selection, Func<JsonElement, T?> read)
            where T : class
        {
            try
            {
                return [.. (await api.ListAsync(resource, selection, CancellationToken.None)).Items.Select(Read).OfType<T>()];
            }
            catch (ApiException failure) when (failure.Code == HttpStatusCode.Forbidden)
            {
                StandardError.Write($"{resource.Plural} are left out: {failure.Message}");
                return [];
            }

            T? Read(JsonElement source) => ObjectReader.Try(
                () => read(source), otherwise: null, fault => StandardError.Write($"{resource.Kind} is left out: {fault.Message}"));
        }
    }
}
