using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace SystemTests.Operator;

/// <summary>A request as far as TLS has to do with it.</summary>
/// <param name="Line">The first line.</param>
/// <param name="Name">The name of the server that the client asked for.</param>
/// <param name="Client">The subject of the client's certificate; null if it has none.</param>
internal sealed record TlsRequest(string Line, string Name, string? Client);

/// <summary>A server on the loopback interface that refuses every request, as an API server refuses what is forbidden.</summary>
internal sealed class TlsServer : IDisposable
{
    public const string Refusal = "the server of the test forbids it";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly SslServerAuthenticationOptions _options;
    private readonly ConcurrentQueue<TlsRequest> _requests = [];
    private readonly ConcurrentQueue<SslApplicationProtocol> _protocols = [];
    private readonly CancellationTokenSource _end = new();
    private readonly Task _serving;

    /// <param name="certificate">With its key.</param>
    /// <param name="asksClient">Whether clients are asked for a certificate.</param>
    /// <param name="protocols">What the server speaks; HTTP/2 it only agrees to.</param>
    public TlsServer(X509Certificate2 certificate, bool asksClient = false, params SslApplicationProtocol[] protocols)
    {
        _options = new SslServerAuthenticationOptions
        {
            ServerCertificate = certificate,
            ClientCertificateRequired = asksClient,
#pragma warning disable CA5359 // Which client it is, the test says.
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
            ApplicationProtocols = protocols.Length == 0 ? null : [.. protocols],
        };
        _listener.Start();
        _serving = ServeAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The requests that have arrived.</summary>
    public IReadOnlyCollection<TlsRequest> Requests => _requests;

    /// <summary>What each connection speaks.</summary>
    public IReadOnlyCollection<SslApplicationProtocol> Protocols => _protocols;

    public void Dispose()
    {
        _end.Cancel();
        Assert.True(_serving.Wait(TimeSpan.FromSeconds(20)));
        _listener.Dispose();
        _end.Dispose();
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            try
            {
                using TcpClient client = await _listener.AcceptTcpClientAsync(_end.Token);
                await AnswerAsync(client);
            }
            catch (OperationCanceledException) when (_end.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await using var tls = new SslStream(client.GetStream());
        try
        {
            await tls.AuthenticateAsServerAsync(_options, limit.Token);
            _protocols.Enqueue(tls.NegotiatedApplicationProtocol);
            if (tls.NegotiatedApplicationProtocol == SslApplicationProtocol.Http2)
            {
                return;
            }

            using var reader = new StreamReader(tls);
            if (await reader.ReadLineAsync(limit.Token) is not string line)
            {
                return;
            }

            _requests.Enqueue(new TlsRequest(line, tls.TargetHostName, tls.RemoteCertificate?.Subject));
            while (await reader.ReadLineAsync(limit.Token) is { Length: > 0 })
            {
                // The headers.
            }

            string status = $$"""{"kind": "Status", "apiVersion": "v1", "code": 403, "message": "{{Refusal}}"}""";
            await tls.WriteAsync(
                Encoding.ASCII.GetBytes(
                    $"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: {status.Length}\r\n\r\n{status}"), limit.Token);
        }
        catch (Exception failure) when (failure is IOException or AuthenticationException)
        {
            // The client does not want this server.
        }
    }
}
