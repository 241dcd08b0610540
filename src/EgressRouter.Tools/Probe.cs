using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using EgressRouter.Config;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;
using Netlink.Routing;

namespace EgressRouter.Tools;

/// <summary>The result of one check.</summary>
/// <param name="Hop">The checked hop: node, pod, link, route, or destination.</param>
/// <param name="IsGood">Whether the check passed.</param>
/// <param name="Words">The result as text.</param>
/// <param name="IsWarning">Whether the result may keep some clients from the router.</param>
internal sealed record ProbeStep(string Hop, bool IsGood, string Words, bool IsWarning = false);

/// <summary>
/// Checks the path of a redirected connection from inside the pod: the parent, the router's own objects, its neighbors, its routes,
/// its destinations. An earlier failure is the cause of later ones.
/// </summary>
internal static class Probe
{
    /// <summary>The maximum number of on-link destinations to resolve, and of concurrent connections.</summary>
    private const int AtOnce = 128;

    /// <summary>Runs all checks, in the order of the path.</summary>
    /// <param name="interfaceName">The name of the egress interface.</param>
    /// <param name="limit">The timeout of each kind of request.</param>
    public static ImmutableArray<ProbeStep> Run(NetNamespace pod, RouterDefinition wanted, string interfaceName, TimeSpan limit)
    {
        using NetlinkSocket node = NetlinkSocket.OpenRoute();
        var names = new AttachmentNames(interfaceName);
        return pod.Run(() =>
        {
            using PodNetwork network = PodNetwork.Open();
            if (!TryRead(pod.Path, wanted, names, network, node, out RouterStatus? router, out string? reason))
            {
                return [new ProbeStep("node", false, reason)];
            }

            Attachment attachment = router.Attachment!;
            Attachment held = attachment with { Addresses = attachment.Held(router.Observed) };
            Link? link = network.ReadLink(names);
            ImmutableArray<ProbeStep>.Builder steps = ImmutableArray.CreateBuilder<ProbeStep>();
            steps.Add(OfParent(attachment, node));
            router = router.WithConnections(network);
            steps.AddRange(router.Faults.Select(fault => new ProbeStep("pod", false, fault)));
            steps.AddRange(router.Warnings.Select(warning => new ProbeStep("pod", true, warning, IsWarning: true)));
            if (router.Differences.IsEmpty)
            {
                steps.Add(new ProbeStep("pod", true, "interface, addresses, routes, rules, nftables and sysctls are as configured"));
            }

            if (link is { IsUp: true, HasNeighbors: true })
            {
                steps.AddRange(OfDuplicates(held, link, limit));
                steps.AddRange(OfHolders(router.Shared.Standby, link, limit));
                steps.AddRange(OfNeighbors(attachment, link, node, limit));
            }

            steps.AddRange(OfRoutes(attachment, network));
            steps.AddRange(OfDestinations(held, limit));
            return steps.ToImmutable();
        });
    }

    /// <summary>A missing parent is a failed hop, not an error of the probe.</summary>
    private static bool TryRead(
        string path, RouterDefinition wanted, AttachmentNames names, PodNetwork network, NetlinkSocket node,
        [NotNullWhen(true)] out RouterStatus? router, [NotNullWhen(false)] out string? reason)
    {
        try
        {
            (router, reason) = (RouterStatus.Read(path, wanted, names, network, node), null);
            return true;
        }
        catch (UsageException incomplete)
        {
            (router, reason) = (null, incomplete.Message);
            return false;
        }
    }

    private static ProbeStep OfParent(Attachment attachment, NetlinkSocket node)
    {
        Parent parent = attachment.Parent;
        return node.GetLink(parent.Index) is not Link link ? new ProbeStep("node", false, $"the parent {parent.Name} is gone")
            : !link.IsUp ? new ProbeStep("node", false, $"the parent {parent.Name} is down")
            : !link.HasCarrier ? new ProbeStep("node", false, $"the parent {parent.Name} has no carrier")
            : new ProbeStep("node", true, $"the parent {parent.Name} is up, with a carrier");
    }

    private static IEnumerable<ProbeStep> OfDuplicates(Attachment attachment, Link link, TimeSpan limit)
    {
        ImmutableArray<AddressConflict> found = attachment.Addresses.IsEmpty ? [] : Ask(
            link, [.. attachment.Addresses.Select(address => address.Address)], limit, areAssigned: true);
        return attachment.Addresses.IsEmpty ? [] : found.IsEmpty
            ? [new ProbeStep("link", true, $"nobody else has {string.Join(", ", attachment.Addresses.Select(address => address.Address))}")]
            : found.Select(conflict => new ProbeStep("link", false, $"duplicate address: {conflict.WithOwnAddress}"));
    }

    /// <summary>Who has the addresses that this pod does not have (high availability). Nobody is a warning, as during a failover.</summary>
    private static IEnumerable<ProbeStep> OfHolders(ImmutableArray<IPAddress> standby, Link link, TimeSpan limit)
    {
        Dictionary<IPAddress, AddressConflict> holders = standby.IsEmpty ? []
            : Ask(link, standby, limit, areAssigned: false).ToDictionary(answer => answer.Address);
        return standby.Select(address => holders.TryGetValue(address, out AddressConflict? holder)
            ? new ProbeStep("link", true, $"standby: {address} is at {holder.Other}")
            : new ProbeStep("link", true, $"standby: nobody has {address}", IsWarning: true));
    }

    private static IEnumerable<ProbeStep> OfNeighbors(Attachment attachment, Link link, NetlinkSocket node, TimeSpan limit)
    {
        IPAddress[] near = [.. attachment.Destinations.Select(destination => destination.Address).Distinct().Where(attachment.IsNear)
            .Take(AtOnce)];
        ImmutableArray<IPAddress> asked = [.. attachment.Gateways.Concat(near).Distinct()];
        Dictionary<IPAddress, AddressConflict> answers = Ask(link, asked, limit, areAssigned: false).ToDictionary(answer => answer.Address);
        foreach (IPAddress address in asked)
        {
            string what = attachment.Gateways.Contains(address) ? "gateway" : "destination";
            yield return answers.TryGetValue(address, out AddressConflict? answer)
                ? new ProbeStep("link", true, $"{what} {address} is at {answer.Other}")
                : new ProbeStep(
                    "link", false,
                    $"{what} {address} does not answer on {attachment.Names.Interface}: {UnreachableReason(attachment, address, node)}");
        }
    }

    private static string UnreachableReason(Attachment attachment, IPAddress address, NetlinkSocket node)
    {
        string parent = attachment.Parent.Name;
        bool isElsewhere = node.GetRoute(address) is { Gateway: null, Type: RouteType.Unicast, OutputInterface: int index }
            && index != attachment.Parent.Index;
        Link? other = isElsewhere ? node.GetLink((int)node.GetRoute(address)!.OutputInterface!) : null;
        return other is not null
            ? $"the node reaches it by {other.Name}, but the parent is {parent}; is interfaceArgs.master wrong?"
            : $"nobody on the network of {parent} has this address, or that network drops what comes from the pod's hardware address";
    }

    private static IEnumerable<ProbeStep> OfRoutes(Attachment attachment, PodNetwork network)
    {
        foreach ((IPAddress address, RouteState? route) in network.RoutesOfRedirected(attachment.Names,
            attachment.Destinations.Select(destination => destination.Address).Distinct()))
        {
            if (route?.Device != attachment.Names.Interface)
            {
                string found = route is null ? "there is no route" : $"the route is {route}";
                yield return new ProbeStep(
                    "route", false, $"connections to {address} would not leave by {attachment.Names.Interface}: {found}");
            }
        }
    }

    private static IEnumerable<ProbeStep> OfDestinations(Attachment attachment, TimeSpan limit)
    {
        (IPAddress Source, IPEndPoint Target)[] attempts =
        [
            .. attachment.Destinations.OfType<PortDestination>().Where(port => port.Protocol == TransportProtocol.Tcp)
                .Select(port => new IPEndPoint(port.Address, port.TargetPort ?? port.FirstPort)).Distinct()
                .SelectMany(target => attachment.AddressesOf(target.AddressFamily).Select(address => (address.Address, target))),
        ];
        foreach ((IPAddress Source, IPEndPoint Target)[] some in attempts.Chunk(AtOnce))
        {
            foreach ((TcpAnswer answer, (IPAddress source, IPEndPoint target)) in TcpConnect.TryAll(some, attachment.Names.EgressMark,
                limit).Zip(some))
            {
                string time = string.Create(CultureInfo.InvariantCulture, $"{answer.Time.TotalMilliseconds:F1} ms");
                yield return new ProbeStep("destination", answer.Error == 0, $"{target} from {source}: " + answer.Error switch
                {
                    0 => $"connected in {time}",
                    Errno.ECONNREFUSED => $"refused after {time}: the host is reached, and nothing listens on that port",
                    Errno.ETIMEDOUT =>
                        $"no answer within {time}: a firewall drops it, the destination is down, or does not know the way back",
                    Errno.EHOSTUNREACH => "the host does not answer, or a router says that it is unreachable",
                    Errno.EADDRNOTAVAIL => "the pod has no such address",
                    _ => $"{Errno.Describe(answer.Error)} ({Errno.Name(answer.Error)})",
                });
            }
        }
    }

    /// <summary>Returns the holders of the addresses, or none if the link cannot send.</summary>
    private static ImmutableArray<AddressConflict> Ask(Link link, ImmutableArray<IPAddress> addresses, TimeSpan limit, bool areAssigned)
    {
        try
        {
            return ConflictProbe.Find(link, addresses, limit, areAssigned, CancellationToken.None);
        }
        catch (NetlinkException unable) when (unable.Number is Errno.ENETDOWN or Errno.ENOBUFS)
        {
            // The parent is down, which an earlier step reports.
            return [];
        }
    }
}
