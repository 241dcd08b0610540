using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Cni;
using Netlink.Routing;

namespace EgressRouter.Config;

/// <summary>A network configuration of type <c>egress-router</c>, understood in full: no text is left to be parsed later.</summary>
public sealed record RouterConfig
{
    /// <summary>
    /// What kind of link the egress interface is, and how it uses its parent (<c>interfaceType</c>, <c>interfaceArgs.mode</c>).
    /// </summary>
    public LinkKind Kind { get; init; } = InterfaceReader.DefaultKind;

    /// <summary>The name of the parent on the node (<c>interfaceArgs.master</c>), a link name; null: to be inferred.</summary>
    public string? Master { get; init; }

    /// <summary>
    /// What is set of the egress interface: its MTU (<c>interfaceArgs.mtu</c>), 68-65535, and its hardware address
    /// (<c>interfaceArgs.mac</c>, or what the runtime asks for). Null: the parent's MTU, any hardware address.
    /// </summary>
    public LinkSettings Settings { get; init; } = new();

    /// <summary>Whether the hardware address is the one that belongs to the first egress address (<see cref="StableMac.For"/>).</summary>
    public bool HasStableMac { get; init; }

    /// <summary>The IPAM plugin that gives addresses and gateways (<c>ipam.type</c>); null: the configuration does.</summary>
    public string? IpamType { get; init; }

    /// <summary>The addresses that the runtime asks the IPAM plugin for.</summary>
    public ImmutableArray<IPAddress> RequestedAddresses { get; init; } = [];

    /// <summary>What may be asked for, or given by the IPAM plugin (<c>ip.allowedAddresses</c>).</summary>
    public ImmutableArray<AllowedSubnet> AllowedAddresses { get; init; } = [];

    /// <summary>Where gateways and destinations stand: <c>ip</c>, or an entry of <c>podIP</c>.</summary>
    public string IpPath { get; init; } = "ip";

    /// <summary>Where the addresses stand.</summary>
    public string AddressesPath { get; init; } = "ip.addresses";

    /// <summary>The egress addresses, no two equal, at least one; none as long as the IPAM plugin was not asked.</summary>
    public ImmutableArray<EgressAddress> Addresses { get; init; } = [];

    /// <summary>The gateways (<c>ip.gateway</c>), one at most of each family with an address; none: to be inferred.</summary>
    public ImmutableArray<IPAddress> Gateways { get; init; } = [];

    /// <summary>
    /// The destinations (<c>ip.destinations</c>, then <c>ip.fallbackIP</c>) in their order, no two for one port and
    /// protocol, the fallback last. Empty when the router only gives the pod's own traffic its address.
    /// </summary>
    public ImmutableArray<Destination> Destinations { get; init; } = [];

    /// <summary>
    /// The pod's interface by which clients come (<c>clusterInterface</c>), a valid link name; null when it is to be
    /// inferred.
    /// </summary>
    public string? ClusterInterface { get; init; }

    /// <summary>
    /// Whether new connections from the outside to the pod are let in (<c>inbound</c>: <c>deny</c>, the default, or <c>allow</c>).
    /// </summary>
    public bool AllowInbound { get; init; }

    /// <summary>What is done where somebody else has an egress address (<c>conflictDetection</c>).</summary>
    public ConflictDetection ConflictDetection { get; init; }

    /// <summary>How long that may take, for all addresses together (<c>conflictDetectionTimeout</c>), 20 ms to 10 s.</summary>
    public TimeSpan ConflictDetectionTimeout { get; init; } = DefaultConflictDetectionTimeout;

    /// <summary>Where no other is configured.</summary>
    internal static TimeSpan DefaultConflictDetectionTimeout { get; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The <c>dns</c> object, to be passed on in the result; null when it is absent or empty.</summary>
    public CniDns? Dns { get; init; }

    /// <summary>Where the call is about no pod in particular: the same for the other entries of <c>podIP</c>.</summary>
    public ImmutableArray<RouterConfig> OtherPods { get; init; } = [];

    /// <summary>Reads a network configuration: the JSON object that a runtime gives to a plugin on its standard input.</summary>
    /// <param name="config">
    /// The object. Where a key stands twice the last counts; the caller is to refuse such documents
    /// (<see cref="JsonDocumentOptions"/>).
    /// </param>
    /// <param name="args">The pairs of CNI_ARGS.</param>
    /// <param name="forAnyPod">The call is about no pod in particular, as STATUS is: all entries of <c>podIP</c> count, and no address has
    /// to be asked for.</param>
    /// <returns>The configuration, or all that is wrong with it; never throws for what the document says.</returns>
    public static ConfigResult Parse(
        JsonElement config, ImmutableArray<KeyValuePair<string, string>> args = default, bool forAnyPod = false) =>
        ConfigParser.Read(config, args.IsDefault ? [] : args, forAnyPod);

    /// <summary>The configuration with what its IPAM plugin gave.</summary>
    /// <param name="ips">The addresses, with their gateways.</param>
    /// <returns>The configuration, or all that is wrong with what was given.</returns>
    public ConfigResult With(ImmutableArray<CniIp> ips) => IpamAddresses.Apply(this, ips);
}

/// <summary>An egress address: a reserved source address, as written in <c>ip.addresses</c>.</summary>
/// <param name="Address">A unicast IPv4 or IPv6 address, never IPv4-mapped, never with a zone.</param>
/// <param name="PrefixLength">The prefix length in bits, 1-32 or 1-128; null when it is to be inferred from the parent.</param>
/// <param name="LeastLength">
/// Minimum prefix length of a requested address; a shorter one must equal that of the parent's subnet. Null for a configured
/// address.
/// </param>
public readonly record struct EgressAddress(IPAddress Address, int? PrefixLength, int? LeastLength = null)
{
    /// <summary>As in the configuration: <c>192.168.12.99/24</c>, or the address alone.</summary>
    public override string ToString() => PrefixLength is int length ? $"{Address}/{length}" : $"{Address}";
}

/// <summary>What is done where somebody else has an egress address (<c>conflictDetection</c>).</summary>
public enum ConflictDetection
{
    /// <summary>Nobody is asked.</summary>
    Off,

    /// <summary>ADD refuses, and CHECK reports it.</summary>
    On,

    /// <summary>It is logged.</summary>
    Warn,
}
