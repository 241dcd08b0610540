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
public static class Initialization
{
    /// <summary>What may not be lacking; of the other parameters each only makes sure of what the rules see to.</summary>
    private const string Essential = Sysctl.Ipv6Forwarding;

    /// <summary>Does so in the namespace of the calling thread.</summary>
    /// <param name="config">Addresses with their prefix lengths, a gateway for each family, destinations.</param>
    /// <param name="interfaceName">The interface; null: to be found.</param>
    /// <param name="isDryRun">Whether nothing is to be done.</param>
    /// <param name="log">Hears of each step, and of what cannot be done.</param>
    /// <exception cref="InputException">There is no such interface.</exception>
    /// <exception cref="NetlinkException">The kernel refuses a step.</exception>
    public static RepairReport Run(RouterConfig config, string? interfaceName, bool isDryRun, ILogger log)
    {
        ArgumentNullException.ThrowIfNull(config);
        using PodNetwork network = PodNetwork.Open(log);
        var names = new AttachmentNames(EgressLink.Find(network.ListLinks(), interfaceName).Name);
        (NetworkState desired, ImmutableArray<Difference> differences) = Look(config, names, network);
        ImmutableArray<PlanStep> plan = Plan.ToPresent(differences, desired.Link!);
        DestinationLog.Write(config.Destinations, log);
        if (isDryRun)
        {
            return new RepairReport(differences, plan, null);
        }

        bool isReadOnly = IsReadOnly();
        ImmutableArray<Difference> left = differences;
        // The second time for what a link that was down could not have yet.
        for (int round = 0; round < 2 && !left.IsEmpty; round++)
        {
            PlanStep[] steps = [.. Plan.ToPresent(left, desired.Link!).Where(step => !isReadOnly || IsPossible(step))];
            network.Apply(steps);
            (desired, left) = Look(config, names, network);
        }

        ImmutableArray<Difference> bearable = isReadOnly ? [.. left.Where(IsBearable)] : [];
        foreach (Difference difference in bearable)
        {
            log.Warning("{Difference:l}: /proc/sys is read-only in this container, only a privileged one could set it", difference);
        }

        Announcer.Announce(network.ReadLink(names), config.Addresses.Select(address => address.Address), log);
        return new RepairReport(differences, plan, [.. left.Except(bearable)]);
    }

    private static (NetworkState Desired, ImmutableArray<Difference> Differences) Look(RouterConfig config, AttachmentNames names, PodNetwork network)
    {
        PodReading reading = network.Read();
        Link link = reading.Links.FirstOrDefault(link => link.Name == names.Interface) ?? throw new InputException($"interface {names.Interface} is gone");
        RestoreMemory memory = network.ListAttachments().FirstOrDefault(known => known.Interface == names.Interface).Memory ?? RestoreMemory.None;
        var attachment = new Attachment
        {
            Names = names,
            Owner = memory.Owner,
            // The node's addresses are not known in here: they are reached as they were.
            Parent = new Parent("", link.ParentIndex ?? 0, link.Mtu, []),
            Mtu = link.Mtu,
            Addresses = [.. config.Addresses.Select(address => new AddressState(address.Address, address.PrefixLength ?? address.Address.AddressFamily.AddressBits()))],
            Gateways = config.Gateways,
            Destinations = config.Destinations,
            AllowInbound = config.AllowInbound,
        };
        NetworkState desired = StateBuilder.Present(attachment, Preparation.Facts(config, null, names, network, reading));
        NetworkState observed = network.Observe(names, desired.Sysctls.Keys, reading);
        desired = desired with { Link = observed.Link! with { IsUp = true, Group = AttachmentNames.LinkGroup } };
        return (desired, Difference.Between(desired, observed));
    }

    private static bool IsPossible(PlanStep step) => step is not SetSysctl parameter || SetLinkParameters.CanBeSetByMessage(parameter);

    private static bool IsBearable(Difference difference) => difference is SysctlDifference parameter && parameter.Path != Essential;

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
