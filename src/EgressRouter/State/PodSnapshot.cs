using System.Collections.Immutable;
using System.Net.Sockets;
using Netlink.Routing;

namespace EgressRouter.State;

/// <summary>What of the pod's namespace the facts are drawn from, as it was read.</summary>
public sealed record PodSnapshot
{
    /// <summary>All links.</summary>
    public ImmutableArray<Link> Links { get; init; } = [];

    /// <summary>The default routes of the main table, of both families.</summary>
    public ImmutableArray<RouteState> MainDefaults { get; init; } = [];

    /// <summary>The default routes in the return table of the attachment in question, in the main table's terms.</summary>
    public ImmutableArray<RouteState> ReturnDefaults { get; init; } = [];

    /// <summary>Every attachment that has an nf_tables table.</summary>
    public ImmutableArray<KnownAttachment> Attachments { get; init; } = [];

    /// <summary>Whether the kernel has IPv6 at all.</summary>
    public bool HasIpv6 { get; init; }

    /// <summary>
    /// What the pod was before any attachment, and whether there are others: see <see cref="PodFacts"/>.
    /// </summary>
    /// <param name="names">The attachment in question, which may be there already or not.</param>
    /// <param name="readSysctl">The value of a kernel parameter, null where there is none.</param>
    public PodFacts Facts(AttachmentNames names, Func<string, string?> readSysctl)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(readSysctl);
        KnownAttachment? own = Attachments.FirstOrDefault(attachment => attachment.Interface == names.Interface);
        KnownAttachment[] others = [.. Attachments.Where(attachment => attachment.Interface != names.Interface)];
        string[] egressLinks = [names.Interface, .. EgressLinks()];

        // What was remembered first holds: by whoever came first, the pod was still untouched.
        ImmutableArray<RouteState> Originals(AddressFamily family) => First(
            own?.Memory.Defaults, ReturnDefaults, others.SelectMany(other => other.Memory.Defaults), MainDefaults.Where(route => !egressLinks.Contains(route.Device)))(family);
        ImmutableArray<RouteState> originals = [.. Families.All.SelectMany(family => Originals(family))];

        string? cluster = originals.Select(route => route.Device).FirstOrDefault(device => device is not null)
            ?? Links.Where(link => link.IsUp && link.Name != "lo" && !egressLinks.Contains(link.Name)).OrderBy(link => link.Index).FirstOrDefault()?.Name;
        string[] paths =
        [
            Sysctl.Ipv6Forwarding,
            Sysctl.ReversePathFilter("all"),
            .. cluster is null ? [] : new[] { Sysctl.Ipv4Forwarding(cluster), Sysctl.ReversePathFilter(cluster) },
        ];
        string? Original(string path) =>
            own?.Memory.Sysctls.GetValueOrDefault(path)
            ?? others.Select(other => other.Memory.Sysctls.GetValueOrDefault(path)).FirstOrDefault(value => value is not null)
            ?? readSysctl(path);
        return new PodFacts
        {
            ClusterInterface = cluster,
            OriginalDefaults = originals,
            OriginalSysctls = paths.Select(path => (path, value: Original(path))).Where(pair => pair.value is not null)
                .ToImmutableSortedDictionary(pair => pair.path, pair => pair.value!, StringComparer.Ordinal),
            DefaultsOfOthers = [.. MainDefaults.Where(route => route.Device != names.Interface && EgressLinks().Contains(route.Device)).Select(route => route.Family).Distinct()],
            HasIpv6 = HasIpv6,
        };
    }

    /// <summary>What is to be put back when the attachment in question goes.</summary>
    /// <param name="names">The attachment.</param>
    public RestoreMemory ToRestore(AttachmentNames names)
    {
        ArgumentNullException.ThrowIfNull(names);
        RestoreMemory own = Attachments.FirstOrDefault(attachment => attachment.Interface == names.Interface)?.Memory ?? RestoreMemory.None;
        KnownAttachment[] others = [.. Attachments.Where(attachment => attachment.Interface != names.Interface)];

        ImmutableArray<RouteState> Defaults(AddressFamily family)
        {
            ImmutableArray<RouteState> originals = First(own.Defaults, ReturnDefaults)(family);
            bool isTaken = MainDefaults.Any(route => route.Family == family && route.Device != names.Interface && !originals.Any(route.Matches));
            // Somebody else's default route stays. Another attachment of ours takes the place of this one; the pod's
            // own default route comes back when none is left.
            return isTaken ? [] : First(others.SelectMany(other => other.EgressDefaults).Take(1), originals)(family);
        }

        return new RestoreMemory(
            [.. Families.All.SelectMany(family => Defaults(family))],
            others.Length == 0 ? own.Sysctls : ImmutableSortedDictionary<string, string>.Empty);
    }

    private IEnumerable<string> EgressLinks() =>
        Links.Where(link => link.Group == AttachmentNames.LinkGroup).Select(link => link.Name);

    /// <summary>The routes of a family of the first source that has any.</summary>
    private static Func<AddressFamily, ImmutableArray<RouteState>> First(params IEnumerable<RouteState>?[] sources) => family =>
        sources.Select(source => (source ?? []).Where(route => route.Family == family).ToImmutableArray()).FirstOrDefault(routes => !routes.IsEmpty, []);
}

/// <summary>An attachment of ours that is in the pod.</summary>
/// <param name="Interface">Its egress interface's name.</param>
/// <param name="Memory">What it remembers to put back.</param>
/// <param name="EgressDefaults">The default routes by its egress interface, in the main table's terms.</param>
public sealed record KnownAttachment(string Interface, RestoreMemory Memory, ImmutableArray<RouteState> EgressDefaults);
