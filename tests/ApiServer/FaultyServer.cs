using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ApiServer;

/// <summary>An API server over plain HTTP on 127.0.0.1 that records requests, answers wrongly when told to, and can go away.</summary>
public abstract class FaultyServer : IAsyncDisposable
{
    private WebApplication? _host;

    private protected FaultyServer(int port) => Port = port;

    /// <summary>The port on 127.0.0.1.</summary>
    public int Port { get; private set; }

    /// <summary>Where it listens.</summary>
    public Uri Url => new($"http://127.0.0.1:{Port}");

    /// <summary>All requests so far, oldest first.</summary>
    public IReadOnlyList<ApiRequest> Requests => Knobs.Requests;

    private protected Knobs Knobs { get; } = new();

    /// <summary>Forgets the requests so far.</summary>
    public void ForgetRequests() => Knobs.Forget();

    /// <summary>Adds a fault. If several match a request, the oldest happens.</summary>
    /// <param name="when">Null: each request.</param>
    /// <param name="times">How often it happens.</param>
    public FaultRule Add(Fault fault, Func<ApiRequest, bool>? when = null, int times = 1) =>
        Knobs.Add(new FaultRule(when ?? (_ => true), fault, times));

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
        host.Run(new FaultyEndpoint(Knobs, Answer).Handle);
        await host.StartAsync();
        _host = host;
        Port = new Uri(host.Urls.Single()).Port;
    }

    /// <summary>Makes an object, or changes what is given of it; its status too.</summary>
    /// <param name="value">With apiVersion, kind and metadata.name; of the namespace default, if it names none.</param>
    /// <returns>The object.</returns>
    public abstract JsonObject Apply(JsonObject value);

    /// <summary>Applies all documents of a YAML text.</summary>
    public void ApplyYaml(string text)
    {
        foreach (JsonNode document in Yaml.ParseAll(text))
        {
            Apply((JsonObject)document);
        }
    }

    /// <summary>An object; null if there is none.</summary>
    /// <param name="resource">For example <c>egressips</c> or <c>leases.coordination.k8s.io</c>.</param>
    public abstract JsonObject? Get(string resource, string name, string? space = null);

    /// <summary>All objects of a kind, in order of namespace and name.</summary>
    /// <param name="resource">For example <c>egressips</c> or <c>events.events.k8s.io</c>.</param>
    /// <param name="space">Null: of all namespaces.</param>
    public abstract IReadOnlyList<JsonObject> All(string resource, string? space = null);

    /// <summary>Deletes an object, with no time left for a pod; finalizers are waited for.</summary>
    public abstract void Delete(string resource, string name, string? space = null);

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        await GoAway();
        GC.SuppressFinalize(this);
    }

    /// <summary>Answers a request that no fault has answered.</summary>
    private protected abstract Task Answer(HttpContext http, ApiRequest request, Fault? fault);

    /// <param name="authority">A certificate in PEM; null: the server speaks plain HTTP.</param>
    internal static string Kubeconfig(Uri server, string user, string? authority = null) => $$"""
        apiVersion: v1
        kind: Config
        clusters:
        - name: test
          cluster: { server: "{{server.OriginalString}}"{{(authority is null ? "" : $", certificate-authority-data: {Base64(authority)}")}} }
        users:
        - name: test
          user: { {{user}} }
        contexts:
        - name: test
          context: {cluster: test, user: test}
        current-context: test

        """;

    private static string Base64(string text) => Convert.ToBase64String(Encoding.ASCII.GetBytes(text));

    /// <summary>Signals are for the test runner, not for this server.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
