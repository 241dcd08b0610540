using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace SystemTests.EgressIp.Traffic;

/// <summary>What a server sees of a client, and the port that the client has at home. Echo requests have no ports: 0.</summary>
internal sealed record Sight(string Source, int Port, int LocalPort);

/// <summary>Asks a server whom it sees.</summary>
internal static class Question
{
    /// <summary>UDP and echo requests are sent again after this time.</summary>
    private static readonly TimeSpan _again = TimeSpan.FromMilliseconds(200);

    /// <summary>Asks, and waits for the answer.</summary>
    /// <returns>Null: there was no answer in time, or the connection was refused or reset.</returns>
    public static Sight? Ask(string space, Transport transport, TellingServer server, double seconds = 5) =>
        AskAsync(space, transport, server, server.Address, TellingServer.Port, seconds).GetAwaiter().GetResult();

    /// <summary>As <see cref="Ask"/>, of a server behind another address.</summary>
    public static Sight? AskBehind(string space, Transport transport, TellingServer server, string address, int port, double seconds = 5) =>
        AskAsync(space, transport, server, address, port, seconds).GetAwaiter().GetResult();

    /// <summary>As <see cref="AskBehind"/>, at the same time as others; with a source, from that address of the namespace.</summary>
    public static async Task<Sight?> AskAsync(
        string space, Transport transport, TellingServer server, string address, int port, double seconds, string? source = null)
    {
        var end = new IPEndPoint(IPAddress.Parse(address), transport == Transport.Icmp ? 0 : port);
        using Socket socket = NamespaceSocket.Open(space, end.AddressFamily, transport);
        if (source is not null)
        {
            socket.Bind(new IPEndPoint(IPAddress.Parse(source), 0));
        }

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        try
        {
            return transport switch
            {
                Transport.Tcp => await ByTcpAsync(socket, end, limit.Token),
                Transport.Udp => await ByUdpAsync(socket, end, limit.Token),
                _ => await ByEchoAsync(socket, end, server, limit.Token),
            };
        }
        catch (Exception fault) when (fault is SocketException or OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>Reads the line by which a server tells a client.</summary>
    public static Sight? Read(ReadOnlySpan<byte> line, Socket socket)
    {
        string[] words = Encoding.ASCII.GetString(line).TrimEnd('\n').Split(' ');
        return words.Length == 2
            ? new Sight(words[0], int.Parse(words[1], CultureInfo.InvariantCulture), ((IPEndPoint)socket.LocalEndPoint!).Port)
            : null;
    }

    private static async Task<Sight?> ByTcpAsync(Socket socket, IPEndPoint end, CancellationToken limit)
    {
        await socket.ConnectAsync(end, limit);
        var buffer = new byte[100];
        int length = await socket.ReceiveAsync(buffer, limit);
        return Read(buffer.AsSpan(0, length), socket);
    }

    private static async Task<Sight?> ByUdpAsync(Socket socket, IPEndPoint end, CancellationToken limit)
    {
        await socket.ConnectAsync(end, limit);
        var buffer = new byte[100];
        int length = await UntilAnsweredAsync(
            () => socket.SendAsync(new byte[1], limit).AsTask(), socket.ReceiveAsync(buffer, limit).AsTask(), limit);
        return Read(buffer.AsSpan(0, length), socket);
    }

    private static async Task<Sight?> ByEchoAsync(Socket socket, IPEndPoint end, TellingServer server, CancellationToken limit)
    {
        long number = Random.Shared.NextInt64();
        byte[] request = EchoRequest.Make(end.AddressFamily, number);
        socket.Bind(new IPEndPoint(end.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0));
        await UntilAnsweredAsync(() => socket.SendToAsync(request, end, limit).AsTask(), ReceiveAsync(), limit);
        // The kernel answers: the server's thread may note the request later.
        string? source;
        while ((source = server.SourceOfEcho(number)) is null)
        {
            await Task.Delay(1, limit);
        }

        return new Sight(source, 0, 0);

        async Task<int> ReceiveAsync()
        {
            var buffer = new byte[200];
            int length;
            do
            {
                length = await socket.ReceiveAsync(buffer, limit);
            }
            while (EchoRequest.NumberOf(end.AddressFamily, buffer.AsSpan(0, length), isAnswer: true) != number);
            return length;
        }
    }

    private static async Task<int> UntilAnsweredAsync(Func<Task> send, Task<int> answer, CancellationToken limit)
    {
        do
        {
            await send();
        }
        while (await Task.WhenAny(answer, Task.Delay(_again, limit)) != answer && !limit.IsCancellationRequested);
        return await answer;
    }
}
