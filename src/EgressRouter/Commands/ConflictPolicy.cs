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

/// <summary>What <c>conflictDetection</c> means for each verb.</summary>
internal static class ConflictPolicy
{
    /// <summary>
    /// ADD, before the addresses are assigned: code 11 where somebody else has one, or where nobody can be asked, since a
    /// question that was not sent does not prove that there is nobody. Code 100 where that does not change by itself.
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

    /// <summary>CHECK: who else has the addresses by now. What is only to be warned of is, and is not returned.</summary>
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
            // It is no difference from the configuration, and may be one of the parent, which CHECK does not judge.
            log.Warning("{Message:l}", [unable.Message]);
        }

        return [];
    }

    private static ImmutableArray<AddressConflict> Find(
        RouterConfig config, Attachment attachment, PodNetwork network, NetlinkSocket node, bool areAssigned, CancellationToken stop)
    {
        ImmutableArray<IPAddress> addresses = [.. attachment.Addresses.Select(address => address.Address)];
        // The parent is asked, not the egress interface: that has a carrier a moment before its parent sends what it is given.
        bool isUp = node.GetLink(attachment.Parent.Index) is { IsRunning: true };
        if (!isUp || network.ReadLink(attachment.Names) is not Link link)
        {
            throw new NetlinkException(
                ConflictProbe.Operation(addresses), Errno.ENETDOWN, $"the parent {attachment.Parent.Name} is down or has no carrier");
        }

        // The kernel answers for an address by every interface of the pod on that network that has arp_ignore 0.
        ImmutableArray<AddressConflict> found = ConflictProbe.Find(link, addresses, config.ConflictDetectionTimeout, areAssigned, stop);
        IReadOnlyList<Link> own = found.IsEmpty ? [] : network.ListLinks();
        return [.. found.Select(conflict => conflict with
        {
            OwnLink = own.FirstOrDefault(other => other.Index != link.Index && other.HardwareAddress == conflict.Other)?.Name,
        })];
    }
}
