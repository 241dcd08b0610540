using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>A network that the annotation of a pod selects.</summary>
/// <param name="Json">The configuration in the NetworkAttachmentDefinition.</param>
/// <param name="Interface">The name of the interface.</param>
internal sealed record Selection(string Json, string Interface = "net1")
{
    public string[] Ips { get; init; } = [];

    public string? Mac { get; init; }

    public JsonObject? CniArgs { get; init; }

    /// <summary><c>default-route</c>: gateways, one at most of each family.</summary>
    public string[] DefaultRoute { get; init; } = [];
}

/// <summary>
/// Does as Multus does around libcni: what a selection asks for goes to the plugin in three ways, and where one asks for
/// the default route, Multus takes all others away, in the pod and in the result that libcni remembers.
/// </summary>
internal sealed class Multus(Lab lab, Runtime runtime)
{
    private readonly string[] _families = ["-4", "-6"];

    /// <summary>Attaches all, or none and says why.</summary>
    /// <param name="selections">The networks besides that of the cluster, which is there.</param>
    /// <param name="clusterGateways">Default routes that are asked for by the cluster's network.</param>
    public CommandResult Attach(Selection[] selections, params string[] clusterGateways)
    {
        bool isFiltering = clusterGateways.Length > 0 || selections.Any(selection => selection.DefaultRoute.Length > 0);
        if (isFiltering)
        {
            ReplaceDefaults("eth0", clusterGateways);
        }

        CommandResult last = new(0, "", "");
        for (int index = 0; index < selections.Length && last.ExitCode == 0; index++)
        {
            Selection selection = selections[index];
            last = runtime.Add(ConfigOf(selection), ConfOf(selection));
            if (last.ExitCode != 0)
            {
                Detach(selections[..(index + 1)]);
            }
            else if (isFiltering)
            {
                ReplaceDefaults(selection.Interface, selection.DefaultRoute);
                EditResult(selection);
            }
        }

        return last;
    }

    /// <summary>Detaches all, the last one first, whatever fails.</summary>
    public void Detach(params Selection[] selections)
    {
        CommandResult[] results = [.. selections.Reverse().Select(selection => runtime.Delete(ConfigOf(selection), ConfOf(selection)))];
        Assert.All(results, result => result.AssertSilentSuccess());
    }

    public CommandResult Check(Selection selection) => runtime.Check(ConfigOf(selection), ConfOf(selection));

    /// <summary>The result as Multus has edited it.</summary>
    public JsonNode ResultOf(Selection selection) => runtime.ResultOf(ConfigOf(selection), ConfOf(selection))!;

    /// <summary>
    /// The name is that of the NetworkAttachmentDefinition where the configuration has none; <c>cni-args</c> go into <c>args.cni</c>.
    /// </summary>
    private static string ConfigOf(Selection selection) => Config.Changed(selection.Json, json =>
    {
        json["name"] ??= "definition";
        if (selection.CniArgs is not null)
        {
            json["args"] = new JsonObject { ["cni"] = selection.CniArgs.DeepClone() };
        }
    });

    private RuntimeConf ConfOf(Selection selection)
    {
        string args =
            $"IgnoreUnknown=true;K8S_POD_NAMESPACE=default;K8S_POD_NAME=router;K8S_POD_INFRA_CONTAINER_ID={Lab.ContainerId};K8S_POD_UID=7f1c6ba2";
        JsonObject capabilities = [];
        if (selection.Mac is not null)
        {
            args += ";MAC=" + selection.Mac;
            capabilities["mac"] = selection.Mac;
        }

        if (selection.Ips.Length > 0)
        {
            args += ";IP=" + string.Join(',', selection.Ips);
            capabilities["ips"] = new JsonArray([.. selection.Ips.Select(ip => (JsonNode)ip)]);
        }

        return new RuntimeConf(Lab.ContainerId, Lab.PathOf(lab.Pod), selection.Interface) { Args = args, Capabilities = capabilities };
    }

    /// <summary>Takes away the default routes of an interface, of both families, and adds these.</summary>
    private void ReplaceDefaults(string link, string[] gateways)
    {
        foreach (string family in _families)
        {
            while (Lab.In(lab.Pod, "ip", family, "route", "show", "default", "dev", link).Length > 0)
            {
                Lab.In(lab.Pod, "ip", family, "route", "del", "default", "dev", link);
            }
        }

        foreach (string gateway in gateways)
        {
            Lab.In(lab.Pod, "ip", "route", "add", "default", "via", gateway, "dev", link);
        }
    }

    /// <summary>
    /// Takes the default routes out of the remembered result, IPv6 ones only in its own spelling, and adds those asked for.
    /// </summary>
    private void EditResult(Selection selection)
    {
        JsonNode result = ResultOf(selection);
        JsonNode[] kept = [.. (result["routes"]?.AsArray() ?? []).Where(route => (string?)route!["dst"] is not ("0.0.0.0/0" or "::0/0"))
            .Select(route => route!.DeepClone())];
        IEnumerable<JsonNode> added = selection.DefaultRoute.Select(gateway => new JsonObject
        {
            ["dst"] = gateway.Contains(':', StringComparison.Ordinal) ? "::0/0" : "0.0.0.0/0",
            ["gw"] = gateway,
        });
        result["routes"] = new JsonArray([.. kept, .. added]);
    }
}
