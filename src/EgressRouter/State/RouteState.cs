using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Cni;
using EgressRouter.Config;
using Netlink.Routing;
using Netlink.Wire;

namespace EgressRouter.State;

/// <summary>A route, with its link by name: it can be thought of before the link exists.</summary>
public sealed record RouteState
{
    /// <summary>IPv6's metric for a route that names none (IP6_RT_PRIO_USER); IPv4's is 0.</summary>
    public const uint DefaultIpv6Metric = 1024;

    /// <summary>IPv4 or IPv6.</summary>
    public required AddressFamily Family { get; init; }

    /// <summary>The routing table.</summary>
    public uint Table { get; init; } = Route.MainTable;

    /// <summary>The destination's network address.</summary>
    public required IPAddress Destination { get; init; }

    /// <summary>In bits; 0 for a default route.</summary>
    public int PrefixLength { get; init; }

    /// <summary>The gateway; null for what is on the link.</summary>
    public IPAddress? Gateway { get; init; }

    /// <summary>The name of the link that packets leave by; null for a route that drops them.</summary>
    public string? Device { get; init; }

    /// <summary>The lowest of several is taken.</summary>
    public uint Metric { get; init; }

    /// <summary>What it does with a packet.</summary>
    public RouteType Type { get; init; } = RouteType.Unicast;

    /// <summary>How far the destination is; always universe for IPv6.</summary>
    public RouteScope Scope { get; init; }

    /// <summary>The source address of the pod's own packets.</summary>
    public IPAddress? Source { get; init; }

    /// <summary>The type of service that a packet must have for the route to count; 0: any. IPv4 only.</summary>
    public byte TypeOfService { get; init; }

    /// <summary>Whether the gateway is taken to be on the link.</summary>
    public bool IsOnlink { get; init; }

    /// <summary>Who made it.</summary>
    public RouteProtocol Origin { get; init; } = RouteProtocol.Boot;

    /// <summary>Its other attributes as they are on the wire, so that a copy is faithful.</summary>
    public Bytes Other { get; init; }

    /// <summary>The MTU that the route itself sets, in bytes; null where it sets none.</summary>
    public int? Mtu => Route.MtuIn(Other);

    /// <summary>Whether it is a default route that forwards.</summary>
    public bool IsDefault => PrefixLength == 0 && Type == RouteType.Unicast;

    /// <summary>Whether the kernel treats both alike: who made them, and attributes that we never set, do not count.</summary>
    public bool Matches(RouteState other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Essence == other.Essence;
    }

    /// <summary>What counts of it for the kernel: of two that match it is the same.</summary>
    public RouteState Essence => this with { Origin = default, Other = default };

    /// <summary>The words of <c>ip route</c>: <c>default via 192.168.12.1 dev net1</c>.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(Type == RouteType.Unicast ? "" : Type == RouteType.Unreachable ? "unreachable " : $"type {(byte)Type} ");
        text.Append(
            PrefixLength == 0 ? "default" : PrefixLength == Family.AddressBits() ? $"{Destination}" : $"{Destination}/{PrefixLength}");
        AppendRest(text);
        return Table == Route.MainTable ? text.ToString() : text.Append(CultureInfo.InvariantCulture, $" table {Table}").ToString();
    }

    /// <summary>All of a default route of the main table on one line, from which <see cref="FromMemory"/> makes it again.</summary>
    public string ToMemory()
    {
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"{Destination}/{PrefixLength}"));
        AppendRest(text);
        text.Append(CultureInfo.InvariantCulture, $" proto {(byte)Origin} scope {(byte)Scope}");
        return Other.Length == 0 ? text.ToString() : text.Append(CultureInfo.InvariantCulture, $" attributes {Other}").ToString();
    }

    /// <summary>The route that <see cref="ToMemory"/> wrote; null for any other text.</summary>
    public static RouteState? FromMemory(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] words = text.Split(' ');
        if (!IPNetwork.TryParse(words[0], out IPNetwork destination))
        {
            return null;
        }

        var route = new RouteState
        {
            Family = destination.BaseAddress.AddressFamily,
            Destination = destination.BaseAddress,
            PrefixLength = destination.PrefixLength,
        };
        for (int i = 1; i < words.Length && route is not null; i++)
        {
            string value = i + 1 < words.Length ? words[i + 1] : "";
            if (words[i] == "onlink")
            {
                route = route with { IsOnlink = true };
                continue;
            }

            route = (words[i], value) switch
            {
                ("via", _) when IPAddress.TryParse(value, out IPAddress? gateway) => route with { Gateway = gateway },
                ("dev", not "") when LinkName.WhyNot(value) is null => route with { Device = value },
                ("src", _) when IPAddress.TryParse(value, out IPAddress? source) => route with { Source = source },
                ("tos", _) when byte.TryParse(value, CultureInfo.InvariantCulture, out byte service) =>
                    route with { TypeOfService = service },
                ("metric", _) when uint.TryParse(value, CultureInfo.InvariantCulture, out uint metric) => route with { Metric = metric },
                ("proto", _) when byte.TryParse(value, CultureInfo.InvariantCulture, out byte origin) =>
                    route with { Origin = (RouteProtocol)origin },
                ("scope", _) when byte.TryParse(value, CultureInfo.InvariantCulture, out byte scope) =>
                    route with { Scope = (RouteScope)scope },
                ("attributes", _) when value.Length % 2 == 0 && value.All(char.IsAsciiHexDigitLower)
                    && new Bytes(Convert.FromHexString(value)) is var other && Route.AreAttributes(other) => route with { Other = other },
                _ => null,
            };
            i++;
        }

        bool IsOfFamily(IPAddress? address) => address is null || address.AddressFamily == route.Family;
        return route is not null && IsOfFamily(route.Gateway) && IsOfFamily(route.Source) ? route : null;
    }

    private void AppendRest(StringBuilder text)
    {
        text.Append(TypeOfService == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" tos {TypeOfService}"));
        text.Append(Gateway is null ? "" : $" via {Gateway}");
        text.Append(Device is null ? "" : $" dev {Device}");
        text.Append(Source is null ? "" : $" src {Source}");
        text.Append(Metric == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" metric {Metric}"));
        text.Append(IsOnlink ? " onlink" : "");
    }
}
