using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ApiServer;

/// <summary>
/// A Kubernetes API server in the test's own process, over plain HTTP on 127.0.0.1. It does what kube-apiserver does, and the garbage
/// collection of kube-controller-manager. Where both differ, this one is wrong.
/// <example>
/// <code>
/// await using KubeApiServer server = await KubeApiServer.Start();
/// server.ApplyYaml(File.ReadAllText("crds.yaml"));                 // what is there before: nothing is checked
/// server.Apply(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Node", ["metadata"] = new JsonObject { ["name"] = "n1" } });
/// server.WriteKubeconfig(path);                                    // for a client, kubectl or a program
/// FaultRule fault = server.Add(Fault.CutAfter, request => request is { Verb: "apply", Resource: "egressips" });
/// await server.Until("egressips", all => all.Count == 1);          // a bounded wait
/// server.CutWatches();
/// Assert.Single(server.Requests, request => request is { Verb: "apply", Subresource: "status", Name: "e" });
/// </code>
/// </example>
/// </summary>
/// <remarks>
/// It was compared with kube-apiserver 1.20.2. Newer than that: a printer column of a string shows all values of its path;
/// <c>managedFields</c> tells the subresource; status is nobody's field when the object itself is applied; a namespace has the label with
/// its name. Not done: deletecollection, subresources other than status, protobuf (which newer kubectl sends in <c>create deployment</c>
/// and the like), defaults and checks of most fields of Kubernetes' own kinds, <c>managedFields</c> of several versions.
/// </remarks>
public sealed partial class KubeApiServer : IAsyncDisposable
{
    private readonly Cluster _cluster = new();

    private readonly Knobs _knobs = new();

    private WebApplication? _host;

    private KubeApiServer(int port, string? token) => (Port, Token) = (port, token);

    /// <summary>The port on 127.0.0.1.</summary>
    public int Port { get; private set; }

    /// <summary>Where it listens.</summary>
    public Uri Url => new($"http://127.0.0.1:{Port}");

    /// <summary>The bearer token that clients must send, or get 401; null: none. May change at any time.</summary>
    public string? Token
    {
        get => _knobs.Token;
        set => _knobs.Token = value;
    }

    /// <summary>Starts a server with the namespaces default and kube-*.</summary>
    /// <param name="port">0: a free one.</param>
    public static async Task<KubeApiServer> Start(int port = 0, string? token = null)
    {
        var server = new KubeApiServer(port, token);
        await server.Return();
        return server;
    }

    /// <summary>Writes a kubeconfig for this server. kubectl sends a token by TLS only, so not to this server.</summary>
    /// <param name="tokenFile">A file that holds the token; null: the kubeconfig holds it.</param>
    public void WriteKubeconfig(string path, string? tokenFile = null)
    {
        string user = tokenFile is not null ? $"tokenFile: {tokenFile}" : $"token: {Token ?? "none"}";
        File.WriteAllText(path, $$"""
            apiVersion: v1
            kind: Config
            clusters:
            - name: test
              cluster: {server: "{{Url.OriginalString}}"}
            users:
            - name: test
              user: { {{user}} }
            contexts:
            - name: test
              context: {cluster: test, user: test}
            current-context: test

            """);
    }

    /// <summary>Goes away: open connections are cut, new ones are refused. The objects stay.</summary>
    public async Task GoAway()
    {
        if (_host is not null)
        {
            using var atOnce = new CancellationTokenSource();
            await atOnce.CancelAsync();
            await _host.StopAsync(atOnce.Token);
            await _host.DisposeAsync();
            _host = null;
        }
    }

    /// <summary>Listens again, on the same port.</summary>
    public async Task Return()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Listen(IPAddress.Loopback, Port);
        });
        WebApplication host = builder.Build();
        host.Run(new Endpoint(_cluster, _knobs).Handle);
        await host.StartAsync();
        _host = host;
        Port = new Uri(host.Urls.Single()).Port;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await GoAway();

    /// <summary>Signals are for the test runner, not for this server.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
