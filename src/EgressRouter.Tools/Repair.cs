using System.Collections.Immutable;
using EgressRouter.Commands;
using EgressRouter.Config;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;
using Serilog;

namespace EgressRouter.Tools;

/// <summary>The differences that a repair found, and its plan.</summary>
/// <param name="Differences">The differences before the repair.</param>
/// <param name="Left">The differences after the repair, or null if nothing was done.</param>
internal sealed record RepairReport(
    ImmutableArray<Difference> Differences, ImmutableArray<PlanStep> Plan, ImmutableArray<Difference>? Left);

/// <summary>
/// Changes a router to match its configuration, either the original one or a new one. Connections to destinations that stay go on;
/// connections to removed ones are dropped from conntrack.
/// </summary>
internal static class Repair
{
    /// <param name="interfaceName">The name of the egress interface.</param>
    /// <param name="isDryRun">Whether to change nothing.</param>
    /// <param name="log">Receives the addresses that cannot be announced.</param>
    /// <param name="progress">Receives the number of the step that begins.</param>
    /// <exception cref="UsageException">The pod has no router of this network to repair.</exception>
    /// <exception cref="NetlinkException">The kernel refuses a step.</exception>
    public static RepairReport Run(
        NetNamespace pod, RouterDefinition wanted, string interfaceName, bool isDryRun, ILogger log, IProgress<string> progress)
    {
        using NetlinkSocket node = NetlinkSocket.OpenRoute();
        using NetNamespace nodeSpace = NetNamespace.OpenCurrent();
        var names = new AttachmentNames(interfaceName);
        return pod.Run(() =>
        {
            progress.Report("repair: comparing");
            using PodNetwork network = PodNetwork.Open();
            RouterStatus before = RouterStatus.Read(pod.Path, wanted, names, network, node);
            RequireOurs(before);
            CommandSteps.RefuseAddressesOfPod(wanted.Config, before.Pod!);
            ImmutableArray<Difference> differences = before.Differences;
            ImmutableArray<PlanStep> plan = PlanOf(before, differences);
            if (isDryRun || plan.IsEmpty)
            {
                return new RepairReport(differences, plan, plan.IsEmpty ? differences : null);
            }

            Apply(plan, before, network, node, nodeSpace, pod, progress);
            if (plan.Any(step => step is CreateLink or DeleteAddress))
            {
                // Deleting the link or its last address also deletes its routes, which the first comparison did not report.
                RouterStatus made = RouterStatus.Read(pod.Path, wanted, names, network, node);
                Apply(PlanOf(made, made.Differences), made, network, node, nodeSpace, pod, progress);
            }

            if (!before.Attachment!.HighAvailability && plan.Any(
                step => step is CreateLink or ChangeLink { Settings.IsUp: true } or ChangeLink { Settings.HardwareAddress: not null }
                    or AddAddress))
            {
                Announcer.Announce(network.ReadLink(names), before.Attachment.Addresses.Select(address => address.Address), log);
            }

            return new RepairReport(differences, plan, RouterStatus.Read(pod.Path, wanted, names, network, node).Differences);
        });
    }

    /// <summary>
    /// Refuses a link that this plugin did not make, the router of another network, and a pod that has no router.
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
        // A repair cannot remove a duplicate address from another host.
        ImmutableArray<PlanStep> plan = Plan.ToPresent(
            [.. differences.Where(difference => difference is not ConflictDifference)], router.Desired!.Link!);
        bool isRedirected = differences.Any(difference => difference is TableDifference or AddressDifference);
        return isRedirected
            ? [.. plan, ForgetStaleConnections.Of(router.Attachment!)]
            : plan;
    }

    private static void Apply(
        ImmutableArray<PlanStep> plan, RouterStatus router, PodNetwork network, NetlinkSocket node, NetNamespace nodeSpace,
        NetNamespace pod, IProgress<string> progress)
    {
        // Checked while the old link still exists and can stay unchanged.
        foreach (CreateLink step in plan.OfType<CreateLink>())
        {
            network.RequireMode(step, router.Names, node, nodeSpace, pod);
        }

        network.Apply(plan.OfType<DeleteLink>());
        foreach (CreateLink step in plan.OfType<CreateLink>())
        {
            network.Create(step, router.Names, node, nodeSpace, pod);
        }

        network.Apply(plan.Index().Where(step => step.Item is not (DeleteLink or CreateLink)).Select(step =>
        {
            progress.Report($"repair: step {step.Index + 1} of {plan.Length}");
            return step.Item;
        }));
    }
}
