using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;
using Cni;
using EgressRouter.Config;
using Netlink.NetFilter;

namespace EgressRouter.State;

/// <summary>What an attachment found and changed; it is kept as comments in the attachment's nf_tables table.</summary>
/// <param name="Defaults">The default routes that the pod had, in the main table; DEL puts them back.</param>
/// <param name="Returns">Routes for replies that stand in for a default route that the pod had not.</param>
/// <param name="NodeAddresses">The addresses of the node that the attachment's rules are about.</param>
/// <param name="Owner">Whose the attachment is; null in what an interrupted or foreign hand left.</param>
/// <param name="ClusterInterface">The interface by which clients come, where the configuration named it.</param>
/// <param name="Sysctls">Kernel parameters, by path, with the values that they had; DEL puts them back.</param>
public sealed record RestoreMemory(
    ImmutableArray<RouteState> Defaults,
    ImmutableArray<RouteState> Returns,
    ImmutableArray<IPAddress> NodeAddresses,
    Owner? Owner,
    string? ClusterInterface,
    ImmutableSortedDictionary<string, string> Sysctls)
{
    /// <summary>More is not remembered, and not read: ADD writes some ten lines, and one for each default route of the pod.</summary>
    public const int MostLines = 1_000;

    private const string ReturnPrefix = "return ";

    private const string NodePrefix = "node ";

    private const string ClusterPrefix = "cluster ";

    private const string NetworkPrefix = "network ";

    private const string ContainerPrefix = "container ";

    /// <summary>Begins what belongs to the line before.</summary>
    private const char MorePrefix = '+';

    /// <summary>A comment holds 254 bytes. The link's name, which need not be ASCII, stands in the first part of a line.</summary>
    private const int MaxLength = 220;

    /// <summary>Nothing to put back.</summary>
    public static RestoreMemory None { get; } = new([], [], [], null, null, ImmutableSortedDictionary<string, string>.Empty);

    /// <summary>The comments, from which <see cref="Read"/> makes this again: one for each thing, or more where it is long.</summary>
    public IEnumerable<string> ToLines() => Things().SelectMany(Cut);

    private IEnumerable<string> Things() =>
    [
        .. Sysctls.Select(sysctl => $"{sysctl.Key}={sysctl.Value}"),
        .. Defaults.Select(route => route.ToMemory()),
        .. Returns.Select(route => ReturnPrefix + route.ToMemory()),
        .. NodeAddresses.Select(address => NodePrefix + address),
        .. ClusterInterface is null ? Array.Empty<string>() : [ClusterPrefix + ClusterInterface],
        .. Owner is null ? Array.Empty<string>() : [NetworkPrefix + Remembered(Owner.Network), ContainerPrefix + Remembered(Owner.Container)],
    ];

    /// <summary>What the rules of a table of ours remember. Lines that are not ours are passed over.</summary>
    public static RestoreMemory Read(IEnumerable<Rule> rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        ImmutableArray<RouteState>.Builder defaults = ImmutableArray.CreateBuilder<RouteState>();
        ImmutableArray<IPAddress>.Builder nodes = ImmutableArray.CreateBuilder<IPAddress>();
        ImmutableArray<RouteState>.Builder returns = ImmutableArray.CreateBuilder<RouteState>();
        string? cluster = null;
        string? network = null;
        string? container = null;
        ImmutableSortedDictionary<string, string>.Builder sysctls = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        // Nothing of ours has a control character; the kernel would end a path at a NUL, and a number may end with some.
        IEnumerable<string> comments = rules.Where(rule => rule.Chain == Ruleset.RestoreChain).Select(rule => rule.Comment).OfType<string>();
        foreach (string line in Joined(comments.Where(comment => !comment.Any(char.IsControl))))
        {
            // The value is a number; a link's name may hold nearly anything.
            int equals = line.LastIndexOf('=');
            if (equals > 0 && IsRestorable(line[..equals], line[(equals + 1)..]))
            {
                sysctls[line[..equals]] = line[(equals + 1)..];
            }
            else if (RouteState.FromMemory(line) is RouteState { IsDefault: true } route)
            {
                defaults.Add(route);
            }
            else if (line.StartsWith(ReturnPrefix, StringComparison.Ordinal) && RouteState.FromMemory(line[ReturnPrefix.Length..]) is RouteState { IsDefault: true } stand)
            {
                returns.Add(stand);
            }
            else if (line.StartsWith(NodePrefix, StringComparison.Ordinal) && IPAddress.TryParse(line[NodePrefix.Length..], out IPAddress? address))
            {
                nodes.Add(address);
            }
            else if (line.StartsWith(ClusterPrefix, StringComparison.Ordinal) && LinkName.WhyNot(line[ClusterPrefix.Length..]) is null)
            {
                cluster = line[ClusterPrefix.Length..];
            }
            else if (line.StartsWith(NetworkPrefix, StringComparison.Ordinal))
            {
                network = line[NetworkPrefix.Length..];
            }
            else if (line.StartsWith(ContainerPrefix, StringComparison.Ordinal))
            {
                container = line[ContainerPrefix.Length..];
            }
        }

        Owner? owner = network is null || container is null ? null : new Owner(network, container);
        return new RestoreMemory(defaults.ToImmutable(), returns.ToImmutable(), nodes.ToImmutable(), owner, cluster, sysctls.ToImmutable());
    }

    /// <summary>Whether an owner that is remembered is this container.</summary>
    public static bool IsOf(Owner owner, string container)
    {
        ArgumentNullException.ThrowIfNull(owner);
        return owner.Container == Remembered(container);
    }

    /// <summary>Whether the attachment was made for this network.</summary>
    public bool IsOf(string network) => Owner?.Network == Remembered(network);

    /// <summary>A default route with many next hops does not fit into one comment.</summary>
    private static IEnumerable<string> Cut(string line) =>
        line.Length <= MaxLength ? [line] : line.Chunk(MaxLength).Select((part, index) => index == 0 ? new string(part) : MorePrefix + new string(part));

    private static IEnumerable<string> Joined(IEnumerable<string> comments)
    {
        var line = new StringBuilder();
        foreach (string comment in comments)
        {
            if (comment is [MorePrefix, ..])
            {
                line.Append(comment.AsSpan(1));
                continue;
            }

            yield return line.ToString();
            line.Clear().Append(comment);
        }

        yield return line.ToString();
    }

    /// <summary>A name as it is remembered. Of one that does not fit into a comment the beginning stays, and a hash of all of it; '~' is in no name.</summary>
    public static string Remembered(string name)
    {
        const int most = 200;
        if (name.Length <= most)
        {
            return name;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{name.AsSpan(0, most)}~{Fnv1a.Of(Encoding.UTF8.GetBytes(name)):x8}");
    }

    /// <summary>
    /// Only parameters that ADD writes come back, and values that they can have: who may write comments in the pod must not
    /// write elsewhere by them, nor stop DEL or GC.
    /// </summary>
    private static bool IsRestorable(string path, string value) =>
        byte.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out _)
        && path.Split('/') is ["net", string family, "conf", not "" and string link, string name]
        && (link is "all" or "default" || LinkName.WhyNot(link) is null)
        && (family, name) switch
        {
            ("ipv4" or "ipv6", "forwarding") => true,
            ("ipv4", "accept_redirects") => link == "all",
            ("ipv4", "rp_filter") or ("ipv6", "accept_ra" or "accept_ra_defrtr") => link is not ("all" or "default"),
            _ => false,
        };
}
