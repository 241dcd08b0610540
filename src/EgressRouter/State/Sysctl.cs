using System.Globalization;
using System.Net.Sockets;
using Cni;

namespace EgressRouter.State;

/// <summary>
/// A sysctl (kernel parameter) of a link, of <c>all</c> or of <c>default</c>, such as net/ipv4/conf/eth0/forwarding
/// (Documentation/networking/ip-sysctl.rst). All parameters used here are integers.
/// </summary>
/// <param name="Family">IPv4 or IPv6.</param>
/// <param name="Link">The link's name, <c>all</c> or <c>default</c>.</param>
/// <param name="Name">The parameter's name.</param>
public readonly record struct Sysctl(AddressFamily Family, string Link, string Name) : IComparable<Sysctl>
{
    private const string All = "all";

    private const string Forwarding = "forwarding";

    /// <summary>
    /// IPv4 forwarding depends on the input link. Writing this sets every link's value, and <c>default</c> for new links;
    /// <c>net.ipv4.ip_forward</c> is the same parameter.
    /// </summary>
    public static Sysctl Ipv4AllForwarding { get; } = Ipv4(All, Forwarding);

    /// <summary>Whether IPv6 packets are forwarded. Writing it sets every link's value, and <c>default</c>.</summary>
    public static Sysctl Ipv6AllForwarding { get; } = Ipv6(All, Forwarding);

    /// <summary>Whether ICMP redirects are accepted. Writing IPv4 forwarding of <c>all</c> sets it: a router accepts none.</summary>
    public static Sysctl AcceptIpv4Redirects { get; } = Ipv4(All, "accept_redirects");

    /// <summary>Reverse path filter of <c>all</c>: the higher of this and the link's value applies.</summary>
    public static Sysctl AllReversePathFilter { get; } = ReversePathFilter(All);

    /// <summary>Whether writing it sets other parameters.</summary>
    public bool SetsAllLinks => Link == All && Name == Forwarding;

    /// <summary>Whether it belongs to one link, and disappears with it.</summary>
    public bool IsOfOneLink => Link is not (All or "default");

    /// <summary>Whether it is the IPv4 forwarding of <c>all</c>, of <c>default</c> or of a link.</summary>
    public bool IsIpv4Forwarding => Family == AddressFamily.InterNetwork && Name == Forwarding;

    /// <summary>Whether it makes the kernel announce addresses.</summary>
    public bool IsAnnouncement => Name is "arp_notify" or "ndisc_notify";

    /// <summary>The parameter of <c>all</c> whose writing sets this one, or null if there is none.</summary>
    public Sysctl? AllLinksSysctl =>
        SetsAllLinks ? null
        : this == AcceptIpv4Redirects ? Ipv4AllForwarding
        : Name == Forwarding ? this with { Link = All }
        : null;

    /// <summary>Whether IPv4 packets received on the link are forwarded.</summary>
    public static Sysctl Ipv4Forwarding(string link) => Ipv4(link, Forwarding);

    /// <summary>The IPv6 equivalent; only the value of <c>all</c> enables forwarding.</summary>
    public static Sysctl Ipv6Forwarding(string link) => Ipv6(link, Forwarding);

    /// <summary>Reverse path filter: 0 none, 1 strict, 2 loose; the higher of this and <c>all</c> applies.</summary>
    public static Sysctl ReversePathFilter(string link) => Ipv4(link, "rp_filter");

    /// <summary>Router advertisements: 0 ignored, 1 accepted unless the pod forwards, 2 always accepted.</summary>
    public static Sysctl AcceptAdvertisements(string link) => Ipv6(link, "accept_ra");

    /// <summary>Whether a router advertisement adds a default route.</summary>
    public static Sysctl AcceptAdvertisedDefault(string link) => Ipv6(link, "accept_ra_defrtr");

    /// <summary>Whether the kernel announces the link's IPv4 addresses at link up and at a change of the hardware address.</summary>
    public static Sysctl AnnounceIpv4(string link) => Ipv4(link, "arp_notify");

    /// <summary>The IPv6 equivalent.</summary>
    public static Sysctl AnnounceIpv6(string link) => Ipv6(link, "ndisc_notify");

    /// <summary>An IPv4 parameter of a link.</summary>
    public static Sysctl Ipv4(string link, string name) => new(AddressFamily.InterNetwork, link, name);

    /// <summary>An IPv6 parameter of a link.</summary>
    public static Sysctl Ipv6(string link, string name) => new(AddressFamily.InterNetworkV6, link, name);

    /// <summary>
    /// Parses a saved parameter and its original value. Accepts only parameters that ADD changes: the saved state is writable
    /// in the pod, and must not be a way to change other parameters, or to make DEL or GC fail.
    /// </summary>
    /// <param name="text"><c>net/ipv4/conf/eth0/forwarding=0</c>.</param>
    /// <returns>The parameter and its value, or null if the text is none of those.</returns>
    public static (Sysctl Sysctl, int Value)? ParseSaved(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        // The value is a number; a link's name may contain nearly any character.
        int equals = text.LastIndexOf('=');
        if (equals < 0 || !byte.TryParse(text.AsSpan(equals + 1), NumberStyles.None, CultureInfo.InvariantCulture, out byte value)
            || text[..equals].Split('/') is not ["net", string family, "conf", string link, string name])
        {
            return null;
        }

        Sysctl sysctl = family == "ipv4" ? Ipv4(link, name) : Ipv6(link, name);
        bool isOurs = (!sysctl.IsOfOneLink || (link.Length > 0 && LinkName.WhyNot(link) is null)) && (family, name) switch
        {
            ("ipv4" or "ipv6", Forwarding) => true,
            ("ipv4", "accept_redirects") => link == All,
            ("ipv4", "rp_filter") or ("ipv6", "accept_ra" or "accept_ra_defrtr") => sysctl.IsOfOneLink,
            _ => false,
        };
        return isOurs ? (sysctl, value) : null;
    }

    /// <summary>The value that the kernel sets when <paramref name="value"/> is written to <see cref="AllLinksSysctl"/>.</summary>
    public int ValueSetBy(int value) => this == AcceptIpv4Redirects ? (value == 0 ? 1 : 0) : value;

    /// <inheritdoc/>
    public int CompareTo(Sysctl other) =>
        Family != other.Family ? Family.CompareTo(other.Family)
        : string.CompareOrdinal(Link, other.Link) is not 0 and int byLink ? byLink
        : string.CompareOrdinal(Name, other.Name);

    /// <summary>The path below /proc/sys.</summary>
    public override string ToString() => $"net/{(Family == AddressFamily.InterNetwork ? "ipv4" : "ipv6")}/conf/{Link}/{Name}";
}
