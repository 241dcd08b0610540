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

        bool isRequired = config.ConflictDetection == ConflictDetection.On;
        ImmutableArray<AddressConflict> found;
        try
        {
            found = Find(config, attachment, network, node, areAssigned: false, stop);
        }
        catch (NetlinkException unable) when (isRequired)
        {
            bool isPermanent = unable.Number is Errno.EPERM or Errno.EAFNOSUPPORT;
            throw new CniException(isPermanent ? PluginErrorCode.KernelRefused : CniErrorCode.TryAgainLater, unable.Message);
        }
        catch (NetlinkException unable)
        {
            LogFailure(unable, log);
            return;
        }

        string problem = string.Join("; ", found);
        if (isRequired && !found.IsEmpty)
        {
            throw new CniException(CniErrorCode.TryAgainLater, problem);
        }

        if (!found.IsEmpty)
        {
            log.Warning("address conflict: {Problem:l}", [problem]);
        }
    }

    /// <summary>CHECK: the current conflicts. With <c>warn</c>, they are logged and not returned.</summary>
    public static ImmutableArray<AddressConflict> Observe(
        RouterConfig config, Attachment attachment, NetworkState observed, PodNetwork network, NetlinkSocket node, ILogger log)
    {
        attachment = attachment with { Addresses = attachment.Held(observed) };
        if (config.ConflictDetection == ConflictDetection.Off || attachment.Addresses.IsEmpty
            || network.ReadLink(attachment.Names) is not { IsUp: true })
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
                log.Warning("address conflict: {Problem:l}", [conflict.WithOwnAddress]);
            }
        }
        catch (NetlinkException unable)
        {
            // This is no difference from the configuration. It may be a fault of the parent, which CHECK does not judge.
            LogFailure(unable, log);
        }

        return [];
    }

    private static void LogFailure(NetlinkException unable, ILogger log) =>
        log.Warning("conflict detection failed: {Message:l}", [unable.Message]);

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
