using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace SystemTests.EgressIp.Traffic;

/// <summary>
/// A server on an address of a namespace that tells its clients the address and port that it sees of them. By TCP this is the first line,
/// after which it sends back what it gets, or, on <see cref="PushPort"/>, a byte each <see cref="PushInterval"/>. By UDP it is each answer.
/// Echo requests are answered by the kernel; the server only remembers who sent them.
/// </summary>
internal sealed class TellingServer : IDisposable
{
    public const int Port = 8000;

    public const int PushPort = 8001;

    public static readonly TimeSpan PushInterval = TimeSpan.FromMilliseconds(20);

    private readonly List<Socket> _sockets = [];

    private readonly ConcurrentDictionary<long, string> _echoRequests = [];

    public TellingServer(string space, string address)
    {
        var end = new IPEndPoint(IPAddress.Parse(address), Port);
        Address = address;
        Socket Bind(Transport transport, int port)
        {
            Socket socket = NamespaceSocket.Open(space, end.AddressFamily, transport);
            _sockets.Add(socket);
            socket.Bind(new IPEndPoint(end.Address, port));
            return socket;
        }

        foreach (int port in (int[])[Port, PushPort])
        {
            Socket listener = Bind(Transport.Tcp, port);
            listener.Listen(4096);
            _ = UntilDisposed(() => AcceptAsync(listener, port == PushPort));
        }

        Socket datagrams = Bind(Transport.Udp, Port);
        datagrams.ReceiveBufferSize = 1 << 20;
        _ = UntilDisposed(() => AnswerAsync(datagrams));
        Socket echoes = Bind(Transport.Icmp, 0);
        _ = UntilDisposed(() => RememberAsync(echoes));
    }

    public string Address { get; }

    /// <summary>Who sent an echo request, as the server sees it; null: it has not arrived.</summary>
    public string? SourceOfEcho(long number) => _echoRequests.GetValueOrDefault(number);

    public void Dispose() => _sockets.ForEach(socket => socket.Dispose());

    private static async Task UntilDisposed(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
        {
            // The server, or the client, has ended.
        }
    }

    private static byte[] Tell(EndPoint client) => Encoding.ASCII.GetBytes($"{((IPEndPoint)client).Address} {((IPEndPoint)client).Port}\n");

    private static async Task AcceptAsync(Socket listener, bool pushes)
    {
        while (true)
        {
            Socket client = await listener.AcceptAsync();
            client.NoDelay = true;
            _ = UntilDisposed(() => TalkAsync(client, pushes));
        }
    }

    private static async Task TalkAsync(Socket client, bool pushes)
    {
        using (client)
        {
            await client.SendAsync(Tell(client.RemoteEndPoint!));
            var buffer = new byte[64 * 1024];
            while (pushes)
            {
                await Task.Delay(PushInterval);
                await client.SendAsync(buffer.AsMemory(0, 1));
            }

            for (int length; (length = await client.ReceiveAsync(buffer)) > 0;)
            {
                for (int sent = 0; sent < length;)
                {
                    sent += await client.SendAsync(buffer.AsMemory(sent, length - sent));
                }
            }
        }
    }

    private static async Task AnswerAsync(Socket datagrams)
    {
        var buffer = new byte[64 * 1024];
        while (true)
        {
            SocketReceiveFromResult one = await datagrams.ReceiveFromAsync(buffer, datagrams.LocalEndPoint!);
            await datagrams.SendToAsync(Tell(one.RemoteEndPoint), one.RemoteEndPoint);
        }
    }

    private async Task RememberAsync(Socket echoes)
    {
        var buffer = new byte[64 * 1024];
        while (true)
        {
            SocketReceiveFromResult one = await echoes.ReceiveFromAsync(buffer, echoes.LocalEndPoint!);
            if (EchoRequest.NumberOf(echoes.AddressFamily, buffer.AsSpan(0, one.ReceivedBytes), isAnswer: false) is long number)
            {
                _echoRequests[number] = ((IPEndPoint)one.RemoteEndPoint).Address.ToString();
            }
        }
    }
}
