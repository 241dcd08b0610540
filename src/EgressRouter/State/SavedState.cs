using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;
using Cni;
using EgressRouter.Config;
using EgressRouter.State.Nftables;
using Netlink.NetFilter;

namespace EgressRouter.State;

/// <summary>The pod's original state, saved as comments in the attachment's nf_tables table.</summary>
/// <param name="Defaults">The pod's original default routes in the main table; DEL restores them.</param>
/// <param name="Returns">Routes for replies, if the pod had no default route.</param>
/// <param name="NodeAddresses">The node's addresses for which the attachment has routing rules.</param>
/// <param name="Owner">The attachment's owner, or null if an interrupted or foreign write left none.</param>
/// <param name="ClusterInterface">The configured interface of client traffic, or null.</param>
/// <param name="Sysctls">Original values of sysctls; DEL restores them.</param>
public sealed record SavedState(
    ImmutableArray<RouteState> Defaults,
    ImmutableArray<RouteState> Returns,
    ImmutableArray<IPAddress> NodeAddresses,
    Owner? Owner,
    string? ClusterInterface,
    ImmutableSortedDictionary<Sysctl, int> Sysctls)
{
    /// <summary>The limit when writing and reading. ADD writes about ten lines, and one for each default route of the pod.</summary>
    public const int MostLines = 1_000;

    /// <summary>
    /// The newest format that this version reads, and the one that it writes. A line needs a new format if an older version would
    /// do harm without it. The meaning of network and container is the same in every format.
    /// </summary>
    public const int NewestFormat = 1;

    private const string FormatPrefix = "format ";

    private const string ReturnPrefix = "return ";

    private const string NodePrefix = "node ";

    private const string ClusterPrefix = "cluster ";

    private const string NetworkPrefix = "network ";

    private const string ContainerPrefix = "container ";

    /// <summary>Starts the continuation of the previous line.</summary>
    private const char MorePrefix = '+';

    /// <summary>A comment holds 254 bytes. The link name, which may be non-ASCII, is in the first part of a line.</summary>
    private const int MaxLength = 220;

    /// <summary>Nothing to restore.</summary>
    public static SavedState None { get; } = new([], [], [], null, null, ImmutableSortedDictionary<Sysctl, int>.Empty);

    /// <summary>The format; format 1 has no line that names it.</summary>
    public int Format { get; init; } = 1;

    /// <summary>The comments, for <see cref="Read"/>: one or more per item.</summary>
    public IEnumerable<string> ToLines() => Items().SelectMany(Cut);

    private IEnumerable<string> Items() =>
    [
        .. Format == 1 ? Array.Empty<string>() : [string.Create(CultureInfo.InvariantCulture, $"{FormatPrefix}{Format}")],
        .. Sysctls.Select(sysctl => $"{sysctl.Key}={sysctl.Value}"),
        .. Defaults.Select(route => route.ToSavedText()),
        .. Returns.Select(route => ReturnPrefix + route.ToSavedText()),
        .. NodeAddresses.Select(address => NodePrefix + address),
        .. ClusterInterface is null ? Array.Empty<string>() : [ClusterPrefix + ClusterInterface],
        .. Owner is null ? Array.Empty<string>()
            : [NetworkPrefix + ShortenName(Owner.Network), ContainerPrefix + ShortenName(Owner.Container)],
    ];

    /// <summary>Reads the saved state from an attachment's rules. Skips unknown lines.</summary>
    public static SavedState Read(IEnumerable<Rule> rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        ImmutableArray<RouteState>.Builder defaults = ImmutableArray.CreateBuilder<RouteState>();
        ImmutableArray<IPAddress>.Builder nodes = ImmutableArray.CreateBuilder<IPAddress>();
        ImmutableArray<RouteState>.Builder returns = ImmutableArray.CreateBuilder<RouteState>();
        int format = 1;
        string? cluster = null;
        string? network = null;
        string? container = null;
        ImmutableSortedDictionary<Sysctl, int>.Builder sysctls = ImmutableSortedDictionary.CreateBuilder<Sysctl, int>();
        // Saved lines have no control characters: the kernel would end a path at a NUL, and .NET accepts NULs after a number.
        IEnumerable<string> comments = rules.Where(NftRuleset.IsSavedLine).Select(rule => rule.Comment)
            .OfType<string>();
        foreach (string line in Joined(comments.Where(comment => !comment.Any(char.IsControl))))
        {
            if (Sysctl.ParseSaved(line) is (Sysctl sysctl, int value))
            {
                sysctls[sysctl] = value;
            }
            else if (line.StartsWith(FormatPrefix, StringComparison.Ordinal)
                && int.TryParse(line.AsSpan(FormatPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            {
                format = Math.Max(format, number);
            }
            else if (RouteState.FromSavedText(line) is RouteState { IsDefault: true } route)
            {
                defaults.Add(route);
            }
            else if (line.StartsWith(ReturnPrefix, StringComparison.Ordinal)
                && RouteState.FromSavedText(line[ReturnPrefix.Length..]) is RouteState { IsDefault: true } stand)
            {
                returns.Add(stand);
            }
            else if (line.StartsWith(NodePrefix, StringComparison.Ordinal)
                && IPAddress.TryParse(line[NodePrefix.Length..], out IPAddress? address))
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
        return new SavedState(
            defaults.ToImmutable(), returns.ToImmutable(), nodes.ToImmutable(), owner, cluster, sysctls.ToImmutable())
        { Format = format };
    }

    /// <summary>Splits a line that does not fit into one comment, such as a route with many next hops.</summary>
    private static IEnumerable<string> Cut(string line) =>
        line.Length <= MaxLength ? [line]
            : line.Chunk(MaxLength).Select((part, index) => index == 0 ? new string(part) : MorePrefix + new string(part));

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

    /// <summary>
    /// The saved form of a name. A name that does not fit becomes its beginning, '~' (not valid in a name) and a hash of all of it.
    /// </summary>
    public static string ShortenName(string name)
    {
        const int most = 200;
        if (name.Length <= most)
        {
            return name;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{name.AsSpan(0, most)}~{Fnv1a.Of(Encoding.UTF8.GetBytes(name)):x8}");
    }
}
