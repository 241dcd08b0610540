using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Cni;
using Netlink.Routing;

namespace EgressRouter.Config;

/// <summary>A fully parsed network configuration of type <c>egress-router</c>.</summary>
public sealed record RouterConfig
{
    /// <summary>The kind and mode of the egress link (<c>interfaceType</c>, <c>interfaceArgs.mode</c>).</summary>
    public LinkKind Kind { get; init; } = InterfaceParser.DefaultKind;

    /// <summary>The name of the parent link on the node (<c>interfaceArgs.master</c>), or null to infer it.</summary>
    public string? Master { get; init; }

    /// <summary>
    /// Link settings from <c>interfaceArgs</c>; the hardware address may be the runtime's request. Null means the kernel's value.
    /// </summary>
    public LinkSettings Settings { get; init; } = new();

    /// <summary>Whether the hardware address is derived from the first egress address (<see cref="StableMac.For"/>).</summary>
    public bool HasStableMac { get; init; }

    /// <summary>The IPAM plugin that assigns addresses and gateways (<c>ipam.type</c>), or null if the configuration has them.</summary>
    public string? IpamType { get; init; }

    /// <summary>The addresses that the runtime requests from the IPAM plugin.</summary>
    public ImmutableArray<IPAddress> RequestedAddresses { get; init; } = [];

    /// <summary>The subnets from which addresses may be requested or assigned by IPAM (<c>ip.allowedAddresses</c>).</summary>
    public ImmutableArray<AllowedSubnet> AllowedAddresses { get; init; } = [];

    /// <summary>The path of gateways and destinations: <c>ip</c>, or an entry of <c>podIP</c>.</summary>
    public string IpPath { get; init; } = "ip";

    /// <summary>The path of the addresses.</summary>
    public string AddressesPath { get; init; } = "ip.addresses";

    /// <summary>The egress addresses, at least one, without duplicates; empty before the IPAM plugin has assigned them.</summary>
    public ImmutableArray<EgressAddress> Addresses { get; init; } = [];

    /// <summary>
    /// Whether several pods have these addresses, one at a time (<c>ip.highAvailability</c>): another program assigns and announces them.
    /// </summary>
    public bool HighAvailability { get; init; }

    /// <summary>The gateways (<c>ip.gateway</c>, <c>ip.gateways</c>), at most one per address family in use; empty to infer them.</summary>
    public ImmutableArray<IPAddress> Gateways { get; init; } = [];

    /// <summary>
    /// The destinations (<c>ip.destinations</c>, then <c>ip.fallbackIP</c>) in order, without overlapping ports per protocol and
    /// family; a family's fallback is its last entry. Empty if the router only sets the source address of the pod's own traffic.
    /// </summary>
    public ImmutableArray<Destination> Destinations { get; init; } = [];

    /// <summary>
    /// The pod's interface that receives client traffic (<c>clusterInterface</c>), a valid link name, or null to infer it.
    /// </summary>
    public string? ClusterInterface { get; init; }

    /// <summary>
    /// Whether the pod accepts new connections from outside (<c>inbound</c>: <c>deny</c>, the default, or <c>allow</c>).
    /// </summary>
    public bool AllowInbound { get; init; }

    /// <summary>The reaction to an egress address that another host uses (<c>conflictDetection</c>).</summary>
    public ConflictDetection ConflictDetection { get; init; }

    /// <summary>The time limit of conflict detection for all addresses (<c>conflictDetectionTimeout</c>), 20 ms to 10 s.</summary>
    public TimeSpan ConflictDetectionTimeout { get; init; } = DefaultConflictDetectionTimeout;

    internal static TimeSpan DefaultConflictDetectionTimeout { get; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The <c>dns</c> object to return in the result, or null if it is absent or empty.</summary>
    public CniDns? Dns { get; init; }

    /// <summary>The configurations of the other <c>podIP</c> entries, if the command concerns no particular pod.</summary>
    public ImmutableArray<RouterConfig> OtherPods { get; init; } = [];

    /// <summary>Parses a network configuration: the JSON object that a runtime passes to a plugin on stdin.</summary>
    /// <param name="config">
    /// The object. The last of duplicate keys counts; callers must reject such documents (<see cref="JsonDocumentOptions"/>).
    /// </param>
    /// <param name="args">The key-value pairs of CNI_ARGS.</param>
    /// <param name="forAnyPod">
    /// Whether the command concerns no particular pod (STATUS): then all entries of <c>podIP</c> count, and no address request is
    /// required.
    /// </param>
    /// <returns>The configuration, or all its errors. Never throws because of the document's content.</returns>
    public static ConfigResult Parse(
        JsonElement config, ImmutableArray<KeyValuePair<string, string>> args = default, bool forAnyPod = false) =>
        ConfigParser.Read(config, args.IsDefault ? [] : args, forAnyPod);

    /// <summary>Adds the addresses and gateways of the IPAM plugin's result.</summary>
    /// <param name="ips">The addresses, with their gateways.</param>
    /// <returns>The complete configuration, or all errors of the result.</returns>
    public ConfigResult With(ImmutableArray<CniIp> ips) => IpamAddresses.Apply(this, ips);
}

/// <summary>An egress address: a reserved source address, as written in <c>ip.addresses</c>.</summary>
/// <param name="Address">A unicast IPv4 or IPv6 address, never IPv4-mapped, without a zone.</param>
/// <param name="PrefixLength">The prefix length in bits, 1-32 or 1-128, or null to infer it from the parent.</param>
/// <param name="MinPrefixLength">
/// The minimum prefix length of a requested address; a shorter one must equal that of the parent's subnet. Null for a configured
/// address.
/// </param>
public readonly record struct EgressAddress(IPAddress Address, int? PrefixLength, int? MinPrefixLength = null)
{
    /// <summary>The configuration's form: <c>192.168.12.99/24</c>, or the address alone.</summary>
    public override string ToString() => PrefixLength is int length ? $"{Address}/{length}" : $"{Address}";
}

/// <summary>The reaction to an egress address that another host uses (<c>conflictDetection</c>).</summary>
public enum ConflictDetection
{
    /// <summary>No detection.</summary>
    Off,

    /// <summary>ADD fails, and CHECK reports the conflict.</summary>
    On,

    /// <summary>The conflict is logged.</summary>
    Warn,
}
