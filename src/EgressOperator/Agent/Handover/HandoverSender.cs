using System.Net;
using System.Net.Sockets;
using Netlink;
using Netlink.NetFilter;
using Serilog;

namespace EgressOperator.Agent.Handover;

/// <summary>
/// Gives the connections of an egress address to the next node. What is not given begins anew: nothing else depends on it.
/// </summary>
internal sealed class HandoverSender(NetNamespace node, int port, byte[]? key, ILogger log)
{
    /// <summary>The whole exchange: until then the address stays on this node's link.</summary>
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(1);

    /// <summary>More would take longer than the limit.</summary>
    private const int MostConnections = 50_000;

    /// <summary>Sends the connections, and waits until the next node has them. Never throws.</summary>
    /// <param name="to">The address of the next node.</param>
    public void Send(IPAddress egressIP, IReadOnlyList<ConntrackEntry> connections, bool isOfHolder, IPAddress to)
    {
        if (connections.Count == 0)
        {
            return;
        }

        try
        {
            byte[] message = new HandoverMessage(
                egressIP, [.. connections.Take(MostConnections).Select(MovedConnection.Of)], isOfHolder).Write(key);
            using Socket socket = node.Run(() => new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
            using var limit = new CancellationTokenSource(_limit);
            ExchangeAsync(socket, new IPEndPoint(to, port), message, limit.Token).GetAwaiter().GetResult();
            log.Information(
                "{Count} connections of {EgressIP:l} are given to {Node:l}", [connections.Count, egressIP.ToString(), to.ToString()]);
        }
        catch (Exception failure) when (failure is SocketException or OperationCanceledException or NetlinkException)
        {
            log.Warning(
                "connections of {EgressIP:l} are not given to {Node:l}: {Failure:l}",
                    [egressIP.ToString(), to.ToString(), failure.Message]);
        }
    }

    private static async Task ExchangeAsync(Socket socket, IPEndPoint end, byte[] message, CancellationToken limit)
    {
        await socket.ConnectAsync(end, limit);
        for (int sent = 0; sent < message.Length;)
        {
            sent += await socket.SendAsync(message.AsMemory(sent), limit);
        }

        socket.Shutdown(SocketShutdown.Send);
        // The other side closes when it has them in its kernel.
        var nothing = new byte[1];
        await socket.ReceiveAsync(nothing, limit);
    }
}
