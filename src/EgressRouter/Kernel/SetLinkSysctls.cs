using System.Collections.Immutable;
using System.Net.Sockets;
using EgressRouter.State;

namespace EgressRouter.Kernel;

/// <summary>Kernel parameters of one link that rtnetlink sets in one message, instead of one file write each.</summary>
/// <param name="Link">The link name.</param>
/// <param name="Steps">The parameters.</param>
internal sealed record SetLinkSysctls(string Link, ImmutableArray<SetSysctl> Steps) : PlanStep
{
    /// <inheritdoc/>
    public override string ToString() => string.Join(", ", Steps);

    /// <summary>
    /// The same plan with consecutive parameters grouped: those that rtnetlink supports are set together, before the rest.
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
    /// rtnetlink sets only one IPv6 parameter. It would set IPv4 forwarding without the side effect of a file write: disabling large
    /// receive offload, which must not apply to forwarded packets.
    /// </summary>
    private static bool IsSetByMessage(Sysctl sysctl) =>
        sysctl.IsOfOneLink && (sysctl.Family == AddressFamily.InterNetwork ? !sysctl.IsIpv4Forwarding : sysctl.Name == "addr_gen_mode");

    /// <summary>Whether rtnetlink can set it at all, possibly without its side effect.</summary>
    public static bool CanBeSetByMessage(Sysctl sysctl) => IsSetByMessage(sysctl) || (sysctl.IsOfOneLink && sysctl.IsIpv4Forwarding);
}
