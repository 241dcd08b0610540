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
/// Turns an existing interface of a pod into its egress interface, from inside the pod. Desired state, differences and plan are those
/// of ADD, but the link is not created.
/// </summary>
internal static class InPodSetup
{
    /// <summary>The one sysctl that is required; the others only back up what the rules enforce.</summary>
    private static Sysctl Essential => Sysctl.Ipv6AllForwarding;

    /// <summary>Sets up the network namespace of the calling thread.</summary>
    /// <param name="config">Addresses with their prefix lengths, a gateway for each family, destinations.</param>
    /// <param name="interfaceName">The interface, or null to find it.</param>
    /// <param name="isDryRun">Whether to change nothing.</param>
    /// <param name="log">Receives each step, and each sysctl that cannot be set.</param>
    /// <exception cref="UsageException">The pod has no such interface.</exception>
    /// <exception cref="NetlinkException">The kernel refuses a step.</exception>
    public static RepairReport Run(RouterConfig config, string? interfaceName, bool isDryRun, ILogger log)
    {
        using PodNetwork network = PodNetwork.Open(log);
        var names = new AttachmentNames(EgressInterface.Find(network.ListLinks(), interfaceName).Name);
        (Attachment attachment, NetworkState desired, ImmutableArray<Difference> differences) = Compare(config, names, network);
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
        // The second round adds what the link could not have while it was down.
        for (int round = 0; round < 2 && !left.IsEmpty; round++)
        {
            network.Apply(PlanOf(left));
            (attachment, desired, left) = Compare(config, names, network);
        }

        CommandSteps.ForgetConnections(attachment, network, log);

        ImmutableArray<Difference> tolerable = isReadOnly ? [.. left.Where(IsTolerable)] : [];
        foreach (Difference difference in tolerable)
        {
            log.Warning("{Difference:l}: /proc/sys is read-only in this container, only a privileged one could set it", difference);
        }

        Announcer.Announce(network.ReadLink(names), config.Addresses.Select(address => address.Address), log);
        return new RepairReport(differences, plan, [.. left.Except(tolerable)]);
    }

    private static (Attachment Attachment, NetworkState Desired, ImmutableArray<Difference> Differences) Compare(
        RouterConfig config, AttachmentNames names, PodNetwork network)
    {
        PodDump dump = network.Read(names);
        Link link = dump.Links.FirstOrDefault(link => link.Name == names.Interface)
            ?? throw new UsageException($"interface {names.Interface} is gone");
        SavedState saved = network.ReadSavedState(names);
        // The node's addresses are unknown inside the pod, so traffic to them keeps its routes.
        Attachment attachment = Attachment.Of(
            config,
            names,
            saved.Owner,
            new Parent("", link.ParentIndex ?? 0, link.Mtu, []),
            [.. config.Addresses.Select(address => new AddressState(address.Address,
                address.PrefixLength ?? address.Address.AddressFamily.AddressBits()))],
            config.Gateways);
        PodFacts facts = CommandSteps.Facts(config, null, names, network, dump);
        CommandSteps.RefuseAddressesOfPod(config, facts);
        NetworkState desired = StateBuilder.Present(attachment, facts);
        NetworkState observed = network.Observe(names, desired.Sysctls.Keys, dump);
        LinkState found = observed.Link!;
        desired = desired with { Link = found with { Settings = found.Settings with { IsUp = true, Group = AttachmentNames.LinkGroup } } };
        return (attachment, desired, Difference.Between(desired, observed));
    }

    private static bool IsPossible(Difference difference) =>
        difference is not SysctlDifference changed || SetLinkSysctls.CanBeSetByMessage(changed.Sysctl);

    private static bool IsTolerable(Difference difference) => difference is SysctlDifference changed && changed.Sysctl != Essential;

    /// <summary>/proc/sys is read-only in an unprivileged container.</summary>
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
