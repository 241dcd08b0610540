using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Cni;
using EgressRouter.Commands;
using EgressRouter.Config;
using EgressRouter.Kernel;
using EgressRouter.State;
using EgressRouter.State.Nftables;
using Netlink;
using Netlink.NetFilter;
using Serilog.Core;

namespace EgressRouter.Tools;

/// <summary>How much of the connection table is in use.</summary>
/// <param name="Entries">Connections in it.</param>
/// <param name="Limit">How many it takes; then new ones are dropped.</param>
internal sealed record ConntrackUse(long Entries, long Limit)
{
    /// <summary>Whether new connections are dropped, or are about to be.</summary>
    public bool IsFull => Limit > 0 && Entries >= Limit - (Limit / 50);

    /// <summary>That of the namespace that the thread is in; null where the kernel does not tell.</summary>
    internal static ConntrackUse? Read() =>
        long.TryParse(SysctlFile.Read("net/netfilter/nf_conntrack_count"), CultureInfo.InvariantCulture, out long entries)
        && long.TryParse(SysctlFile.Read("net/netfilter/nf_conntrack_max"), CultureInfo.InvariantCulture, out long limit)
            ? new ConntrackUse(entries, limit) : null;
}

/// <summary>A destination with what goes on.</summary>
/// <param name="Counted">What was counted.</param>
/// <param name="Now">How many connections there are at this moment; null where the kernel does not tell.</param>
internal sealed record LiveDestination(CountedDestination Counted, int? Now);

/// <summary>A router as it is in a pod's namespace, and, where a configuration is given, as it should be.</summary>
internal sealed record RouterStatus
{
    /// <summary>The path of the pod's namespace.</summary>
    public required string NetNs { get; init; }

    /// <summary>The names of its objects.</summary>
    public required AttachmentNames Names { get; init; }

    /// <summary>What it remembers.</summary>
    public required SavedState Memory { get; init; }

    /// <summary>What is there.</summary>
    public required NetworkState Observed { get; init; }

    /// <summary>The destinations that are there; none where they were not asked for.</summary>
    public ImmutableArray<LiveDestination> Destinations { get; init; } = [];

    /// <summary>The pod's connection table; null where the kernel does not tell.</summary>
    public ConntrackUse? Conntrack { get; init; }

    /// <summary>The configuration completed; null where none is given.</summary>
    public Attachment? Attachment { get; init; }

    /// <summary>What the pod is besides; null where no configuration is given.</summary>
    public OriginalPodState? Pod { get; init; }

    /// <summary>The chains of others that translate destinations too: <c>ip nat PREROUTING</c>.</summary>
    public ImmutableArray<string> OtherTranslations { get; init; } = [];

    /// <summary>A connection of a client that goes elsewhere than its destination; null if there is none.</summary>
    public ConntrackEntry? Diverted { get; init; }

    /// <summary>What may keep clients from the router, and is nothing that <c>repair</c> could change.</summary>
    public IEnumerable<string> Warnings =>
    [
        .. Attachment is null || Pod is null ? [] : ClientWarnings.Of(Attachment, Pod),
        .. Diverted is not null
            ? []
            : Listing.Short(
                [.. OtherTranslations.Select(chain => $"the nftables chain {chain} translates destinations too: what it takes does not reach this router's")]),
    ];

    /// <summary>What should be there; null where no configuration is given.</summary>
    public NetworkState? Desired { get; init; }

    /// <summary>Why this is not the router that the configuration is for; null if it may be.</summary>
    public string? Mismatch { get; init; }

    /// <summary>What is wrong with the interface that clients come by, which is none of ours; null if nothing is.</summary>
    public string? ClusterFault { get; init; }

    /// <summary>Everything in which it differs from the configuration.</summary>
    public ImmutableArray<Difference> Differences => Desired is null ? [] : Difference.Between(Desired, Observed);

    /// <summary>What is wrong, the cause before what it brings about; empty if nothing is known to be.</summary>
    public IEnumerable<string> Faults =>
    [
        .. Mismatch is string other ? new[] { other } : [],
        .. ClusterFault is string cluster ? new[] { cluster } : [],
        .. Diverted is ConntrackEntry diverted ? new[] { WordsOf(diverted) } : [],
        .. Conntrack is { IsFull: true } full
            ? new[] { string.Create(CultureInfo.InvariantCulture,
                $"the connection table is full: {full.Entries} of {full.Limit}, new connections are dropped (net.netfilter.nf_conntrack_max)") } : [],
        .. Listing.Short(Differences),
    ];

    /// <summary>All routers of a pod, without a configuration to compare them with.</summary>
    public static ImmutableArray<RouterStatus> ReadAll(NetNamespace pod)
    {
        return pod.Run(() =>
        {
            using PodNetwork network = PodNetwork.Open();
            PodDump reading = network.Read();
            return network.ListAttachments().Select(known =>
            {
                SavedState memory = network.ReadMemory(known.Names);
                NetworkState observed = network.Observe(known.Names, memory.Sysctls.Keys, reading, withCounts: true);
                return Describe(pod.Path, known.Names, memory, observed).WithConnections(network).Shortened();
            }).ToImmutableArray();
        });
    }

    /// <summary>One router of a pod, beside what it should be.</summary>
    /// <param name="interfaceName">The name of the egress interface.</param>
    /// <exception cref="UsageException">The configuration cannot be completed on this node.</exception>
    public static RouterStatus Read(NetNamespace pod, RouterDefinition wanted, string interfaceName)
    {
        using NetlinkSocket node = NetlinkSocket.OpenRoute();
        return pod.Run(() =>
        {
            using PodNetwork network = PodNetwork.Open();
            return Read(pod.Path, wanted, new AttachmentNames(interfaceName), network, node).WithConnections(network);
        });
    }

    /// <summary>As the other, on the thread that is in the pod's namespace, and without the destinations.</summary>
    internal static RouterStatus Read(string path, RouterDefinition wanted, AttachmentNames names, PodNetwork network, NetlinkSocket node)
    {
        PodDump reading = network.Read(names);
        SavedState memory = network.ReadMemory(names);
        NetworkState observed = Made.NameParent(network.Observe(names, [], reading, withCounts: true), node);
        Made made = MadeBy(observed, names);
        RouterConfig config = made.Complete(wanted.Config.IpamType is null ? wanted.Config : WithGiven(wanted, made));
        Attachment attachment = AttachmentResolver.Resolve(
            config, names, memory.Owner, node, isNew: false, out ImmutableArray<ConfigError> faults)
            ?? throw new UsageException(string.Join('\n', faults.Select(fault => $"{wanted.Plugin.Source.File}: on this node: {fault}")));
        OriginalPodState pod = RequestContext.Facts(config, null, names, network, reading);
        NetworkState desired = StateBuilder.Present(attachment, pod);
        observed = observed with { Sysctls = reading.ReadSysctls(desired.Sysctls.Keys) };
        desired = LaterPlugins.Accept(desired, observed, attachment, network, reading);
        return Describe(
            path, names, memory, observed with { Conflicts = ConflictPolicy.Observe(config, attachment, network, node, Logger.None) }) with
        {
            Attachment = attachment,
            Pod = pod,
            Desired = desired,
            ClusterFault = pod.ClusterInterface is string cluster ? FaultOf(cluster, reading) : null,
            Mismatch = memory.Owner is Owner owner && wanted.Plugin.Network.Length > 0 && !owner.IsOfNetwork(wanted.Plugin.Network)
                ? $"the router {names.Interface} is of network {owner.Network}, {wanted.Plugin.Source.File} is about {wanted.Plugin.Network}" : null,
        };
    }

    private string WordsOf(ConntrackEntry connection)
    {
        (ConntrackTuple original, ConntrackTuple reply) = (connection.Original, connection.Reply);
        string by = OtherTranslations.IsEmpty ? "by rules that nftables does not show"
            : $"by the nftables chain {string.Join(", ", Listing.Short(OtherTranslations))}";
        return $"connections to {original.Destination} port {original.DestinationPort} are led to {reply.Source} port {reply.SourcePort}, and not to their destination: {by}, of another program in the pod";
    }

    /// <summary>With its interface the pod's own routes go, by which replies find clients.</summary>
    private static string? FaultOf(string cluster, PodDump reading) => reading.Links.FirstOrDefault(link => link.Name == cluster) switch
    {
        null => $"the cluster interface {cluster}, by which clients come, is missing",
        { IsUp: false } => $"the cluster interface {cluster}, by which clients come, is down",
        { HasCarrier: false } => $"the cluster interface {cluster}, by which clients come, has no carrier",
        _ => null,
    };

    private static RouterStatus Describe(string path, AttachmentNames names, SavedState memory, NetworkState observed) => new()
    {
        NetNs = path,
        Names = names,
        Memory = memory,
        Observed = observed,
        Conntrack = ConntrackUse.Read(),
    };

    /// <summary>With what clients do at this moment: the connections of a busy pod take a while to list.</summary>
    internal RouterStatus WithConnections(PodNetwork network)
    {
        ImmutableArray<CountedDestination> counted = Observed.Table is Table table ? NftTableReader.Destinations(table) : [];
        var redirections = new Redirections([.. counted.Select(destination => destination.Destination)], []);
        var now = new Dictionary<Destination, int>();
        ConntrackEntry? diverted = null;
        void Restart()
        {
            now.Clear();
            diverted = null;
        }

        void Count(ConntrackEntry connection)
        {
            if (Redirections.IsRedirected(connection) && redirections.Of(connection) is Destination destination)
            {
                now[destination] = now.GetValueOrDefault(destination) + 1;
            }

            diverted ??= redirections.IsDiverted(connection) ? connection : null;
        }

        bool isTold = TryReadConnections(network, Restart, Count);
        return this with
        {
            Destinations = [.. counted.Select(destination => new LiveDestination(destination,
                isTold ? now.GetValueOrDefault(destination.Destination) : null))],
            Diverted = diverted,
            OtherTranslations = network.ListOtherTranslations(),
        };
    }

    /// <summary>Without what was read to describe it: of many pods only what is shown is kept.</summary>
    private RouterStatus Shortened() => this with { Observed = Observed with { Table = null, Routes = [], Rules = [] } };

    /// <summary>Reads the connections of clients; false where the kernel does not tell.</summary>
    private bool TryReadConnections(PodNetwork network, Action restart, Action<ConntrackEntry> take)
    {
        try
        {
            network.ReadConnections(Names, restart, take);
            return true;
        }
        catch (NetlinkException missing) when (missing.Number is Errno.EINVAL or Errno.EOPNOTSUPP)
        {
            // The kernel has no nf_conntrack_netlink.
            return false;
        }
    }

    /// <summary>
    /// What ADD had inferred, or an IPAM plugin gave, the router still has: the addresses in its nf_tables table, their subnets
    /// and gateways in its routes, those of its own table first.
    /// </summary>
    private static Made MadeBy(NetworkState there, AttachmentNames names)
    {
        RouteState[] routes =
        [
            .. there.Routes.Where(route => route.Device == names.Interface).OrderByDescending(route => route.Table == names.EgressTable),
        ];
        RouteState? SubnetOf(IPAddress address) => routes.FirstOrDefault(route =>
            route is { PrefixLength: > 0, Gateway: null } && Subnet.Contains(route.Destination, route.PrefixLength, address));
        IPAddress[] addresses = there.Table is Table table ? [.. NftTableReader.Addresses(table)] : [];
        addresses = addresses.Length > 0 ? addresses : [.. there.Addresses.Select(address => address.Address)];
        int? LengthOf(IPAddress address) => there.Addresses.FirstOrDefault(known => known.Address.Equals(address))?.PrefixLength
            ?? SubnetOf(address)?.PrefixLength;
        return new Made(
            [.. addresses.Select(address => new EgressAddress(address, LengthOf(address)))],
            [.. routes.Where(route => route.IsDefault).Select(route => route.Gateway).OfType<IPAddress>()],
            there.Link?.Parent?.Name);
    }

    /// <summary>What an IPAM plugin gave is known to the router alone.</summary>
    private static RouterConfig WithGiven(RouterDefinition wanted, Made made)
    {
        ConfigResult result = wanted.Config.With([.. made.Addresses.Select(given => new CniIp(
            given.Address, given.PrefixLength ?? given.Address.AddressFamily.AddressBits(),
            made.Gateways.FirstOrDefault(gateway => gateway.AddressFamily == given.Address.AddressFamily), Interface: null))]);
        return result.Config ?? throw new UsageException(
            string.Join('\n', result.Faults.Select(fault => $"{wanted.Plugin.Source.File}: {fault}")));
    }
}
