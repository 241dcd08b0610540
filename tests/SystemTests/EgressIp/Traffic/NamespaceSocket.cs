using System.Net.Sockets;
using Netlink;

namespace SystemTests.EgressIp.Traffic;

/// <summary>Sockets of namespaces. A socket belongs to the namespace that it was opened in, whoever uses it later.</summary>
internal static class NamespaceSocket
{
    public static Socket Open(string space, AddressFamily family, Transport transport)
    {
        using NetNamespace inside = NetNamespace.Open(Lab.PathOf(space));
        return inside.Run(() => Open(family, transport));
    }

    /// <summary>Opens a socket in the namespace of the calling thread.</summary>
    public static Socket Open(AddressFamily family, Transport transport) => transport switch
    {
        Transport.Tcp => new Socket(family, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true },
        Transport.Udp => new Socket(family, SocketType.Dgram, ProtocolType.Udp),
        _ => new Socket(family, SocketType.Raw, family == AddressFamily.InterNetwork ? ProtocolType.Icmp : ProtocolType.IcmpV6),
    };
}
