using CommandLine;
using EgressOperator.Controller;
using EgressRouter.Logging;
using EgressRouter.Tools;
using Kubernetes;
using Serilog.Events;

namespace EgressOperator.Commands;

[Verb("status",
    HelpText = "Show which node of the cluster holds which address, what has no node, and the nodes. With the NAME of an EgressIP, tell "
        + "why its addresses are where they are, and which pods use them. Changes nothing.")]
[Examples("egress-operator status", "egress-operator status egressips-prod", "egress-operator status -o json")]
internal sealed class StatusCommand : ClusterCommand
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    [Value(0, MetaName = "[NAME]")]
    public string? Name { get; set; }

    [Option('o', "output", MetaValue = "table|json", Default = OutputFormat.Table, HelpText = "For people or for programs.")]
    public OutputFormat Output { get; set; }

    protected override int Run(CommandContext context)
    {
        using var api = new KubernetesApi(Configuration(), BuildInfo.Name);
        ClusterStatus status = ReadAsync(api).GetAwaiter().GetResult();
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

    private async Task<ClusterStatus> ReadAsync(KubernetesApi api)
    {
        using var end = new CancellationTokenSource();
        await RequireKindsAsync(api, end.Token);
        var cache = new ClusterCache(api, TextLog.Create(LogEventLevel.Warning, Console.Error), TimeProvider.System);
        Task copies = cache.RunAsync(end.Token);
        try
        {
            await await Task.WhenAny(cache.Synced, copies).WaitAsync(_limit);
            return ClusterStatus.Of(cache, Name);
        }
        catch (TimeoutException)
        {
            throw new UsageException($"the API server has not sent all objects within {_limit.TotalSeconds:0} s");
        }
        finally
        {
            await end.CancelAsync();
        }
    }
}
