using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace SystemTests.Operator;

/// <summary>Which server egress-operator takes for its API server. It runs where there is no file of OpenSSL.</summary>
public sealed class TlsTests : IDisposable
{
    private const string Asked = "GET /apis/k8s.ovn.org/v1 HTTP/1.1";

    private static readonly DateTimeOffset _tomorrow = DateTimeOffset.UtcNow.AddDays(1);

    private readonly EmptyRoot _root = new();
    private readonly Authority _authority = new();

    public void Dispose()
    {
        _authority.Dispose();
        _root.Dispose();
    }

    [RootFact]
    public void The_answer_of_the_server_is_reported()
    {
        using X509Certificate2 certificate = _authority.Server(["127.0.0.1"], _tomorrow);
        using var server = new TlsServer(certificate);
        AssertAnswered(Status(server));
        Assert.Equal([new TlsRequest(Asked, "", null)], server.Requests);
    }

    /// <summary>Of the cluster's authority, but for something else: a pod's service, for example.</summary>
    [RootTheory]
    [InlineData("127.0.0.2")]
    [InlineData("metrics.example.com")]
    public void A_certificate_for_another_name_is_refused(string name)
    {
        using X509Certificate2 certificate = _authority.Server([name], _tomorrow);
        AssertRefused(certificate, "RemoteCertificateNameMismatch");
    }

    [RootFact]
    public void An_expired_certificate_is_refused()
    {
        using X509Certificate2 certificate = _authority.Server(["127.0.0.1"], DateTimeOffset.UtcNow.AddMinutes(-1));
        AssertRefused(certificate, "NotTimeValid");
    }

    /// <summary>It may have the name of the known one.</summary>
    [RootTheory]
    [InlineData("CN=another authority", "PartialChain")]
    [InlineData(Authority.Name, "NotSignatureValid")]
    public void A_certificate_of_an_unknown_authority_is_refused(string authority, string reason)
    {
        using var other = new Authority(authority);
        using X509Certificate2 certificate = other.Server(["127.0.0.1"], _tomorrow);
        AssertRefused(certificate, reason);
    }

    /// <summary>A kubeconfig without an authority trusts those of the machine, and here there are none.</summary>
    [RootFact]
    public void Without_an_authority_no_certificate_is_trusted()
    {
        using X509Certificate2 certificate = _authority.Server(["127.0.0.1"], _tomorrow);
        AssertRefused(certificate, "PartialChain", cluster => cluster.Remove("certificate-authority-data"));
    }

    [RootFact]
    public void A_certificate_is_for_the_tls_server_name()
    {
        using X509Certificate2 certificate = _authority.Server(["api.example.com"], _tomorrow);
        using var server = new TlsServer(certificate);
        AssertAnswered(Status(server, cluster => cluster["tls-server-name"] = "api.example.com"));
        Assert.Equal([new TlsRequest(Asked, "api.example.com", null)], server.Requests);
    }

    [RootFact]
    public void A_certificate_for_another_name_than_the_tls_server_name_is_refused()
    {
        using X509Certificate2 certificate = _authority.Server(["127.0.0.1"], _tomorrow);
        AssertRefused(certificate, "RemoteCertificateNameMismatch", cluster => cluster["tls-server-name"] = "api.example.com");
    }

    [RootFact]
    public void Insecure_skip_tls_verify_accepts_all()
    {
        using var other = new Authority();
        using X509Certificate2 certificate = other.Server(["127.0.0.2"], DateTimeOffset.UtcNow.AddMinutes(-1));
        using var server = new TlsServer(certificate);
        AssertAnswered(Status(server, cluster =>
        {
            cluster.Remove("certificate-authority-data");
            cluster["insecure-skip-tls-verify"] = true;
        }));
    }

    [RootTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_client_certificate_is_shown(bool inFiles)
    {
        using X509Certificate2 certificate = _authority.Server(["127.0.0.1"], _tomorrow);
        using X509Certificate2 client = _authority.Client("CN=admin");
        using var server = new TlsServer(certificate, asksClient: true);
        string key = client.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem();
        _root.Write("client.crt", client.ExportCertificatePem());
        _root.Write("client.key", key);
        AssertAnswered(Status(server, user: inFiles
            ? new JsonObject { ["client-certificate"] = "client.crt", ["client-key"] = "/client.key" }
            : new JsonObject
            {
                ["client-certificate-data"] = Base64(client.ExportCertificatePem()),
                ["client-key-data"] = Base64(key),
            }));
        Assert.Equal([new TlsRequest(Asked, "", "CN=admin")], server.Requests);
    }

    /// <summary>.NET's callers of OpenSSL are compiled with the project; it depends on OpenSSL's headers what they can do.</summary>
    [RootFact]
    public void HTTP_2_is_offered()
    {
        using X509Certificate2 certificate = _authority.Server(["127.0.0.1"], _tomorrow);
        using var server = new TlsServer(certificate, protocols: [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11]);
        Assert.Equal(2, Status(server).ExitCode);
        Assert.Equal(SslApplicationProtocol.Http2, server.Protocols.First());
    }

    private static void AssertAnswered(CommandResult result)
    {
        Assert.True(result is { ExitCode: 2, Stdout: "" }, result.ToString());
        Assert.Equal($"egress-operator: GET /apis/k8s.ovn.org/v1: 403 {TlsServer.Refusal}\n", result.Stderr);
    }

    private void AssertRefused(X509Certificate2 certificate, string reason, Action<JsonObject>? change = null)
    {
        using var server = new TlsServer(certificate);
        CommandResult result = Status(server, change);
        Assert.True(result is { ExitCode: 2, Stdout: "" }, result.ToString());
        Assert.Contains(reason, result.Stderr, StringComparison.Ordinal);
        Assert.Empty(server.Requests);
    }

    private CommandResult Status(TlsServer server, Action<JsonObject>? change = null, JsonObject? user = null)
    {
        var cluster = new JsonObject
        {
            ["server"] = $"https://127.0.0.1:{server.Port}",
            ["certificate-authority-data"] = Base64(_authority.Pem),
        };
        change?.Invoke(cluster);
        var kubeconfig = new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Config",
            ["current-context"] = "test",
            ["contexts"] = new JsonArray(
                new JsonObject { ["name"] = "test", ["context"] = new JsonObject { ["cluster"] = "test", ["user"] = "test" } }),
            ["clusters"] = new JsonArray(new JsonObject { ["name"] = "test", ["cluster"] = cluster }),
            ["users"] = new JsonArray(new JsonObject { ["name"] = "test", ["user"] = user ?? new JsonObject { ["token"] = "test" } }),
        };
        _root.Write("kubeconfig", kubeconfig.ToJsonString());
        return _root.Run("", "status", "--kubeconfig", "/kubeconfig");
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.ASCII.GetBytes(text));
}
