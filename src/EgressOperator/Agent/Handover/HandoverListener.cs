using System.Net;
using System.Net.Sockets;
using Netlink;
using Serilog;

namespace EgressOperator.Agent.Handover;

/// <summary>Receives connections of egress addresses from the nodes that held them.</summary>
/// <param name="isNode">Whether an address is one of another node.</param>
/// <param name="take">Puts the connections into the kernel; ends when they are there.</param>
internal sealed class HandoverListener(
    NetNamespace node, int port, byte[]? key, Predicate<IPAddress> isNode, Func<HandoverMessage, Task> take, ILogger log)
{
    private const int LongestMessage = 32 * 1024 * 1024;

    private const int MostClients = 16;

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(3);

    /// <summary>A socket of IPv6 serves both families.</summary>
    private static readonly AddressFamily _family =
        Socket.OSSupportsIPv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;

    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(5);

    /// <summary>Listens until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var clients = new SemaphoreSlim(MostClients);
        while (true)
        {
            try
            {
                using Socket socket = node.Run(() => new Socket(_family, SocketType.Stream, ProtocolType.Tcp));
                if (_family == AddressFamily.InterNetworkV6)
                {
                    socket.DualMode = true;
                }

                socket.Bind(new IPEndPoint(_family == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, port));
                socket.Listen(MostClients);
                while (true)
                {
                    Socket client = await socket.AcceptAsync(cancellation);
                    if (!clients.Wait(0, CancellationToken.None))
                    {
                        client.Dispose();
                        continue;
                    }

                    _ = ServeAsync(client, cancellation).ContinueWith(
                        _ => clients.Release(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
                            TaskScheduler.Default);
                }
            }
            catch (SocketException failure)
            {
                log.Warning("connections cannot be handed over to this node: TCP port {Port}: {Failure:l}", [port, failure.Message]);
                await Task.Delay(_pause, cancellation);
            }
        }
    }

    private async Task ServeAsync(Socket client, CancellationToken cancellation)
    {
        using (client)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(_limit);
            try
            {
                IPAddress source = ((IPEndPoint)client.RemoteEndPoint!).Address;
                source = source.IsIPv4MappedToIPv6 ? source.MapToIPv4() : source;
                if (!isNode(source))
                {
                    log.Warning("{Address:l} is no node: its connections are not taken", [source.ToString()]);
                }
                else if (HandoverMessage.Read(await ReceiveAsync(client, limit.Token), key) is HandoverMessage message)
                {
                    await take(message).WaitAsync(limit.Token);
                }
                else
                {
                    log.Warning("{Address:l} hands over connections in a form that is not known, or has another key", [source.ToString()]);
                }
            }
            catch (Exception failure) when (failure is SocketException or OperationCanceledException)
            {
                log.Warning("connections were not taken: {Failure:l}", [failure.Message]);
            }
        }
    }

    /// <summary>All that the other side sends; of a message that is too long, too little to be read.</summary>
    private static async Task<byte[]> ReceiveAsync(Socket client, CancellationToken limit)
    {
        var whole = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (whole.Length <= LongestMessage && await client.ReceiveAsync(buffer, limit) is > 0 and int length)
        {
            whole.Write(buffer, 0, length);
        }

        return whole.Length <= LongestMessage ? whole.ToArray() : [];
    }
}
