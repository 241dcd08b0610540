using System.Net.Sockets;
using EgressRouter.State;
using static Tmds.Linux.LibC;

namespace EgressOperator.Hold;

/// <summary>
/// How the pod reaches its cluster: ADD has led its default route to the egress interface, and packets with the mark of replies take the
/// routes that the pod had before.
/// </summary>
internal static class ClusterRoute
{
    /// <param name="link">The egress interface.</param>
    /// <exception cref="SocketException">The process lacks NET_ADMIN.</exception>
    public static void Take(Socket socket, string link) =>
        socket.SetRawSocketOption(SOL_SOCKET, SO_MARK, BitConverter.GetBytes(new AttachmentNames(link).ReturnMark));
}
