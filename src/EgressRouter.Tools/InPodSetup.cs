using System.Collections.Immutable;
using EgressRouter.Commands;
using EgressRouter.Config;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;
using Netlink.Routing;
using Serilog;

namespace EgressRouter.Tools;

/// <summary>
/// Makes an interface that a pod has already its egress interface, from inside the pod: the same desired state, differences
/// and plan as ADD, but that the link stays the one that it is.
/// </summary>
internal static class InPodSetup
{
    /// <summary>What may not be lacking; of the other parameters each only makes sure of what the rules see to.</summary>
    private static Sysctl Essential => Sysctl.Ipv6AllForwarding;

    /// <summary>Does so in the namespace of the calling thread.</summary>
    /// <param name="config">Addresses with their prefix lengths, a gateway for each family, destinations.</param>
    /// <param name="interfaceName">The interface; null: to be found.</param>
    /// <param name="isDryRun">Whether nothing is to be done.</param>
    /// <param name="log">Hears of each step, and of what cannot be done.</param>
    /// <exception cref="UsageException">There is no such interface.</exception>
    /// <exception cref="NetlinkException">The kernel refuses a step.</exception>
    public static RepairReport Run(RouterConfig config, string? interfaceName, bool isDryRun, ILogger log)
    {
        using PodNetwork network = PodNetwork.Open(log);
        var names = new AttachmentNames(EgressInterface.Find(network.ListLinks(), interfaceName).Name);
        (Attachment attachment, NetworkState desired, ImmutableArray<Difference> differences) = Look(config, names, network);
        bool isReadOnly = IsReadOnly();
        ImmutableArray<PlanStep> PlanOf(ImmutableArray<Difference> all) =>
            Plan.ToPresent([.. all.Where(one => !isReadOnly || IsPossible(one))], desired.Link!);
        ImmutableArray<PlanStep> plan = PlanOf(differences);
        DestinationLog.Write(config.Destinations, log);
        if (isDryRun)
        {
            return new RepairReport(differences, plan, null);
        }

        ImmutableArray<Difference> left = differences;
        // The second time for what a link that was down could not have yet.
        for (int round = 0; round < 2 && !left.IsEmpty; round++)
        {
            network.Apply(PlanOf(left));
            (attachment, desired, left) = Look(config, names, network);
        }

        RequestContext.ForgetConnections(attachment, network, log);

        ImmutableArray<Difference> bearable = isReadOnly ? [.. left.Where(IsBearable)] : [];
        foreach (Difference difference in bearable)
        {
            log.Warning("{Difference:l}: /proc/sys is read-only in this container, only a privileged one could set it", difference);
        }

        Announcer.Announce(network.ReadLink(names), config.Addresses.Select(address => address.Address), log);
        return new RepairReport(differences, plan, [.. left.Except(bearable)]);
    }

    private static (Attachment Attachment, NetworkState Desired, ImmutableArray<Difference> Differences) Look(
        RouterConfig config, AttachmentNames names, PodNetwork network)
    {
        PodDump reading = network.Read(names);
        Link link = reading.Links.FirstOrDefault(link => link.Name == names.Interface)
            ?? throw new UsageException($"interface {names.Interface} is gone");
        SavedState memory = network.ReadMemory(names);
        // The node's addresses are not known in here: they are reached as they were.
        Attachment attachment = Attachment.Of(
            config,
            names,
            memory.Owner,
            new Parent("", link.ParentIndex ?? 0, link.Mtu, []),
            [.. config.Addresses.Select(address => new AddressState(address.Address,
                address.PrefixLength ?? address.Address.AddressFamily.AddressBits()))],
            config.Gateways);
        OriginalPodState pod = RequestContext.Facts(config, null, names, network, reading);
        RequestContext.RefuseAddressesOfPod(config, pod);
        NetworkState desired = StateBuilder.Present(attachment, pod);
        NetworkState observed = network.Observe(names, desired.Sysctls.Keys, reading);
        LinkState there = observed.Link!;
        desired = desired with { Link = there with { Settings = there.Settings with { IsUp = true, Group = AttachmentNames.LinkGroup } } };
        return (attachment, desired, Difference.Between(desired, observed));
    }

    private static bool IsPossible(Difference difference) =>
        difference is not SysctlDifference changed || SetLinkSysctls.CanBeSetByMessage(changed.Sysctl);

    private static bool IsBearable(Difference difference) => difference is SysctlDifference changed && changed.Sysctl != Essential;

    /// <summary>So it is in a container that is not privileged.</summary>
    private static bool IsReadOnly()
    {
        try
        {
            using FileStream file = File.Open("/proc/sys/net/ipv4/ip_forward", FileMode.Open, FileAccess.Write);
            return false;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }
}
