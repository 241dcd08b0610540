using System.Collections.Immutable;
using System.Globalization;
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

/// <summary>A destination with its counters and current connections.</summary>
/// <param name="Counted">The destination and its counters.</param>
/// <param name="Now">The number of current connections, or null if the kernel cannot list them.</param>
internal sealed record LiveDestination(CountedDestination Counted, int? Now);

/// <summary>A router's observed state in a pod's namespace, and its desired state if a configuration is given.</summary>
internal sealed record RouterStatus
{
    public required string NetNs { get; init; }

    public required AttachmentNames Names { get; init; }

    /// <summary>The state that ADD saved.</summary>
    public required SavedState Saved { get; init; }

    public required NetworkState Observed { get; init; }

    /// <summary>The addresses that this pod shares with others (high availability), and which of them it has now.</summary>
    public SharedAddresses Shared { get; init; } = SharedAddresses.None;

    /// <summary>The destinations in the nf_tables table; empty if they were not requested.</summary>
    public ImmutableArray<LiveDestination> Destinations { get; init; } = [];

    /// <summary>The use of the pod's connection tracking table, or null if the kernel does not show it.</summary>
    public ConntrackUse? Conntrack { get; init; }

    /// <summary>The completed configuration, or null if none is given.</summary>
    public Attachment? Attachment { get; init; }

    /// <summary>The rest of the pod's state, or null if no configuration is given.</summary>
    public PodFacts? Pod { get; init; }

    /// <summary>Other programs' chains that also translate destinations: <c>ip nat PREROUTING</c>.</summary>
    public ImmutableArray<string> OtherTranslations { get; init; } = [];

    /// <summary>A client connection that another translation leads elsewhere, or null if there is none.</summary>
    public ConntrackEntry? Diverted { get; init; }

    /// <summary>Conditions that may keep clients from the router, and that <c>repair</c> cannot change.</summary>
    public IEnumerable<string> Warnings =>
    [
        .. Attachment is null || Pod is null ? [] : ClientWarnings.Of(Attachment, Pod),
        .. Diverted is not null
            ? []
            : ShortList.Short(
                [.. OtherTranslations.Select(chain => $"the nftables chain {chain} translates destinations too: connections that it translates bypass this router")]),
    ];

    /// <summary>The desired state, or null if no configuration is given.</summary>
    public NetworkState? Desired { get; init; }

    /// <summary>Why this router belongs to another configuration, or null if it may match.</summary>
    public string? Mismatch { get; init; }

    /// <summary>The fault of the cluster interface, which this plugin does not manage, or null if it has none.</summary>
    public string? ClusterFault { get; init; }

    /// <summary>All differences from the configuration.</summary>
    public ImmutableArray<Difference> Differences => Desired is null ? [] : Difference.Between(Desired, Observed);

    /// <summary>The known faults, each cause before its effects.</summary>
    public IEnumerable<string> Faults =>
    [
        .. Mismatch is string other ? new[] { other } : [],
        .. ClusterFault is string cluster ? new[] { cluster } : [],
        .. Diverted is ConntrackEntry diverted ? new[] { DescribeDiverted(diverted) } : [],
        .. Conntrack is { IsFull: true } full
            ? new[] { string.Create(CultureInfo.InvariantCulture,
                $"the connection table is full: {full.Entries} of {full.Limit}, new connections are dropped (net.netfilter.nf_conntrack_max)") } : [],
        .. ShortList.Short(Differences),
    ];

    /// <summary>Reads all routers of a pod, without a configuration to compare them with.</summary>
    public static ImmutableArray<RouterStatus> ReadAll(NetNamespace pod)
    {
        return pod.Run(() =>
        {
            using PodNetwork network = PodNetwork.Open();
            PodDump dump = network.Read();
            return network.ListAttachments().Select(known =>
            {
                SavedState saved = network.ReadSavedState(known.Names);
                NetworkState observed = network.Observe(known.Names, saved.Sysctls.Keys, dump, withCounts: true);
                return Describe(pod.Path, known.Names, saved, observed).WithConnections(network).Shortened();
            }).ToImmutableArray();
        });
    }

    /// <summary>Reads one router of a pod and compares it with a configuration.</summary>
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

    /// <summary>Reads a router on a thread in the pod's namespace, without its destinations.</summary>
    internal static RouterStatus Read(string path, RouterDefinition wanted, AttachmentNames names, PodNetwork network, NetlinkSocket node)
    {
        PodDump dump = network.Read(names);
        SavedState saved = network.ReadSavedState(names);
        NetworkState observed = InferredValues.NameParent(network.Observe(names, [], dump, withCounts: true), node);
        InferredValues inferred = InferredValues.Of(observed, names);
        RouterConfig config = inferred.Complete(wanted.Config.IpamType is null ? wanted.Config : WithGiven(wanted, inferred));
        Attachment attachment = AttachmentResolver.Resolve(
            config, names, saved.Owner, node, isNew: false, out ImmutableArray<ConfigError> faults)
            ?? throw new UsageException(string.Join('\n', faults.Select(fault => $"{wanted.Plugin.Source.File}: on this node: {fault}")));
        PodFacts facts = CommandSteps.Facts(config, null, names, network, dump);
        NetworkState desired = StateBuilder.Present(attachment, facts);
        observed = observed with { Sysctls = dump.ReadSysctls(desired.Sysctls.Keys) };
        desired = LaterPlugins.Accept(desired, observed, attachment, network, dump);
        ImmutableArray<AddressConflict> conflicts = ConflictPolicy.Observe(config, attachment, observed, network, node, Logger.None);
        return Describe(path, names, saved, observed with { Conflicts = conflicts }) with
        {
            Attachment = attachment,
            Pod = facts,
            Desired = desired,
            ClusterFault = facts.ClusterInterface is string cluster ? FaultOf(cluster, dump) : null,
            Mismatch = saved.Owner is Owner owner && wanted.Plugin.Network.Length > 0 && !owner.IsOfNetwork(wanted.Plugin.Network)
                ? $"the router {names.Interface} is of network {owner.Network}, {wanted.Plugin.Source.File} is about {wanted.Plugin.Network}" : null,
        };
    }

    private string DescribeDiverted(ConntrackEntry connection)
    {
        (ConntrackTuple original, ConntrackTuple reply) = (connection.Original, connection.Reply);
        string by = OtherTranslations.IsEmpty ? "by rules that nftables does not show"
            : $"by the nftables chain {string.Join(", ", ShortList.Short(OtherTranslations))}";
        return $"connections to {original.Destination} port {original.DestinationPort} are led to {reply.Source} port {reply.SourcePort}, and not to their destination: {by}, of another program in the pod";
    }

    /// <summary>The pod's own routes, which carry replies to clients, vanish with this interface.</summary>
    private static string? FaultOf(string cluster, PodDump dump) => dump.Links.FirstOrDefault(link => link.Name == cluster) switch
    {
        null => $"the cluster interface {cluster}, by which clients come, is missing",
        { IsUp: false } => $"the cluster interface {cluster}, by which clients come, is down",
        { HasCarrier: false } => $"the cluster interface {cluster}, by which clients come, has no carrier",
        _ => null,
    };

    private static RouterStatus Describe(string path, AttachmentNames names, SavedState saved, NetworkState observed) => new()
    {
        NetNs = path,
        Names = names,
        Saved = saved,
        Observed = observed,
        Shared = SharedAddresses.Of(observed),
        Conntrack = ConntrackUse.Read(),
    };

    /// <summary>Adds the current connections. In a busy pod, listing them takes a while.</summary>
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
            if (Redirections.IsTranslatedElsewhere(connection) && redirections.Of(connection) is Destination destination)
            {
                now[destination] = now.GetValueOrDefault(destination) + 1;
            }

            diverted ??= redirections.IsDiverted(connection) ? connection : null;
        }

        bool isListed = TryReadConnections(network, Restart, Count);
        return this with
        {
            Destinations = [.. counted.Select(destination => new LiveDestination(destination,
                isListed ? now.GetValueOrDefault(destination.Destination) : null))],
            Diverted = diverted,
            OtherTranslations = network.ListOtherTranslations(),
        };
    }

    /// <summary>Keeps only what is shown: a node may have many pods.</summary>
    private RouterStatus Shortened() => this with { Observed = Observed with { Table = null, Routes = [], Rules = [] } };

    /// <summary>Reads the connections of clients; returns false if the kernel cannot list them.</summary>
    private bool TryReadConnections(PodNetwork network, Action restart, Action<ConntrackEntry> take)
    {
        try
        {
            network.ReadConnections(Names, restart, take);
            return true;
        }
        catch (NetlinkException missing) when (missing.Number is Errno.EINVAL or Errno.EOPNOTSUPP)
        {
            return false;
        }
    }

    /// <summary>Only the router itself knows the addresses that an IPAM plugin assigned.</summary>
    private static RouterConfig WithGiven(RouterDefinition wanted, InferredValues inferred)
    {
        ConfigResult result = wanted.Config.With([.. inferred.Addresses.Select(given => new CniIp(
            given.Address, given.PrefixLength ?? given.Address.AddressFamily.AddressBits(),
            inferred.Gateways.FirstOrDefault(gateway => gateway.AddressFamily == given.Address.AddressFamily), Interface: null))]);
        return result.Config ?? throw new UsageException(
            string.Join('\n', result.Errors.Select(fault => $"{wanted.Plugin.Source.File}: {fault}")));
    }
}
