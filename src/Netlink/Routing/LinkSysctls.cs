using System.Runtime.InteropServices;
using Netlink.Wire;
using static Netlink.Routing.RtnetlinkConstants;

namespace Netlink.Routing;

/// <summary>
/// The sysctls of a link, from RTM_NEWLINK: the values in /proc/sys/net/ipv4/conf and /proc/sys/net/ipv6/conf, by their file
/// names (Documentation/networking/ip-sysctl.rst).
/// </summary>
public sealed class LinkSysctls
{
    /// <summary>The order of the values in IFLA_INET_CONF (enum in linux/ip.h, which starts at 1).</summary>
    private static readonly string?[] _ipv4Names =
    [
        "forwarding", "mc_forwarding", "proxy_arp", "accept_redirects", "secure_redirects", "send_redirects", "shared_media",
        "rp_filter", "accept_source_route", "bootp_relay", "log_martians", "tag", "arp_filter", "medium_id", "disable_xfrm",
        "disable_policy", "force_igmp_version", "arp_announce", "arp_ignore", "promote_secondaries", "arp_accept", "arp_notify",
    ];

    /// <summary>The order of the values in IFLA_INET6_CONF (enum in linux/ipv6.h, which starts at 0); null for unused values.</summary>
    private static readonly string?[] _ipv6Names =
    [
        "forwarding", "hop_limit", "mtu", "accept_ra", "accept_redirects", "autoconf", "dad_transmits", null, null, null, "use_tempaddr",
        null, null, null, null, "max_addresses", null, "accept_ra_defrtr", "accept_ra_pinfo", null, null, null, "proxy_ndp", null,
        "accept_source_route", "mc_forwarding", "disable_ipv6", "accept_dad", null, "ndisc_notify",
    ];

    private const string AddressGenerationMode = "addr_gen_mode";

    private int[] _ipv4 = [];
    private int[] _ipv6 = [];
    private byte? _addressGenerationMode;

    private LinkSysctls()
    {
    }

    /// <summary>No values.</summary>
    public static LinkSysctls None { get; } = new();

    /// <summary>An IPv4 sysctl; null if the link has no sysctl of this name or no IPv4.</summary>
    public int? Ipv4(string name) => Value(_ipv4, _ipv4Names, name);

    /// <summary>An IPv6 sysctl; null if the link has no sysctl of this name or no IPv6.</summary>
    public int? Ipv6(string name) => name == AddressGenerationMode ? _addressGenerationMode : Value(_ipv6, _ipv6Names, name);

    /// <summary>The attribute type of an IPv4 sysctl in IFLA_INET_CONF; null if the name is unknown.</summary>
    internal static ushort? Ipv4Number(string name) => Array.IndexOf(_ipv4Names, name) is >= 0 and int index ? (ushort)(index + 1) : null;

    /// <summary>Reads IFLA_AF_SPEC.</summary>
    internal static LinkSysctls Read(AttributeReader families)
    {
        var parameters = new LinkSysctls();
        while (families.Next(out Wire.Attribute family))
        {
            AttributeReader attributes = family.Nested();
            while (family.Type is KernelFamily.AF_INET or KernelFamily.AF_INET6 && attributes.Next(out Wire.Attribute attribute))
            {
                switch (family.Type, attribute.Type)
                {
                    case (KernelFamily.AF_INET, IFLA_INET_CONF):
                        parameters._ipv4 = Numbers(attribute.Value);
                        break;
                    case (KernelFamily.AF_INET6, IFLA_INET6_CONF):
                        parameters._ipv6 = Numbers(attribute.Value);
                        break;
                    case (KernelFamily.AF_INET6, IFLA_INET6_ADDR_GEN_MODE):
                        parameters._addressGenerationMode = attribute.Byte();
                        break;
                    default:
                        break;
                }
            }
        }

        return parameters;
    }

    /// <summary>The values with known names.</summary>
    public override string ToString() =>
        string.Join(", ", [.. Texts("ipv4", _ipv4Names, Ipv4), .. Texts("ipv6", [.. _ipv6Names, AddressGenerationMode], Ipv6)]);

    private static IEnumerable<string> Texts(string family, string?[] names, Func<string, int?> read) =>
        names.OfType<string>().Where(name => read(name) is not null).Select(name => $"{family}.{name}={read(name)}");

    private static int? Value(int[] values, string?[] names, string name) =>
        Array.IndexOf(names, name) is >= 0 and int index && index < values.Length ? values[index] : null;

    private static int[] Numbers(ReadOnlySpan<byte> bytes) => MemoryMarshal.Cast<byte, int>(bytes).ToArray();
}

/// <summary>Sysctls of a namespace: the values of <c>all</c> and <c>default</c>.</summary>
public sealed class NamespaceSysctls
{
    /// <summary>net.ipv4.conf.all.forwarding, the same as net.ipv4.ip_forward; null if the kernel does not return it.</summary>
    public int? Ipv4AllForwarding { get; private set; }

    /// <summary>net.ipv4.conf.default.forwarding, the initial value of new links; null if the kernel does not return it.</summary>
    public int? Ipv4DefaultForwarding { get; private set; }

    /// <summary>net.ipv4.conf.all.rp_filter; null if the kernel does not return it.</summary>
    public int? Ipv4AllReversePathFilter { get; private set; }

    /// <summary>net.ipv6.conf.all.forwarding; null if the kernel has no IPv6.</summary>
    public int? Ipv6AllForwarding { get; private set; }

    /// <summary>net.ipv6.conf.default.forwarding; null if the kernel has no IPv6.</summary>
    public int? Ipv6DefaultForwarding { get; private set; }

    /// <summary>The RTM_GETNETCONF requests that set the properties.</summary>
    internal NetlinkRequest[] Questions() =>
    [
        Ask(KernelFamily.AF_INET, NETCONFA_IFINDEX_ALL, (NETCONFA_FORWARDING, value => Ipv4AllForwarding = value),
            (NETCONFA_RP_FILTER, value => Ipv4AllReversePathFilter = value)),
        Ask(KernelFamily.AF_INET, NETCONFA_IFINDEX_DEFAULT, (NETCONFA_FORWARDING, value => Ipv4DefaultForwarding = value)),
        Ask(KernelFamily.AF_INET6, NETCONFA_IFINDEX_ALL, (NETCONFA_FORWARDING, value => Ipv6AllForwarding = value)),
        Ask(KernelFamily.AF_INET6, NETCONFA_IFINDEX_DEFAULT, (NETCONFA_FORWARDING, value => Ipv6DefaultForwarding = value)),
    ];

    private static NetlinkRequest Ask(byte family, int index, params (ushort Attribute, Action<int> Set)[] wanted)
    {
        // A kernel without the address family returns one of these errors.
        NetlinkRequest question = NetlinkRequest.Get(
            "read the parameters of the namespace", [Errno.EOPNOTSUPP, Errno.EAFNOSUPPORT], message =>
        {
            AttributeReader attributes = message.Attributes(NetconfHeaderLength);
            while (attributes.Next(out Wire.Attribute found))
            {
                foreach ((ushort attribute, Action<int> set) in wanted)
                {
                    if (found.Type == attribute)
                    {
                        set(found.Int32());
                    }
                }
            }
        });
        MessageWriter request = question.Request;
        request.BeginMessage(RTM_GETNETCONF, 0);
        // struct netconfmsg is one byte, padded to four.
        request.UInt32(family);
        request.AttributeUInt32(NETCONFA_IFINDEX, (uint)index);
        request.EndMessage();
        return question;
    }
}
