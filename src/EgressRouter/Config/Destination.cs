using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace EgressRouter.Config;

/// <summary>Where traffic of the router's clients goes: one entry of <c>ip.destinations</c>, or <c>ip.fallbackIP</c>.</summary>
/// <param name="Address">A unicast IPv4 or IPv6 address.</param>
public abstract record Destination(IPAddress Address)
{
    /// <summary>Reads one entry of <c>ip.destinations</c>.</summary>
    /// <param name="text">
    /// <c>IP</c>, <c>port protocol IP</c>, <c>port protocol IP port</c> or <c>port-port protocol IP</c>, the fields apart
    /// by any white space, the protocol tcp, udp or sctp in any case. A prefix length after an IP is checked and not
    /// used: documented examples have it.
    /// </param>
    /// <param name="destination">The destination, or null.</param>
    /// <param name="reason">Why the text is none, without repeating all of it, or null.</param>
    /// <returns>Whether the text is a destination. No text throws.</returns>
    public static bool TryParse(
        string text,
        [NotNullWhen(true)] out Destination? destination,
        [NotNullWhen(false)] out string? reason)
    {
        ArgumentNullException.ThrowIfNull(text);
        return DestinationGrammar.TryParse(text, out destination, out reason);
    }
}
