using System.Text.Json.Nodes;
using ApiServer;
using Shared;

namespace EgressOperator.Tests.Controller;

/// <summary>The tests' own API server, with the definitions of packaging/operator.</summary>
internal sealed class OwnCluster : TestCluster
{
    private readonly string _kubeconfig = Path.GetTempFileName();

    private OwnCluster(KubeApiServer server)
    {
        Server = server;
        server.WriteKubeconfig(_kubeconfig);
        foreach (string file in Directory.EnumerateFiles(Repository.PathOf("packaging", "operator", "crds")).Append(Multus))
        {
            server.ApplyYaml(File.ReadAllText(file));
        }
    }

    public KubeApiServer Server { get; }

    internal override string Kubeconfig => _kubeconfig;

    public static async Task<OwnCluster> StartAsync() => new(await KubeApiServer.Start());

    public override async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        File.Delete(_kubeconfig);
    }

    internal override Task ApplyAsync(JsonObject source)
    {
        Server.Apply(source);
        return Task.CompletedTask;
    }

    internal override Task DeleteAsync(string resource, string name, string? space = null)
    {
        Server.Delete(resource, name, space);
        return Task.CompletedTask;
    }

    internal override Task<IReadOnlyList<JsonObject>> AllAsync(string resource) => Task.FromResult(Server.All(resource));
}
