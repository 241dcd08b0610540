namespace EgressRouter.State;

/// <summary>Paths of kernel parameters below /proc/sys (Documentation/networking/ip-sysctl.rst).</summary>
public static class Sysctl
{
    /// <summary>
    /// IPv4 decides by the link that a packet comes in by whether it is forwarded. Writing this one writes every link's, and
    /// <c>default</c>, which new links begin with; <c>net.ipv4.ip_forward</c> is the same.
    /// </summary>
    public const string Ipv4AllForwarding = "net/ipv4/conf/all/forwarding";

    /// <summary>Whether IPv6 packets are forwarded at all. Writing it writes every link's, and <c>default</c>.</summary>
    public const string Ipv6AllForwarding = "net/ipv6/conf/all/forwarding";

    /// <summary>Whether ICMP redirects are heard. The kernel writes it with IPv4 forwarding of <c>all</c>: a router hears none.</summary>
    public const string AcceptIpv4Redirects = "net/ipv4/conf/all/accept_redirects";

    /// <summary>Whether IPv4 packets that come in by the link are forwarded.</summary>
    public static string Ipv4Forwarding(string link) => Ipv4(link, "forwarding");

    /// <summary>Reverse path filter: 0 none, 1 strict, 2 loose; the higher of this and <c>all</c> holds.</summary>
    public static string ReversePathFilter(string link) => Ipv4(link, "rp_filter");

    /// <summary>Router advertisements: 0 ignored, 1 heard unless the pod forwards, 2 heard all the same.</summary>
    public static string AcceptAdvertisements(string link) => Ipv6(link, "accept_ra");

    /// <summary>Whether a router advertisement makes a default route.</summary>
    public static string AcceptAdvertisedDefault(string link) => Ipv6(link, "accept_ra_defrtr");

    /// <summary>Whether the kernel announces the link's IPv4 addresses when it is switched on or changes its hardware address.</summary>
    public static string AnnounceIpv4(string link) => Ipv4(link, "arp_notify");

    /// <summary>The same for its IPv6 addresses.</summary>
    public static string AnnounceIpv6(string link) => Ipv6(link, "ndisc_notify");

    /// <summary>An IPv4 parameter of a link.</summary>
    public static string Ipv4(string link, string name) => $"net/ipv4/conf/{link}/{name}";

    /// <summary>An IPv6 parameter of a link.</summary>
    public static string Ipv6(string link, string name) => $"net/ipv6/conf/{link}/{name}";

    /// <summary>The parts of such a path.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static (bool IsIpv4, string Link, string Name) Parse(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        string[] parts = path.Split('/');
        return parts is ["net", "ipv4" or "ipv6", "conf", string link, string name]
            ? (parts[1] == "ipv4", link, name)
            : throw new ArgumentException($"{path} is no parameter of a link");
    }

    /// <summary>Whether it is the IPv4 forwarding of <c>all</c>, of <c>default</c> or of a link.</summary>
    public static bool IsIpv4Forwarding(string path) => path == Ipv4AllForwarding || (path != AcceptIpv4Redirects && SwitchOf(path) == Ipv4AllForwarding);

    /// <summary>Whether the kernel writes others with it.</summary>
    public static bool IsSwitch(string path) => path is Ipv4AllForwarding or Ipv6AllForwarding;

    /// <summary>The parameter of <c>all</c> with which the kernel writes this one too; null where there is none.</summary>
    public static string? SwitchOf(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return path switch
        {
            _ when IsSwitch(path) => null,
            AcceptIpv4Redirects => Ipv4AllForwarding,
            _ when !path.EndsWith("/forwarding", StringComparison.Ordinal) => null,
            _ => path.StartsWith("net/ipv4/", StringComparison.Ordinal) ? Ipv4AllForwarding : Ipv6AllForwarding,
        };
    }

    /// <summary>What the kernel writes a parameter to when its switch (<see cref="SwitchOf"/>) is written to a value.</summary>
    public static string WithSwitch(string path, string value) => path == AcceptIpv4Redirects ? (value == "0" ? "1" : "0") : value;

    /// <summary>Whether it lets the kernel announce addresses.</summary>
    public static bool IsAnnouncement(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return path.EndsWith("/arp_notify", StringComparison.Ordinal) || path.EndsWith("/ndisc_notify", StringComparison.Ordinal);
    }

    /// <summary>Whether the parameter belongs to this link, and goes with it.</summary>
    public static bool IsOf(string path, string link)
    {
        ArgumentNullException.ThrowIfNull(path);
        return path.StartsWith(Ipv4(link, ""), StringComparison.Ordinal) || path.StartsWith(Ipv6(link, ""), StringComparison.Ordinal);
    }
}
