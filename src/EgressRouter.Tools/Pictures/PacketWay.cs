using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;
using EgressRouter.State;
using Netlink.Routing;

namespace EgressRouter.Tools.Pictures;

/// <summary>One way of packets through the router, from where they enter it to the server.</summary>
/// <param name="Entry">What the connections have in common: the port that clients connect to.</param>
/// <param name="Server">The destination: its address and its port.</param>
/// <param name="Hop">What is between the egress interface and the server, or null if the server is on-link.</param>
internal sealed record PacketWay(AddressFamily Family, string Entry, ImmutableArray<string> Server, NextHop? Hop)
{
    /// <summary>The ways of a router: one for each destination, or one for each family if it redirects nothing.</summary>
    public static ImmutableArray<PacketWay> Of(RouterDefinition wanted, Explanation explanation)
    {
        Attachment attachment = explanation.Attachment;
        if (attachment.Destinations.IsEmpty)
        {
            AddressFamily[] families = [.. attachment.FamiliesInUse];
            return
            [
                .. (families.Length > 0 ? families : [AddressFamily.InterNetwork]).Select(family => new PacketWay(
                    family, "a program in the pod", [families.Length > 0 ? $"any {family.Text()} server" : "any server"],
                    NextHop.Of(wanted, attachment, attachment.Gateways.FirstOrDefault(gateway => gateway.AddressFamily == family)))),
            ];
        }

        HashSet<AddressFamily> withPorts =
            [.. attachment.Destinations.OfType<PortDestination>().Select(destination => destination.Address.AddressFamily)];
        return
        [
            .. attachment.Destinations.Zip(explanation.Redirections, (destination, line) => new PacketWay(
                line.Target.AddressFamily,
                destination is PortDestination ports ? ports.PortText
                    : $"{(withPorts.Contains(line.Target.AddressFamily) ? "other" : "all")} {line.Target.AddressFamily.Text()} ports",
                [$"{line.Target}", line.TargetPort is ushort port ? $"port {port}" : "the same port"],
                attachment.IsNear(line.Target) ? null : NextHop.Of(wanted, attachment, line.By))),
        ];
    }

    /// <summary>A sentence for screen readers.</summary>
    public override string ToString() =>
        $"{Entry}: to {string.Join(", ", Server)}, {(Hop is null ? "on-link" : $"by {Hop}")}.";
}

/// <summary>What is between the egress interface and servers that are not on-link.</summary>
/// <param name="Name">The kind of it.</param>
/// <param name="Address">The address, or where it comes from.</param>
/// <param name="Note">What a reader must know of it, or null.</param>
internal sealed record NextHop(string Name, string Address, string? Note)
{
    public override string ToString() => $"{Name} {Address}{(Note is null ? "" : $" ({Note})")}";

    public static NextHop Of(RouterDefinition wanted, Attachment attachment, IPAddress? gateway) =>
        attachment.Kind is Ipvlan { IpvlanMode: IpvlanMode.L3 } ? new NextHop("routes of", "the node", null)
        : gateway is null ? new NextHop("gateway", "known after ADD", null)
        : new NextHop("gateway", $"{gateway}", wanted.Config.Gateways.Contains(gateway) ? null : "not configured");
}
