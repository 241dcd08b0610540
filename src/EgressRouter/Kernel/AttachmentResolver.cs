using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;
using EgressRouter.State;
using Netlink;
using Netlink.Routing;

namespace EgressRouter.Kernel;

/// <summary>
/// Completes a configuration with facts of the node: the parent, missing prefix lengths, missing gateways. It requests single
/// links and routes only, because a node may have thousands.
/// </summary>
public static class AttachmentResolver
{
    /// <summary>Resolves all values that the configuration leaves open.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="names">The names of the attachment's kernel objects.</param>
    /// <param name="owner">The attachment's owner, or null if unknown.</param>
    /// <param name="node">A route socket in the node's namespace.</param>
    /// <param name="isNew">Whether the attachment is to be created, and must fit the parent's current state.</param>
    /// <param name="errors">The values that cannot be inferred or contradict the node; empty on success.</param>
    /// <returns>The attachment, or null if there are errors.</returns>
    /// <exception cref="NetlinkException">The kernel refuses a request.</exception>
    public static Attachment? Resolve(
        RouterConfig config, AttachmentNames names, Owner? owner, NetlinkSocket node, bool isNew, out ImmutableArray<ConfigError> errors)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(node);
        ImmutableArray<ConfigError>.Builder found = ImmutableArray.CreateBuilder<ConfigError>();
        Route? first = null;
        for (int i = 0; i < config.Addresses.Length; i++)
        {
            Route? route = node.GetRoute(config.Addresses[i].Address);
            first = i == 0 ? route : first;
            RouteType? type = route?.Type;
            // An existing attachment stays valid if its address has become a broadcast address.
            if (type == RouteType.Local || (type == RouteType.Broadcast && isNew))
            {
                found.Add(new ConfigError($"{config.AddressesPath}[{i}]", config.Addresses[i].ToString(), type == RouteType.Local
                    ? "is an address of the node itself; an egress address must be reserved for the router"
                    : "is the broadcast address of a subnet of the node"));
            }
        }

        Link? parent = FindParent(config, first, node, found);
        Attachment? attachment = parent is null ? null : Complete(config, names, owner, parent, node, isNew, found);
        errors = found.ToImmutable();
        return errors.IsEmpty ? attachment : null;
    }

    /// <summary>The configured or inferred parent; null with an error if there is none.</summary>
    /// <param name="route">The node's route to the first address.</param>
    /// <param name="node">A route socket in the node's namespace.</param>
    private static Link? FindParent(RouterConfig config, Route? route, NetlinkSocket node, ImmutableArray<ConfigError>.Builder errors)
    {
        if (config.Master is string master)
        {
            Link? link = node.GetLink(master);
            if (link is null)
            {
                errors.Add(new ConfigError(InterfaceParser.MasterPath, master, "the node has no link of this name"));
            }

            return link;
        }

        (Link? parent, string? reason) = InferParent(config.Addresses.IsEmpty ? null : config.Addresses[0].Address, route, node);
        if (reason is not null)
        {
            errors.Add(new ConfigError(InterfaceParser.MasterPath, null, $"is missing, and cannot be inferred: {reason}"));
        }

        return parent;
    }

    /// <summary>The link on whose subnet the first address is, else that of the default route; or why it is ambiguous.</summary>
    /// <param name="address">The first address, or null if IPAM has not assigned one yet.</param>
    /// <param name="route">The node's route to the address.</param>
    /// <param name="node">A route socket in the node's namespace.</param>
    private static (Link? Parent, string? Reason) InferParent(IPAddress? address, Route? route, NetlinkSocket node)
    {
        string what = $"route to {address}";
        ImmutableArray<NextHop> hops = node.HopsOnLink(route) ?? [];
        foreach (AddressFamily family in Families.All.Where(family => hops.IsEmpty && (address is null || address.AddressFamily == family)))
        {
            (what, hops) = ($"{family.Text()} default route", node.DefaultHops(family));
        }

        Link[] links = [.. hops.Select(hop => hop.OutputInterface).OfType<int>().Distinct().Select(node.GetLink).OfType<Link>()];
        return links switch
        {
            [Link only] => (only, null),
            [] when address is null => (null, "the node has no default route"),
            [] => (null,
                $"no link of the node has a subnet with {address}, and the node has no {address.AddressFamily.Text()} default route"),
            _ => (null, $"the node's {what} has next hops by several links, {string.Join(", ", links.Select(link => link.Name))}"),
        };
    }

    private static Attachment Complete(
        RouterConfig config, AttachmentNames names, Owner? owner, Link parent, NetlinkSocket node, bool isNew,
        ImmutableArray<ConfigError>.Builder errors)
    {
        if (isNew && config.Settings.Mtu > parent.Mtu)
        {
            errors.Add(
                new ConfigError(
                    InterfaceParser.MtuPath, $"{config.Settings.Mtu}", $"is above the {parent.Mtu} of the parent {parent.Name}"));
        }

        ImmutableArray<AddressState> addresses = [.. config.Addresses.Select(address =>
            new AddressState(address.Address, address.PrefixLength ?? InferPrefixLength(address.Address, parent, node)))];
        if (isNew)
        {
            CheckPrefixLengths(config, addresses, parent, node, errors);
        }

        var gateways = new List<IPAddress>();
        foreach (AddressFamily family in Families.All.Where(family => addresses.Any(address => address.Address.AddressFamily == family)))
        {
            IPAddress? gateway = config.Gateways.FirstOrDefault(gateway => gateway.AddressFamily == family)
                ?? InferGateway(config, addresses, family, parent, node, errors);
            if (gateway is not null)
            {
                gateways.Add(gateway);
            }
        }

        ImmutableArray<IPAddress> nodeAddresses = config.Kind.IsOnParentNetwork
            ? [.. node.ListAddresses(parent).Select(address => address.Address).Where(address => !address.IsIPv6LinkLocal)]
            : [];
        if (isNew)
        {
            RejectNodeAddresses(config, nodeAddresses, parent, errors);
            RejectParentInUse(config, nodeAddresses, parent, node, errors);
        }

        return Attachment.Of(
            config, names, owner, new Parent(parent.Name, ParentIndexFor(parent, config.Kind), parent.Mtu, nodeAddresses), addresses,
            [.. gateways]);
    }

    /// <summary>Checks addresses and gateways with the inferred prefix lengths, as if the configuration had them.</summary>
    private static void CheckPrefixLengths(
        RouterConfig config, ImmutableArray<AddressState> addresses, Link parent, NetlinkSocket node,
        ImmutableArray<ConfigError>.Builder errors)
    {
        for (int i = 0; i < addresses.Length; i++)
        {
            (IPAddress address, int length) = (addresses[i].Address, addresses[i].PrefixLength);
            // Otherwise a requested address with a short prefix would make many remote hosts on-link.
            string? reason = length < config.Addresses[i].MinPrefixLength && length != InferPrefixLength(address, parent, node)
                ? $"a prefix length below the {config.Addresses[i].MinPrefixLength} of {config.IpPath}.allowedAddresses must be that of the parent's subnet"
                : AddressesParser.TryCheck(address, length, out string? invalid) ? null : invalid;
            if (reason is not null)
            {
                errors.Add(new ConfigError($"{config.AddressesPath}[{i}]", config.Addresses[i].ToString(), reason));
            }
        }

        ImmutableArray<EgressAddress> complete = [.. addresses.Select(address => new EgressAddress(address.Address, address.PrefixLength))];
        errors.AddRange(config.Gateways
            .Select(gateway => (gateway, reason: GatewaysParser.TryCheck(gateway, complete, out string? reason) ? null : reason))
            .Where(pair => pair.reason is not null)
            .Select(pair => new ConfigError($"{config.IpPath}.gateway", $"{pair.gateway}", pair.reason!)));
    }

    /// <summary>The egress interface cannot reach its own parent, so the parent is no valid gateway or destination.</summary>
    private static void RejectNodeAddresses(
        RouterConfig config, ImmutableArray<IPAddress> nodeAddresses, Link parent, ImmutableArray<ConfigError>.Builder errors)
    {
        string reason = $"is an address of the parent {parent.Name}, which {config.Kind.WithArticle} on it cannot reach";
        HashSet<IPAddress> own = [.. nodeAddresses];
        errors.AddRange(
            config.Gateways.Where(own.Contains).Select(gateway => new ConfigError($"{config.IpPath}.gateway", $"{gateway}", reason)));
        errors.AddRange(config.Destinations.Where(destination => own.Contains(destination.Address))
            .Select(destination => new ConfigError($"{config.IpPath}.destinations", $"{destination}", reason)));
    }

    /// <summary>A macvlan in passthru mode takes all packets of its parent, and sets the parent's hardware address.</summary>
    private static void RejectParentInUse(
        RouterConfig config, ImmutableArray<IPAddress> nodeAddresses, Link parent, NetlinkSocket node,
        ImmutableArray<ConfigError>.Builder errors)
    {
        if (config.Kind is not Macvlan { MacvlanMode: MacvlanMode.Passthru })
        {
            return;
        }

        string? use = nodeAddresses.IsEmpty ? null : $"address {nodeAddresses[0]}";
        use ??= node.ListLinks().FirstOrDefault(link => link.ParentIndex == parent.Index && !link.ParentElsewhere) is Link above
            ? $"link {above.Name}"
            : null;
        use ??= Families.All.Where(
            family => !node.DefaultHops(family, parent.Index).IsEmpty).Select(family => $"{family.Text()} default route").FirstOrDefault();
        if (use is not null)
        {
            errors.Add(new ConfigError(
                InterfaceParser.ModePath, "passthru",
                $"would take the parent {parent.Name} from the node, which uses it ({use}): use bridge, or a link that the node does not use"));
        }
    }

    /// <summary>For a macvlan on a macvlan, or an ipvlan on an ipvlan, the kernel uses the parent of the lower link.</summary>
    private static int ParentIndexFor(Link parent, LinkKind kind) =>
        parent is { ParentIndex: int lower, ParentElsewhere: false } && parent.Kind?.Name == kind.Name ? lower : parent.Index;

    /// <summary>The prefix length of the parent's subnet that contains the address, else the host prefix length.</summary>
    private static int InferPrefixLength(IPAddress address, Link parent, NetlinkSocket node) =>
        node.GetRoute(address, parent.Index) is Route subnet && node.HopsOnLink(subnet) is not null
            ? subnet.PrefixLength
            : address.AddressFamily.AddressBits();

    private static IPAddress? InferGateway(
        RouterConfig config, ImmutableArray<AddressState> addresses, AddressFamily family, Link parent, NetlinkSocket node,
        ImmutableArray<ConfigError>.Builder errors)
    {
        ImmutableArray<NextHop> hops = node.DefaultHops(family, parent.Index);
        string route = $"the node's {family.Text()} default route by the parent {parent.Name}";
        string? reason = null;
        // The node uses all of several gateways alike. The lowest address is the same on every node and at every ADD.
        foreach (IPAddress gateway in hops.Select(hop => hop.Gateway).OfType<IPAddress>().Where(gateway => gateway.AddressFamily == family)
            .OrderBy(gateway => Convert.ToHexString(gateway.GetAddressBytes()), StringComparer.Ordinal))
        {
            if (WhyNotInferred(gateway, config, addresses, parent) is not string fault)
            {
                return gateway;
            }

            reason ??= fault;
        }

        errors.Add(new ConfigError($"{config.IpPath}.gateway", null, "is missing, and cannot be inferred: " + (reason ?? hops switch
        {
            [] => $"the node has no {family.Text()} default route by the parent {parent.Name}",
            [{ Gateway: IPAddress other }, ..] => $"{route} has an {other.AddressFamily.Text()} gateway, {other}",
            _ => $"{route} has no gateway",
        })));
        return null;
    }

    /// <summary>An inferred gateway must pass the checks of a configured one, and a subnet must contain the addresses.</summary>
    private static string? WhyNotInferred(IPAddress gateway, RouterConfig config, ImmutableArray<AddressState> addresses, Link parent)
    {
        ImmutableArray<(EgressAddress Written, AddressState Complete)> own =
            [.. config.Addresses.Zip(addresses).Where(pair => pair.Second.Address.AddressFamily == gateway.AddressFamily)];
        if (own.All(pair => pair.Written.PrefixLength is null && pair.Complete.PrefixLength == gateway.AddressFamily.AddressBits()))
        {
            string all = string.Join(", ", own.Select(pair => pair.Written.Address));
            return $"no subnet of the parent {parent.Name} has {all}; with a prefix length, the gateway would be {gateway}";
        }

        EgressAddress[] complete = [.. own.Select(pair => new EgressAddress(pair.Complete.Address, pair.Complete.PrefixLength))];
        return GatewaysParser.TryCheck(gateway, [.. complete], out string? reason)
            ? null
            : $"the node's default gateway by the parent {parent.Name} \"{gateway}\": {reason}";
    }
}
