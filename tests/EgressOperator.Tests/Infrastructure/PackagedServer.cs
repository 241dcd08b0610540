using ApiServer;
using EgressOperator.Tests.Controller;
using Shared;

namespace EgressOperator.Tests;

/// <summary>A real API server, for all tests of a class, on which packaging/operator is installed.</summary>
public sealed class PackagedServer : IAsyncLifetime
{
    /// <summary>Where the controller and the agents run, and their accounts.</summary>
    internal const string Namespace = "kube-system", Account = "egress-operator", AgentAccount = "egress-agent";

    private RealApiServer? _server;
    private ApiUser? _controller;
    private Kubectl? _kubectl;

    internal RealApiServer Server => _server ?? throw new InvalidOperationException(RealApiServer.Missing);

    /// <summary>kubectl, as the administrator.</summary>
    internal Kubectl Kubectl => _kubectl ?? throw new InvalidOperationException(RealApiServer.Missing);

    /// <summary>Whoever has the token of the controller.</summary>
    internal ApiUser Controller => _controller ?? throw new InvalidOperationException(RealApiServer.Missing);

    /// <summary>The objects as <c>kubectl apply -k</c> takes them.</summary>
    internal string Manifests { get; private set; } = "";

    public async Task InitializeAsync()
    {
        // Without a server all tests are skipped, but xunit makes their fixture.
        if (RealApiServer.Assets is not string assets)
        {
            return;
        }

        _server = await RealApiServer.StartAsync(assets);
        _kubectl = new Kubectl(Path.Combine(assets, "kubectl"), _server.AdminKubeconfig);
        Manifests = Kubectl.Must($"kustomize {Repository.PathOf("packaging", "operator")}");
        // Kubernetes 1.21 has brought policy/v1, the only version from 1.25 on.
        if ((await Server.Admin.GetAsync("/apis/policy/v1")).Status == 404)
        {
            Manifests = Manifests.Replace("policy/v1\n", "policy/v1beta1\n", StringComparison.Ordinal);
        }

        Kubectl.Must("apply -f -", Manifests);
        Kubectl.Must($"apply -f {TestCluster.Multus}");
        Kubectl.Must("wait --for=condition=Established --timeout=30s crd --all");
        _controller = Server.As(await Server.TokenForAsync(Namespace, Account));
    }

    public async Task DisposeAsync()
    {
        _controller?.Dispose();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}
