using System.Collections.Immutable;
using Cni;
using EgressRouter.Config;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;
using Serilog;

namespace EgressRouter.Commands;

/// <summary>CHECK: silent when the pod is as ADD left it, else one error with everything that differs.</summary>
internal static class CheckCommand
{
    public static void Run(CniRequest request, ILogger log)
    {
        RouterConfig config = Preparation.ParseConfig(request, log);
        var names = new AttachmentNames(request.IfName);
        using NetNamespace pod = Preparation.OpenPod(request);
        using NetlinkSocket node = NetlinkSocket.OpenRoute();
        Attachment attachment = Preparation.Resolve(config, names, node, isNew: false);
        ImmutableArray<Difference> differences = pod.Run(() => Differences(request, config, attachment, node, log));
        if (!differences.IsEmpty)
        {
            throw new CniException(
                CniErrorCode.StateDiffers,
                $"{differences.Length} difference{(differences.Length == 1 ? "" : "s")} from the configuration: {string.Join("; ", differences)}");
        }
    }

    private static ImmutableArray<Difference> Differences(
        CniRequest request, RouterConfig config, Attachment attachment, NetlinkSocket node, ILogger log)
    {
        AttachmentNames names = attachment.Names;
        using PodNetwork network = PodNetwork.Open();
        NetworkState desired = StateBuilder.Present(attachment, Preparation.Facts(request, config, names, network));
        NetworkState observed = network.Observe(names, desired.Sysctls.Keys);
        return Difference.Between(desired, observed with { Conflicts = Conflicts.Observe(config, attachment, network, node, log) });
    }
}
