using Netlink.Wire;
using static Netlink.Routing.RtnetlinkConstants;

namespace Netlink.Routing;

/// <summary>A change of a link, an address, a route, a routing rule or a kernel parameter of a link.</summary>
/// <param name="IsGone">True if the object was deleted; false if it was added or changed.</param>
public abstract record RoutingChange(bool IsGone)
{
    /// <summary>
    /// Opens a monitor of all links, of all IPv4 and IPv6 addresses, routes and rules, and of the IPv4 parameters rp_filter, forwarding and
    /// a few more, in the calling thread's network namespace.
    /// </summary>
    /// <param name="receiveBuffer">The size of the receive buffer in bytes; changes beyond it are lost.</param>
    /// <exception cref="NetlinkException">The kernel refuses the socket or one of its options.</exception>
    public static ChangeMonitor<RoutingChange> OpenMonitor(int receiveBuffer = ChangeMonitor<RoutingChange>.DefaultReceiveBuffer)
    {
        const string operation = "monitor links, addresses, routes and rules";
        return new(
            KernelTransport.OpenMonitor(
                NetlinkProtocol.NETLINK_ROUTE, operation, receiveBuffer,
                [RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
                    RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_IPV4_NETCONF]),
            operation, Read);
    }

    internal static RoutingChange? Read(Message message)
    {
        byte family = message.Payload is [byte first, ..] ? first : throw Malformed.Message($"message type {message.Type} is empty");
        bool isOfIp = family is KernelFamily.AF_INET or KernelFamily.AF_INET6;
        return message.Type switch
        {
            // A bridge tells by the same messages, of family AF_BRIDGE, that a link is no longer its port.
            RTM_NEWLINK or RTM_DELLINK when family == KernelFamily.AF_UNSPEC =>
                new LinkChange(Link.Read(message), message.Type == RTM_DELLINK),
            RTM_NEWADDR or RTM_DELADDR when isOfIp => new AddressChange(LinkAddress.Read(message), message.Type == RTM_DELADDR),
            RTM_NEWROUTE or RTM_DELROUTE when isOfIp => new RouteChange(Route.Read(message), message.Type == RTM_DELROUTE),
            RTM_NEWRULE or RTM_DELRULE when isOfIp => new RuleChange(RoutingRule.Read(message), message.Type == RTM_DELRULE),
            RTM_NEWNETCONF when family == KernelFamily.AF_INET => new ParameterChange(),
            _ => null,
        };
    }
}

/// <summary>A change of a link, such as its carrier.</summary>
/// <param name="Link">The link as it is now, or was at its end.</param>
/// <param name="IsGone">Whether the link was deleted, or moved into another namespace.</param>
public sealed record LinkChange(Link Link, bool IsGone) : RoutingChange(IsGone);

/// <summary>A change of an address, such as the end of duplicate address detection.</summary>
/// <param name="Address">The address.</param>
/// <param name="IsGone">Whether the link no longer has the address.</param>
public sealed record AddressChange(LinkAddress Address, bool IsGone) : RoutingChange(IsGone);

/// <summary>
/// A change of a route. The kernel does not tell of each IPv4 route that goes with its link or address: a <see cref="LinkChange"/> or an
/// <see cref="AddressChange"/> may mean routes too.
/// </summary>
/// <param name="Route">The route.</param>
/// <param name="IsGone">Whether the route was deleted.</param>
public sealed record RouteChange(Route Route, bool IsGone) : RoutingChange(IsGone);

/// <summary>A change of a routing rule. The kernel does not change a rule that exists.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="IsGone">Whether the rule was deleted.</param>
public sealed record RuleChange(RoutingRule Rule, bool IsGone) : RoutingChange(IsGone);

/// <summary>A change of an IPv4 parameter of a link, such as rp_filter: it must be read again.</summary>
public sealed record ParameterChange() : RoutingChange(IsGone: false);
