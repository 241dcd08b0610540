using System.Collections.Immutable;
using EgressRouter.Commands;
using EgressRouter.Config;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;
using Serilog;

namespace EgressRouter.Tools;

/// <summary>What a repair found, and did or would do.</summary>
/// <param name="Differences">What differed.</param>
/// <param name="Left">What differs still; null where nothing was done.</param>
internal sealed record RepairReport(
    ImmutableArray<Difference> Differences, ImmutableArray<PlanStep> Plan, ImmutableArray<Difference>? Left);

/// <summary>
/// Makes a router what its configuration says, be it the one it was made with or another. Connections to destinations that
/// stay go on, those to others are forgotten.
/// </summary>
internal static class Repair
{
    /// <summary>Repairs a router.</summary>
    /// <param name="interfaceName">The name of the egress interface.</param>
    /// <param name="isDryRun">Whether nothing is to be done.</param>
    /// <param name="log">Hears of what cannot be announced.</param>
    /// <exception cref="UsageException">There is nothing to repair.</exception>
    /// <exception cref="NetlinkException">The kernel refuses a step.</exception>
    public static RepairReport Run(NetNamespace pod, RouterDefinition wanted, string interfaceName, bool isDryRun, ILogger log)
    {
        using NetlinkSocket node = NetlinkSocket.OpenRoute();
        using NetNamespace nodeSpace = NetNamespace.OpenCurrent();
        var names = new AttachmentNames(interfaceName);
        return pod.Run(() =>
        {
            using PodNetwork network = PodNetwork.Open();
            RouterStatus before = RouterStatus.Read(pod.Path, wanted, names, network, node);
            RequireOurs(before);
            RequestContext.RefuseAddressesOfPod(wanted.Config, before.Pod!);
            ImmutableArray<Difference> differences = before.Differences;
            ImmutableArray<PlanStep> plan = PlanOf(before, differences);
            if (isDryRun || plan.IsEmpty)
            {
                return new RepairReport(differences, plan, plan.IsEmpty ? differences : null);
            }

            Apply(plan, before, network, node, nodeSpace, pod);
            if (plan.Any(step => step is CreateLink or DeleteAddress))
            {
                // With the link, or its last address, its routes went, which were no difference before.
                RouterStatus made = RouterStatus.Read(pod.Path, wanted, names, network, node);
                Apply(PlanOf(made, made.Differences), made, network, node, nodeSpace, pod);
            }

            if (plan.Any(
                step => step is CreateLink or ChangeLink { Settings.IsUp: true } or ChangeLink { Settings.HardwareAddress: not null }
                    or AddAddress))
            {
                Announcer.Announce(network.ReadLink(names), before.Attachment!.Addresses.Select(address => address.Address), log);
            }

            return new RepairReport(differences, plan, RouterStatus.Read(pod.Path, wanted, names, network, node).Differences);
        });
    }

    /// <summary>
    /// A link of the name that somebody else made is not touched, nor the router of another network; a pod that never had a router gets
    /// none.
    /// </summary>
    private static void RequireOurs(RouterStatus router)
    {
        if (router.Observed.IsAbsent)
        {
            throw new UsageException($"{router.NetNs} has no egress router {router.Names.Interface}: the container runtime has to make it");
        }

        if (router.Mismatch is string other)
        {
            throw new UsageException($"{router.NetNs}: {other}");
        }

        if (router.Observed.Link is LinkState link && link.Settings.Group != AttachmentNames.LinkGroup)
        {
            throw new UsageException($"interface {link.Name} of {router.NetNs} was not made by this plugin");
        }
    }

    private static ImmutableArray<PlanStep> PlanOf(RouterStatus router, ImmutableArray<Difference> differences)
    {
        // Somebody else who has an address is beyond us.
        ImmutableArray<PlanStep> plan = Plan.ToPresent(
            [.. differences.Where(difference => difference is not ConflictDifference)], router.Desired!.Link!);
        bool isRedirected = differences.Any(difference => difference is TableDifference or AddressDifference);
        return isRedirected
            ? [.. plan, ForgetStaleConnections.Of(router.Attachment!)]
            : plan;
    }

    private static void Apply(
        ImmutableArray<PlanStep> plan, RouterStatus router, PodNetwork network, NetlinkSocket node, NetNamespace nodeSpace,
        NetNamespace pod)
    {
        // While the link is there still, and can stay as it is.
        foreach (CreateLink step in plan.OfType<CreateLink>())
        {
            network.RequireMode(step, router.Names, node, nodeSpace, pod);
        }

        network.Apply(plan.OfType<DeleteLink>());
        foreach (CreateLink step in plan.OfType<CreateLink>())
        {
            network.Create(step, router.Names, node, nodeSpace, pod);
        }

        network.Apply(plan.Where(step => step is not (DeleteLink or CreateLink)));
    }
}
