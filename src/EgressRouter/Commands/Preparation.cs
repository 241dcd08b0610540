using System.Collections.Immutable;
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
    public static Attachment Resolve(RouterConfig config, AttachmentNames names, NetlinkSocket node) =>
        NodeFacts.Resolve(config, names, node, out ImmutableArray<ConfigFault> faults) ?? throw FaultsError(faults);

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
