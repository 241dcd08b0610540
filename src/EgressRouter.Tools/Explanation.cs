using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;
using Netlink.Routing;

namespace EgressRouter.Tools;

/// <summary>A value that the configuration does not set.</summary>
/// <param name="What">The name of the value.</param>
/// <param name="Value">The inferred or assumed value.</param>
/// <param name="From">The source of the value.</param>
internal sealed record Inference(string What, string Value, string From);

/// <summary>One line of the map: the destination of connections to a port.</summary>
/// <param name="Ports"><c>80 tcp</c>, or all other ports of an address family.</param>
/// <param name="TargetPort">The destination's port, or null for the port that the client chose.</param>
/// <param name="By">The gateway, or null if the destination is on-link.</param>
/// <param name="From">The egress addresses that the destination may see as the source.</param>
internal sealed record Redirection(string Ports, IPAddress Target, ushort? TargetPort, IPAddress? By, ImmutableArray<IPAddress> From);

/// <summary>What ADD would do for a configuration. Changes nothing, and reads the node only if a node socket is given.</summary>
internal sealed record Explanation
{
    /// <summary>The pod's cluster interface, assumed because no pod is given.</summary>
    private const string AssumedLink = "eth0";

    private const int AssumedMtu = 1500;

    private static readonly ImmutableArray<IPAddress> _assumedGateways = [IPAddress.Parse("10.128.0.1"), IPAddress.Parse("fd01::1")];

    /// <summary>The attachment, with every value inferred.</summary>
    public required Attachment Attachment { get; init; }

    /// <summary>The assumed original state of the pod.</summary>
    public required PodFacts Pod { get; init; }

    /// <summary>The values that were inferred or assumed.</summary>
    public required ImmutableArray<Inference> Inferences { get; init; }

    /// <summary>The state that ADD would establish.</summary>
    public required NetworkState Desired { get; init; }

    /// <summary>The plan's steps as text, in order.</summary>
    public required ImmutableArray<string> Plan { get; init; }

    public ImmutableArray<Redirection> Redirections => [.. Attachment.Destinations.Select(Redirect)];

    /// <summary>Explains a configuration.</summary>
    /// <param name="interfaceName">The name of the egress interface.</param>
    /// <param name="node">A route socket in the node's namespace, or null to explain without a node.</param>
    /// <exception cref="UsageException">The configuration contradicts the node.</exception>
    public static Explanation Of(RouterDefinition wanted, string interfaceName, NetlinkSocket? node)
    {
        var names = new AttachmentNames(interfaceName);
        var owner = new Owner(wanted.Plugin.Network, "container");
        var inferences = new List<Inference>();
        Attachment attachment = node is null ? Assume(wanted.Config, names, owner, inferences)
            : Resolve(wanted, names, owner, node, inferences);
        if (attachment.OwnAddress is AddressState own)
        {
            inferences.Add(new Inference("the own address", $"{own}", "the container's ID, here an assumed one, and the interface's name"));
        }

        PodFacts facts = AssumePod(wanted.Config, attachment, inferences);
        bool isReserved = wanted.Config.IpamType is not null;
        if (isReserved)
        {
            inferences.Add(
                new Inference(
                    "the addresses", "not known yet",
                    $"the IPAM plugin {wanted.Config.IpamType}, asked when ADD has made the interface; the plan goes as far as that"));
        }

        NetworkState desired = isReserved ? StateBuilder.Reserved(attachment, facts) : StateBuilder.Present(attachment, facts);
        NetworkState before = NetworkState.Absent with { Routes = facts.OriginalDefaults, Sysctls = facts.OriginalSysctls };
        return new Explanation
        {
            Attachment = attachment,
            Pod = facts,
            Inferences = [.. inferences],
            Desired = desired,
            Plan = [.. State.Plan.ToPresent(Difference.Between(desired, before), desired.Link!).Select(step => step is CreateLink create
                ? $"create {create.Link.Name}, {attachment.Kind}, {attachment.Settings}, on the node's link {attachment.Parent.Name}"
                : step.ToString()!)],
        };
    }

    private Redirection Redirect(Destination destination)
    {
        AddressFamily family = destination.Address.AddressFamily;
        ImmutableArray<AddressState> addresses = Attachment.AddressesOf(family);
        IPAddress? gateway = Attachment.Gateways.FirstOrDefault(gateway => gateway.AddressFamily == family);
        return new Redirection(
            destination is PortDestination ports ? ports.PortText : $"all others, {family.Text()}",
            destination.Address,
            (destination as PortDestination)?.TargetPort,
            Attachment.IsNear(destination.Address) ? null : gateway,
            [.. addresses.Select(address => address.Address)]);
    }

    private static Attachment Resolve(
        RouterDefinition wanted, AttachmentNames names, Owner owner, NetlinkSocket node, List<Inference> inferences)
    {
        RouterConfig config = wanted.Config;
        Attachment attachment = AttachmentResolver.Resolve(config, names, owner, node, isNew: true, out ImmutableArray<ConfigError> faults)
            ?? throw new UsageException(string.Join('\n', faults.Select(fault => $"{wanted.Plugin.Source.File}: on this node: {fault}")));
        string parent = attachment.Parent.Name;
        if (config.Master is null)
        {
            inferences.Add(new Inference("the parent", parent, config.Addresses.IsEmpty
                ? "the node's default route" : $"the node's route to {config.Addresses[0].Address}, else its default route"));
        }

        if (config.Settings.Mtu is null)
        {
            inferences.Add(new Inference("the MTU", $"{attachment.Settings.Mtu}", $"the parent {parent}"));
        }

        foreach ((EgressAddress address, AddressState complete) in config.Addresses.Zip(attachment.Addresses)
            .Where(pair => pair.First.PrefixLength is null))
        {
            inferences.Add(
                new Inference(
                    $"the prefix length of {address.Address}", $"{complete.PrefixLength}",
                    $"the subnet of {parent}, else the address alone"));
        }

        inferences.AddRange(attachment.Gateways.Except(config.Gateways).Select(gateway =>
            new Inference($"the {gateway.AddressFamily.Text()} gateway", $"{gateway}", $"the node's default route by {parent}")));
        return attachment;
    }

    /// <summary>Assumes the values that only a node knows, and records each as assumed.</summary>
    private static Attachment Assume(RouterConfig config, AttachmentNames names, Owner owner, List<Inference> inferences)
    {
        const string unknown = "assumed; on a node:";
        if (config.Master is null)
        {
            inferences.Add(
                new Inference(
                    "the parent", "PARENT", $"{unknown} the link whose subnet holds the first address, else that of the default route"));
        }

        int mtu = config.Settings.Mtu ?? AssumedMtu;
        if (config.Settings.Mtu is null)
        {
            inferences.Add(new Inference("the MTU", $"{mtu}", $"{unknown} that of the parent"));
        }

        var addresses = new List<AddressState>();
        foreach (EgressAddress address in config.Addresses)
        {
            int length = address.PrefixLength ?? (address.Address.AddressFamily == AddressFamily.InterNetwork ? 24 : 64);
            addresses.Add(new AddressState(address.Address, length));
            if (address.PrefixLength is null)
            {
                inferences.Add(
                    new Inference($"the prefix length of {address.Address}", $"{length}", $"{unknown} that of the parent's subnet"));
            }
        }

        var gateways = new List<IPAddress>();
        foreach (AddressState address in addresses.DistinctBy(address => address.Address.AddressFamily))
        {
            AddressFamily family = address.Address.AddressFamily;
            IPAddress? gateway = config.Gateways.FirstOrDefault(gateway => gateway.AddressFamily == family);
            gateways.Add(gateway ?? FirstHost(address));
            if (gateway is null)
            {
                inferences.Add(
                    new Inference($"the {family.Text()} gateway", $"{gateways[^1]}", $"{unknown} its default gateway by the parent"));
            }
        }

        return Attachment.Of(config, names, owner, new Parent(config.Master ?? "PARENT", 0, mtu, []), [.. addresses], [.. gateways]);
    }

    private static IPAddress FirstHost(AddressState address)
    {
        byte[] bytes = address.Address.Network(address.PrefixLength).GetAddressBytes();
        bytes[^1] |= 1;
        return new IPAddress(bytes);
    }

    private static PodFacts AssumePod(RouterConfig config, Attachment attachment, List<Inference> inferences)
    {
        string link = config.ClusterInterface ?? AssumedLink;
        RouteState[] defaults =
        [
            .. _assumedGateways.Where(gateway => attachment.FamiliesInUse.Contains(gateway.AddressFamily)).Select(gateway => new RouteState
            {
                Family = gateway.AddressFamily,
                Destination = gateway.AddressFamily.Any(),
                Gateway = gateway,
                Device = link,
                Metric = gateway.AddressFamily == AddressFamily.InterNetwork ? 0 : RouteState.DefaultIpv6Metric,
            }),
        ];
        inferences.Add(new Inference(
            "the pod", $"{link}, MTU {AssumedMtu}{string.Concat(defaults.Select(route => $", {route}"))}",
            "assumed; ADD takes it from the pod's namespace"));
        var snapshot = new PodSnapshot
        {
            Links = [new Link { Index = 1, Name = "lo", Settings = new() { IsUp = true } },
                new Link { Index = 2, Name = link, Settings = new() { IsUp = true, Mtu = AssumedMtu } }],
            MainDefaults = [.. defaults],
            HasIpv6 = true,
        };
        return snapshot.Facts(attachment.Names, sysctl => sysctl == Sysctl.AcceptIpv4Redirects ? 1 : 0, config.ClusterInterface);
    }
}
