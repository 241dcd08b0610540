using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>kube-apiserver with an etcd of its own, on the loopback interface, with RBAC, and without any controller.</summary>
public sealed class RealApiServer : IAsyncDisposable
{
    /// <summary>Why tests that need it are skipped.</summary>
    public const string Missing = "EGRESS_APISERVER names no folder with kube-apiserver, etcd and kubectl: make test-apiserver";

    /// <summary>Runs both programs until one of them ends, or standard input: they end with the tests, even if those are killed.</summary>
    private const string Run = """
        exec 3<&0
        cat <&3 >/dev/null &
        "$ASSETS/etcd" --data-dir etcd --listen-client-urls unix://client:1 --advertise-client-urls unix://client:1 \
            --listen-peer-urls unix://peer:1 --initial-advertise-peer-urls unix://peer:1 --initial-cluster default=unix://peer:1 \
            >etcd.log 2>&1 </dev/null &
        "$ASSETS/kube-apiserver" --etcd-servers=unix://client:1 --bind-address=127.0.0.1 --secure-port="$PORT" \
            --advertise-address=127.0.0.1 --endpoint-reconciler-type=none --service-cluster-ip-range=10.96.0.0/24 \
            --cert-dir=. --tls-cert-file=server.crt --tls-private-key-file=server.key \
            --token-auth-file=tokens.csv --authorization-mode=RBAC --disable-admission-plugins=ServiceAccount \
            --service-account-issuer=https://kubernetes.default.svc --service-account-key-file=accounts.key \
            --service-account-signing-key-file=accounts.key >apiserver.log 2>&1 </dev/null &
        wait -n
        kill $(jobs -p) 2>/dev/null
        wait
        """;

    internal const string AdminToken = "admin";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private readonly ServerCertificates _certificates = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("egress-apiserver-").FullName;
    private readonly Process _process;

    private RealApiServer(string assets)
    {
        int port = FreePort();
        Url = new Uri($"https://127.0.0.1:{port}");
        using var accountsKey = RSA.Create(2048);
        Write("accounts.key", accountsKey.ExportRSAPrivateKeyPem());
        Write("server.crt", _certificates.Server.Certificate);
        Write("server.key", _certificates.Server.Key);
        Write("tokens.csv", $"{AdminToken},admin,admin,system:masters\n");
        Admin = As(AdminToken);
        AdminKubeconfig = WriteKubeconfig("admin", AdminToken);
        _process = Process.Start(new ProcessStartInfo("bash", ["-c", Run])
        {
            WorkingDirectory = _folder,
            RedirectStandardInput = true,
            Environment = { ["ASSETS"] = assets, ["PORT"] = $"{port}" },
        })!;
    }

    /// <summary>The folder of the executables, if the tests shall run on a real API server.</summary>
    public static string? Assets { get; } =
        Environment.GetEnvironmentVariable("EGRESS_APISERVER") is { Length: > 0 } folder ? Path.GetFullPath(folder) : null;

    /// <summary>Where it listens.</summary>
    public Uri Url { get; }

    /// <summary>The certificate of the authority, in PEM.</summary>
    public string Authority => _certificates.Authority.ExportCertificatePem();

    /// <summary>May do everything.</summary>
    public ApiUser Admin { get; }

    /// <summary>The path of a kubeconfig with the identity of the administrator.</summary>
    public string AdminKubeconfig { get; }

    /// <summary>Starts a server, and waits until it is ready.</summary>
    public static async Task<RealApiServer> StartAsync(string assets)
    {
        var server = new RealApiServer(assets);
        try
        {
            await server.WaitAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whoever has this token.</summary>
    public ApiUser As(string token) => new(NewClient(), token);

    /// <summary>A token of a service account, which must exist.</summary>
    public async Task<string> TokenForAsync(string accountNamespace, string name)
    {
        ApiAnswer answer = await Admin.PostAsync(
            $"/api/v1/namespaces/{accountNamespace}/serviceaccounts/{name}/token",
            new JsonObject { ["apiVersion"] = "authentication.k8s.io/v1", ["kind"] = "TokenRequest", ["spec"] = new JsonObject() });
        return Must(answer, 201).Body["status"]!["token"]!.ToString();
    }

    /// <summary>Makes an object, or changes what is given of it (RFC 7386).</summary>
    /// <param name="collection">The path of the objects of its kind and namespace.</param>
    /// <param name="hasStatus">Whether its status is written apart from it.</param>
    public static async Task<JsonNode> ApplyAsync(ApiUser user, string collection, JsonObject value, bool hasStatus)
    {
        string path = $"{collection}/{value["metadata"]!["name"]}";
        ApiAnswer made = await user.MergeAsync(path, value);
        made = Must(made.Status == 404 ? await user.PostAsync(collection, value) : made, 200, 201);
        return hasStatus && value["status"] is JsonNode status
            ? Must(await user.MergeAsync(path + "/status", new JsonObject { ["status"] = status.DeepClone() }), 200).Body
            : made.Body;
    }

    /// <summary>The path of a kubeconfig with the identity of a service account, which must exist.</summary>
    public async Task<string> KubeconfigForAsync(string accountNamespace, string name) =>
        WriteKubeconfig($"{accountNamespace}-{name}", await TokenForAsync(accountNamespace, name));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
        Admin.Dispose();
        _certificates.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    internal HttpClient NewClient(bool hasOldSlices = false)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.Add(_certificates.Authority);
        var sockets = new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = policy } };
        return new HttpClient(hasOldSlices ? new OldSlices(sockets) : sockets) { BaseAddress = Url };
    }

    private static ApiAnswer Must(ApiAnswer answer, params int[] status) =>
        status.Contains(answer.Status) ? answer : throw new InvalidOperationException(answer.ToString());

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task WaitAsync()
    {
        long start = Stopwatch.GetTimestamp();
        while (!await IsReadyAsync())
        {
            if (_process.HasExited || Stopwatch.GetElapsedTime(start) > _limit)
            {
                string log = Path.Combine(_folder, "apiserver.log");
                throw new InvalidOperationException(
                    $"kube-apiserver is not ready: {(File.Exists(log) ? string.Join('\n', File.ReadLines(log).TakeLast(20)) : "no log")}");
            }

            await Task.Delay(100);
        }
    }

    private async Task<bool> IsReadyAsync()
    {
        try
        {
            return (await Admin.GetAsync("/readyz")).Status == 200;
        }
        catch (HttpRequestException fault) when (fault.HttpRequestError == HttpRequestError.ConnectionError)
        {
            return false;
        }
    }

    private string WriteKubeconfig(string name, string token) =>
        Write($"{name}.kubeconfig", FaultyServer.Kubeconfig(Url, $"token: \"{token}\"", Authority));

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
