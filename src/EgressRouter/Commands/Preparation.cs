using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Cni;
using EgressRouter.Config;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;
using Serilog;

namespace EgressRouter.Commands;

/// <summary>What several verbs do before they look at the pod.</summary>
internal static class Preparation
{
    private const int FaultsShown = 100;

    /// <summary>The configuration of a request, or code 7 (2 for what is known but not supported) with all its faults.</summary>
    public static RouterConfig ParseConfig(CniRequest request, ILogger log)
    {
        ConfigResult result = RouterConfig.Parse(request.Config);
        foreach (ConfigFault warning in result.Warnings)
        {
            log.Warning("{Warning:l}", warning);
        }

        return result.Config ?? throw FaultsError(result.Faults);
    }

    /// <summary>The attachment that the configuration means on this node, or code 7 with all that cannot be inferred.</summary>
    public static Attachment Resolve(RouterConfig config, AttachmentNames names, NetlinkSocket node, bool isNew) =>
        NodeFacts.Resolve(config, names, node, isNew, out ImmutableArray<ConfigFault> faults) ?? throw FaultsError(faults);

    /// <summary>What the pod was before any attachment, or code 7 when the configuration names an interface that it has not.</summary>
    public static PodFacts Facts(CniRequest request, RouterConfig config, AttachmentNames names, PodNetwork network)
    {
        PodSnapshot snapshot = network.Snapshot(names);
        if (snapshot.SameNumbersAs(names) is string other)
        {
            throw new CniException(
                CniErrorCode.InterfaceExists, $"the marks and tables of interface {names.Interface} are those of {other}, which is there: choose another name");
        }

        if (config.ClusterInterface is string wanted && snapshot.Links.All(link => link.Name != wanted))
        {
            throw FaultsError([new ConfigFault("clusterInterface", wanted, "the pod has no interface of this name")]);
        }

        return snapshot.Facts(names, PodNetwork.ReadSysctl, config.ClusterInterface, PreviousGateways(request.PrevResult));
    }

    /// <summary>
    /// The gateways that plugins before this one told of: those of default routes first, then those of addresses
    /// (CNI specification, "ADD Success"). What is not as specified is passed over.
    /// </summary>
    private static List<IPAddress> PreviousGateways(JsonElement? previous)
    {
        var gateways = new List<IPAddress>();
        foreach ((string list, string key, bool isRoute) in (ReadOnlySpan<(string, string, bool)>)[("routes", "gw", true), ("ips", "gateway", false)])
        {
            if (previous is not { ValueKind: JsonValueKind.Object } result
                || !result.TryGetProperty(list, out JsonElement items) || items.ValueKind != JsonValueKind.Array)
            {
                continue;
            }

            foreach (JsonElement item in items.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.Object))
            {
                if ((!isRoute || TextOf(item, "dst") is "0.0.0.0/0" or "::/0" or "::0/0") && IPAddress.TryParse(TextOf(item, key), out IPAddress? gateway))
                {
                    gateways.Add(gateway);
                }
            }
        }

        return gateways;
    }

    private static string? TextOf(JsonElement item, string key) =>
        item.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>The pod's namespace, or code 8.</summary>
    public static NetNamespace OpenPod(CniRequest request)
    {
        try
        {
            NetNamespace pod = NetNamespace.Open(request.NetNs);
            if (!IsOwn(pod))
            {
                return pod;
            }

            pod.Dispose();
            throw new CniException(CniErrorCode.InvalidNetNs, $"CNI_NETNS {request.NetNs} is the network namespace of the plugin itself, not that of a pod");
        }
        catch (NetlinkException unusable)
        {
            throw new CniException(CniErrorCode.InvalidNetNs, $"CNI_NETNS: {unusable.Message}");
        }
    }

    /// <summary>Whether it is the namespace that this program runs in: the node's.</summary>
    public static bool IsOwn(NetNamespace pod)
    {
        using NetNamespace own = NetNamespace.OpenCurrent();
        return own.Identity == pod.Identity;
    }

    private static CniException FaultsError(ImmutableArray<ConfigFault> faults)
    {
        CniErrorCode code = faults.All(fault => fault.UnsupportedValue) ? CniErrorCode.UnsupportedField : CniErrorCode.InvalidConfig;
        string count = faults.Length == 1 ? "" : $"{faults.Length} faults in the configuration: ";
        // A list of a hundred thousand destinations can have as many faults; the first ones tell what is wrong.
        string more = faults.Length > FaultsShown ? $"; and {faults.Length - FaultsShown} more" : "";
        return new CniException(code, count + string.Join("; ", faults.Take(FaultsShown)) + more);
    }
}
