using System.Net.Sockets;
using EgressRouter.Config;

namespace EgressRouter.State;

/// <summary>Warnings about clients that cannot reach the router or get no replies, for causes outside the router's control.</summary>
public static class ClientWarnings
{
    /// <summary>The warnings for an attachment in a pod.</summary>
    public static IEnumerable<string> Of(Attachment attachment, PodFacts facts)
    {
        ArgumentNullException.ThrowIfNull(attachment);
        ArgumentNullException.ThrowIfNull(facts);
        return facts.InsideLinks.IsEmpty
            ? [$"the pod has no interface besides {attachment.Names.Interface} that is up: no client can reach the router"]
            : attachment.FamiliesInUse.Select(family => Of(attachment, facts, family)).OfType<string>();
    }

    private static string? Of(Attachment attachment, PodFacts facts, AddressFamily family)
    {
        if (facts.ReturnRoutes.FirstOrDefault(route => route.Family == family) is not RouteState back)
        {
            return $"no {family.Text()} gateway is known on the pod's own network: clients beyond its own subnets and routes get no answers";
        }

        // Runtimes create the cluster interface first: eth0.
        string? earlier = attachment.ClusterInterface is not null ? null : facts.InsideLinks.TakeWhile(link => link != back.Device)
            .FirstOrDefault(
                link => facts.LocalAddresses.Any(
                    local => local.Link == link && local.Address.AddressFamily == family && !local.Address.IsIPv6LinkLocal));
        return earlier is null ? null
            : $"{family.Text()} answers to clients beyond the pod's own routes leave by {back.Device}, which had the pod's default route, not by {earlier}: "
                + $"if clients come by {earlier}, set clusterInterface";
    }
}
