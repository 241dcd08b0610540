namespace EgressRouter.Config;

/// <summary>What an address is for, as far as an egress router cares (RFC 6890, RFC 4291).</summary>
internal enum AddressKind
{
    /// <summary>One host.</summary>
    Unicast,

    /// <summary>0.0.0.0 or ::.</summary>
    Unspecified,

    /// <summary>0.0.0.0/8.</summary>
    ThisNetwork,

    /// <summary>127.0.0.0/8 or ::1.</summary>
    Loopback,

    /// <summary>169.254.0.0/16.</summary>
    Ipv4LinkLocal,

    /// <summary>fe80::/10.</summary>
    Ipv6LinkLocal,

    /// <summary>224.0.0.0/4 or ff00::/8.</summary>
    Multicast,

    /// <summary>::ffff:0:0/96, an IPv4 address in the place of an IPv6 one.</summary>
    Ipv4Mapped,

    /// <summary>240.0.0.0/4, the former class E.</summary>
    Reserved,

    /// <summary>255.255.255.255.</summary>
    Broadcast,
}
