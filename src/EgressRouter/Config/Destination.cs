using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace EgressRouter.Config;

/// <summary>A destination of client traffic: one entry of <c>ip.destinations</c>, or <c>ip.fallbackIP</c>.</summary>
/// <param name="Address">A unicast IPv4 or IPv6 address.</param>
public abstract record Destination(IPAddress Address)
{
    /// <summary>Parses one entry of <c>ip.destinations</c>.</summary>
    /// <param name="text">
    /// <c>IP</c>, <c>port protocol IP</c>, <c>port protocol IP port</c> or <c>port-port protocol IP</c>. White space separates the
    /// fields; the protocol is tcp, udp or sctp, in any case. A prefix length after an IP is validated and ignored, because
    /// documented examples have one.
    /// </param>
    /// <param name="destination">The destination, or null if the text is invalid.</param>
    /// <param name="reason">Why the text is invalid, without repeating all of it; null if it is valid.</param>
    /// <returns>Whether the text is a destination. Never throws.</returns>
    public static bool TryParse(
        string text,
        [NotNullWhen(true)] out Destination? destination,
        [NotNullWhen(false)] out string? reason)
    {
        return DestinationGrammar.TryParse(text, out destination, out reason);
    }
}

/// <summary>Maps one port or a port range of one protocol to an address.</summary>
/// <param name="FirstPort">The first port that clients connect to, 1-65535.</param>
/// <param name="LastPort">The last port that clients connect to; equal to the first for a single port.</param>
/// <param name="Address">A unicast IPv4 or IPv6 address.</param>
/// <param name="TargetPort">The port at the destination, 1-65535; null for the same port. Always null for a range.</param>
public sealed record PortDestination(
    TransportProtocol Protocol,
    ushort FirstPort,
    ushort LastPort,
    IPAddress Address,
    ushort? TargetPort) : Destination(Address)
{
    /// <summary>The canonical text, such as <c>8080 tcp 203.0.113.26 80</c> or <c>8000-8100 tcp 203.0.113.26</c>.</summary>
    public override string ToString()
    {
        string target = TargetPort is ushort port ? string.Create(CultureInfo.InvariantCulture, $" {port}") : "";
        return $"{PortText} {Address}{target}";
    }

    /// <summary>The ports and the protocol, such as <c>8080 tcp</c>.</summary>
    public string PortText
    {
        get
        {
            string protocol = Protocol switch
            {
                TransportProtocol.Tcp => "tcp",
                TransportProtocol.Udp => "udp",
                _ => "sctp",
            };
            return FirstPort == LastPort
                ? string.Create(CultureInfo.InvariantCulture, $"{FirstPort} {protocol}")
                : string.Create(CultureInfo.InvariantCulture, $"{FirstPort}-{LastPort} {protocol}");
        }
    }
}

/// <summary>Maps all traffic that matches no port destination to an address, with the destination port unchanged.</summary>
/// <param name="Address">A unicast IPv4 or IPv6 address.</param>
public sealed record FallbackDestination(IPAddress Address) : Destination(Address)
{
    /// <summary>The canonical text: the address.</summary>
    public override string ToString() => Address.ToString();
}

/// <summary>A transport protocol with ports; the values are IANA protocol numbers.</summary>
public enum TransportProtocol : byte
{
    /// <summary>TCP.</summary>
    Tcp = 6,

    /// <summary>UDP.</summary>
    Udp = 17,

    /// <summary>SCTP.</summary>
    Sctp = 132,
}
