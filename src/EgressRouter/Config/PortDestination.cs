using System.Globalization;
using System.Net;

namespace EgressRouter.Config;

/// <summary>One port, or each port of a range, of one protocol goes to an address.</summary>
/// <param name="Protocol">The transport protocol.</param>
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

    /// <summary>The ports and the protocol alone, such as <c>8080 tcp</c>.</summary>
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
