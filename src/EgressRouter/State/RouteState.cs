using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Cni;
using EgressRouter.Config;
using Netlink.Routing;
using Netlink.Wire;

namespace EgressRouter.State;

/// <summary>A route that names its link, so that it can exist before the link does.</summary>
public sealed record RouteState
{
    /// <summary>IPv6's default metric (IP6_RT_PRIO_USER); IPv4's is 0.</summary>
    public const uint DefaultIpv6Metric = 1024;

    /// <summary>IPv4 or IPv6.</summary>
    public required AddressFamily Family { get; init; }

    /// <summary>The routing table.</summary>
    public uint Table { get; init; } = Route.MainTable;

    /// <summary>The destination's network address.</summary>
    public required IPAddress Destination { get; init; }

    /// <summary>The prefix length in bits; 0 for a default route.</summary>
    public int PrefixLength { get; init; }

    /// <summary>The gateway, or null for an on-link destination.</summary>
    public IPAddress? Gateway { get; init; }

    /// <summary>The name of the output link, or null for a route that drops packets.</summary>
    public string? Device { get; init; }

    /// <summary>The metric; the lowest wins.</summary>
    public uint Metric { get; init; }

    /// <summary>The route type.</summary>
    public RouteType Type { get; init; } = RouteType.Unicast;

    /// <summary>The scope of the destination; always universe for IPv6.</summary>
    public RouteScope Scope { get; init; }

    /// <summary>The preferred source address of the pod's own packets.</summary>
    public IPAddress? Source { get; init; }

    /// <summary>The type of service that packets must have; 0 for any. IPv4 only.</summary>
    public byte TypeOfService { get; init; }

    /// <summary>Whether the gateway counts as on-link without a route to it (RTNH_F_ONLINK).</summary>
    public bool IsOnlink { get; init; }

    /// <summary>The origin of the route (its protocol).</summary>
    public RouteProtocol Origin { get; init; } = RouteProtocol.Boot;

    /// <summary>Further attributes in wire format, for a faithful copy.</summary>
    public Bytes Other { get; init; }

    /// <summary>The route's own MTU in bytes, or null if it has none.</summary>
    public int? Mtu => Route.MtuIn(Other);

    /// <summary>Whether it is a default route that forwards.</summary>
    public bool IsDefault => PrefixLength == 0 && Type == RouteType.Unicast;

    /// <summary>Whether both routes forward alike; the origin and attributes that the plugin never sets do not count.</summary>
    public bool Matches(RouteState other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Essence == other.Essence;
    }

    /// <summary>The route without origin and further attributes; equal for routes that match.</summary>
    public RouteState Essence => this with { Origin = default, Other = default };

    /// <summary>The syntax of <c>ip route</c>: <c>default via 192.168.12.1 dev net1</c>.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(Type == RouteType.Unicast ? "" : Type == RouteType.Unreachable ? "unreachable " : $"type {(byte)Type} ");
        text.Append(
            PrefixLength == 0 ? "default" : PrefixLength == Family.AddressBits() ? $"{Destination}" : $"{Destination}/{PrefixLength}");
        AppendRest(text);
        return Table == Route.MainTable ? text.ToString() : text.Append(CultureInfo.InvariantCulture, $" table {Table}").ToString();
    }

    /// <summary>A default route of the main table in one line, for <see cref="FromSavedText"/>.</summary>
    public string ToSavedText()
    {
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"{Destination}/{PrefixLength}"));
        AppendRest(text);
        text.Append(CultureInfo.InvariantCulture, $" proto {(byte)Origin} scope {(byte)Scope}");
        return Other.Length == 0 ? text.ToString() : text.Append(CultureInfo.InvariantCulture, $" attributes {Other}").ToString();
    }

    /// <summary>Parses a line of <see cref="ToSavedText"/>; null for any other text.</summary>
    public static RouteState? FromSavedText(string text)
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
