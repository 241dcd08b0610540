using System.Net;
using System.Net.Sockets;

namespace EgressRouter.Config;

/// <summary>Words for address families.</summary>
internal static class Family
{
    /// <summary>IPv4 or IPv6.</summary>
    public static string NameOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? "IPv4" : "IPv6";
}
