using Netlink.Wire;
using static Netlink.Routing.RtnetlinkConstants;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink.Routing;

/// <summary>Adds changes of links, addresses, routes and rules to a batch, each with an operation object for its error.</summary>
public static class RouteRequests
{
    /// <summary>Creates a link, if need be directly in another namespace (EEXIST: the name is in use there).</summary>
    public static void CreateLink(this RequestBatch batch, object operation, LinkRequest link)
    {
        MessageWriter writer = Begin(batch, operation, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
        link.Settings.WriteTo(writer, 0);
        if (link.NamespaceDescriptor is int descriptor)
        {
            writer.AttributeUInt32(IFLA_NET_NS_FD, (uint)descriptor);
        }

        if (link.ParentIndex is int parent)
        {
            writer.AttributeUInt32(IFLA_LINK, (uint)parent);
        }

        writer.AttributeString(IFLA_IFNAME, link.Name);
        link.Kind.WriteTo(writer);
        writer.EndMessage();
    }

    /// <summary>Changes settings of a link, in one message.</summary>
    public static void ChangeLink(this RequestBatch batch, object operation, int linkIndex, LinkSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        MessageWriter writer = Begin(batch, operation, RTM_NEWLINK, 0);
        settings.WriteTo(writer, linkIndex);
        writer.EndMessage();
    }

    /// <summary>Renames a link, which must be down (EEXIST: the name is in use).</summary>
    public static void SetName(this RequestBatch batch, object operation, int linkIndex, string name)
    {
        MessageWriter writer = Begin(batch, operation, RTM_NEWLINK, 0);
        WriteLinkHeader(writer, linkIndex, 0, 0);
        writer.AttributeString(IFLA_IFNAME, name);
        writer.EndMessage();
    }

    /// <summary>
    /// Sets sysctls of a link by their names in /proc/sys/net/ipv4/conf, without the side effects of a write to /proc/sys.
    /// <c>forwarding</c> needs these side effects and must be written there.
    /// </summary>
    public static void SetIpv4Sysctls(
        this RequestBatch batch, object operation, int linkIndex, IEnumerable<(string Name, int Value)> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        MessageWriter writer = Begin(batch, operation, RTM_NEWLINK, 0);
        WriteLinkHeader(writer, linkIndex, 0, 0);
        int families = writer.BeginNested(IFLA_AF_SPEC);
        int family = writer.BeginNested(KernelFamily.AF_INET);
        int values = writer.BeginNested(IFLA_INET_CONF);
        foreach ((string name, int value) in parameters)
        {
            writer.AttributeUInt32(
                LinkSysctls.Ipv4Number(name) ?? throw new ArgumentException($"{name} is no parameter of a link"), (uint)value);
        }

        writer.EndNested(values);
        writer.EndNested(family);
        writer.EndNested(families);
        writer.EndMessage();
    }

    /// <summary>
    /// Sets how a link generates IPv6 addresses: 0 from the hardware address, 1 not at all (net.ipv6.conf.*.addr_gen_mode).
    /// </summary>
    public static void SetAddressGenerationMode(this RequestBatch batch, object operation, int linkIndex, byte mode)
    {
        MessageWriter writer = Begin(batch, operation, RTM_NEWLINK, 0);
        WriteLinkHeader(writer, linkIndex, 0, 0);
        int families = writer.BeginNested(IFLA_AF_SPEC);
        int family = writer.BeginNested(KernelFamily.AF_INET6);
        writer.AttributeByte(IFLA_INET6_ADDR_GEN_MODE, mode);
        writer.EndNested(family);
        writer.EndNested(families);
        writer.EndMessage();
    }

    /// <summary>Deletes a link with its addresses and routes (ENODEV: the link does not exist).</summary>
    public static void DeleteLink(this RequestBatch batch, object operation, int linkIndex)
    {
        MessageWriter writer = Begin(batch, operation, RTM_DELLINK, 0);
        WriteLinkHeader(writer, linkIndex, 0, 0);
        writer.EndMessage();
    }

    /// <summary>Adds an address to a link (EEXIST: the link has it).</summary>
    public static void AddAddress(this RequestBatch batch, object operation, LinkAddress address)
    {
        MessageWriter writer = Begin(batch, operation, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
        address.WriteTo(writer);
        writer.EndMessage();
    }

    /// <summary>Adds an address to a link, or changes the lifetime, the flags and the origin of the address that it has.</summary>
    public static void ReplaceAddress(this RequestBatch batch, object operation, LinkAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        MessageWriter writer = Begin(batch, operation, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
        address.WriteTo(writer);
        writer.EndMessage();
    }

    /// <summary>Deletes an address from a link (EADDRNOTAVAIL: the link does not have it).</summary>
    public static void DeleteAddress(this RequestBatch batch, object operation, LinkAddress address)
    {
        MessageWriter writer = Begin(batch, operation, RTM_DELADDR, 0);
        address.WriteTo(writer);
        writer.EndMessage();
    }

    /// <summary>Adds a route (EEXIST: the table has a route with the same destination and priority).</summary>
    public static void AddRoute(this RequestBatch batch, object operation, Route route)
    {
        MessageWriter writer = Begin(batch, operation, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
        route.WriteTo(writer);
        writer.EndMessage();
    }

    /// <summary>Atomically replaces the route with the same destination and priority, or adds the route.</summary>
    public static void ReplaceRoute(this RequestBatch batch, object operation, Route route)
    {
        MessageWriter writer = Begin(batch, operation, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
        route.WriteTo(writer);
        writer.EndMessage();
    }

    /// <summary>Deletes a route (ESRCH: the route does not exist).</summary>
    public static void DeleteRoute(this RequestBatch batch, object operation, Route route)
    {
        MessageWriter writer = Begin(batch, operation, RTM_DELROUTE, 0);
        route.WriteTo(writer);
        writer.EndMessage();
    }

    /// <summary>Adds a rule (EEXIST: the same rule exists).</summary>
    public static void AddRule(this RequestBatch batch, object operation, RoutingRule rule)
    {
        MessageWriter writer = Begin(batch, operation, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL);
        rule.WriteTo(writer);
        writer.EndMessage();
    }

    /// <summary>Deletes a rule (ENOENT: the rule does not exist).</summary>
    public static void DeleteRule(this RequestBatch batch, object operation, RoutingRule rule)
    {
        MessageWriter writer = Begin(batch, operation, RTM_DELRULE, 0);
        rule.WriteTo(writer);
        writer.EndMessage();
    }

    internal static void WriteLinkHeader(MessageWriter writer, int index, uint flags, uint change)
    {
        writer.UInt32(0); // family, padding, device type
        writer.Int32(index);
        writer.UInt32(flags);
        writer.UInt32(change);
    }

    private static MessageWriter Begin(RequestBatch batch, object operation, ushort type, int flags) =>
        batch.Begin(operation, type, (ushort)(flags | NLM_F_ACK));
}
