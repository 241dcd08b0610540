using System.Collections.Immutable;
using System.Net;
using Cni;
using EgressRouter.Config;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;
using Netlink.Routing;
using Serilog;

namespace EgressRouter.Commands;

/// <summary>The effect of <c>conflictDetection</c> on each command.</summary>
internal static class ConflictPolicy
{
    /// <summary>
    /// ADD, before addresses are assigned: code 11 if another host has an address, or if probes cannot be sent, since an unsent probe
    /// proves nothing. Code 100 if that error is permanent.
    /// </summary>
    public static void RequireNone(
        RouterConfig config, Attachment attachment, PodNetwork network, NetlinkSocket node, ILogger log, CancellationToken stop)
    {
        if (config.ConflictDetection == ConflictDetection.Off)
        {
            return;
        }

        string problem;
        CniErrorCode code = CniErrorCode.TryAgainLater;
        try
        {
            ImmutableArray<AddressConflict> found = Find(config, attachment, network, node, areAssigned: false, stop);
            if (found.IsEmpty)
            {
                return;
            }

            problem = string.Join("; ", found);
        }
        catch (NetlinkException unable)
        {
            problem = unable.Message;
            code = unable.Number is Errno.EPERM or Errno.EAFNOSUPPORT ? PluginErrorCode.KernelRefused : code;
        }

        if (config.ConflictDetection == ConflictDetection.On)
        {
            throw new CniException(code, problem);
        }

        log.Warning("{Problem:l}", [problem]);
    }

    /// <summary>CHECK: the current conflicts. With <c>warn</c>, they are logged and not returned.</summary>
    public static ImmutableArray<AddressConflict> Observe(
        RouterConfig config, Attachment attachment, PodNetwork network, NetlinkSocket node, ILogger log)
    {
        if (config.ConflictDetection == ConflictDetection.Off || network.ReadLink(attachment.Names) is not { IsUp: true })
        {
            return [];
        }

        try
        {
            ImmutableArray<AddressConflict> found = Find(config, attachment, network, node, areAssigned: true, CancellationToken.None);
            if (config.ConflictDetection == ConflictDetection.On)
            {
                return found;
            }

            foreach (AddressConflict conflict in found)
            {
                log.Warning("{Conflict:l} too", [conflict]);
            }
        }
        catch (NetlinkException unable)
        {
            // This is no difference from the configuration. It may be a fault of the parent, which CHECK does not judge.
            log.Warning("{Message:l}", [unable.Message]);
        }

        return [];
    }

    private static ImmutableArray<AddressConflict> Find(
        RouterConfig config, Attachment attachment, PodNetwork network, NetlinkSocket node, bool areAssigned, CancellationToken stop)
    {
        ImmutableArray<IPAddress> addresses = [.. attachment.Addresses.Select(address => address.Address)];
        // The parent's state counts: the egress interface has a carrier a moment before its parent transmits.
        bool isUp = node.GetLink(attachment.Parent.Index) is { IsRunning: true };
        if (!isUp || network.ReadLink(attachment.Names) is not Link link)
        {
            throw new NetlinkException(
                ConflictProbe.Operation(addresses), Errno.ENETDOWN, $"the parent {attachment.Parent.Name} is down or has no carrier");
        }

        // The kernel answers for an address on each of the pod's interfaces in that network with arp_ignore 0.
        ImmutableArray<AddressConflict> found = ConflictProbe.Find(link, addresses, config.ConflictDetectionTimeout, areAssigned, stop);
        IReadOnlyList<Link> own = found.IsEmpty ? [] : network.ListLinks();
        return [.. found.Select(conflict => conflict with
        {
            OwnLink = own.FirstOrDefault(other => other.Index != link.Index && other.HardwareAddress == conflict.Other)?.Name,
        })];
    }
}
