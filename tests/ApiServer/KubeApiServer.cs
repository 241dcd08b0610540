using Microsoft.AspNetCore.Http;

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
public sealed partial class KubeApiServer : FaultyServer
{
    private readonly Cluster _cluster = new();

    private readonly Endpoint _endpoint;

    private KubeApiServer(int port, string? token)
        : base(port)
    {
        Token = token;
        _endpoint = new Endpoint(_cluster, Knobs);
    }

    /// <summary>The bearer token that clients must send, or get 401; null: none. May change at any time.</summary>
    public string? Token
    {
        get => Knobs.Token;
        set => Knobs.Token = value;
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
    public void WriteKubeconfig(string path, string? tokenFile = null) =>
        File.WriteAllText(path, Kubeconfig(Url, tokenFile is not null ? $"tokenFile: {tokenFile}" : $"token: {Token ?? "none"}"));

    private protected override Task Answer(HttpContext http, ApiRequest request, Fault? fault) => _endpoint.Answer(http, request, fault);
}
