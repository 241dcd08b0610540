using System.Collections.Immutable;
using System.Net.Sockets;
using EgressRouter.State;

namespace EgressRouter.Kernel;

/// <summary>Several kernel parameters of one link that rtnetlink sets in one message, in the place of a file for each.</summary>
/// <param name="Link">The link's name.</param>
/// <param name="Steps">The parameters.</param>
internal sealed record SetLinkSysctls(string Link, ImmutableArray<SetSysctl> Steps) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => string.Join(", ", Steps);

    /// <summary>
    /// The same plan, in which parameters that come one after the other, and can be set by rtnetlink, are set together,
    /// before the rest of them.
    /// </summary>
    public static IEnumerable<PlanStep> Together(IEnumerable<PlanStep> plan)
    {
        var run = new List<SetSysctl>();
        foreach (PlanStep step in plan)
        {
            if (step is SetSysctl parameter)
            {
                run.Add(parameter);
                continue;
            }

            foreach (PlanStep merged in Merge(run))
            {
                yield return merged;
            }

            run.Clear();
            yield return step;
        }

        foreach (PlanStep merged in Merge(run))
        {
            yield return merged;
        }
    }

    private static IEnumerable<PlanStep> Merge(List<SetSysctl> run) =>
    [
        .. run.Where(step => IsSetByMessage(step.Sysctl)).GroupBy(step => step.Sysctl.Link).Select(
            steps => new SetLinkSysctls(steps.Key, [.. steps])),
        .. run.Where(step => !IsSetByMessage(step.Sysctl)),
    ];

    /// <summary>
    /// Of IPv6 parameters rtnetlink sets only one. Forwarding it would set without what belongs to it: large receive offload,
    /// which forwarded packets must not have gone through, is switched off when the file is written.
    /// </summary>
    private static bool IsSetByMessage(Sysctl sysctl) =>
        sysctl.IsOfOneLink && (sysctl.Family == AddressFamily.InterNetwork ? !sysctl.IsIpv4Forwarding : sysctl.Name == "addr_gen_mode");

    /// <summary>Whether rtnetlink can set it at all, with or without what belongs to it.</summary>
    public static bool CanBeSetByMessage(Sysctl sysctl) => IsSetByMessage(sysctl) || (sysctl.IsOfOneLink && sysctl.IsIpv4Forwarding);
}
