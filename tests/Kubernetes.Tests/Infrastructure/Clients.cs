using ApiServer;
using k8s;
using k8s.Authentication;

namespace Kubernetes.Tests.Infrastructure;

/// <summary>Clients of servers in this process.</summary>
internal static class Clients
{
    public static KubernetesApi Of(KubeApiServer server, string userAgent = "test", TimeProvider? clock = null) =>
        Of(server.Url, userAgent, clock);

    public static KubernetesApi Of(Uri url, string userAgent = "test", TimeProvider? clock = null, ITokenProvider? tokens = null) =>
        new(new KubernetesClientConfiguration { Host = url.OriginalString, TokenProvider = tokens }, userAgent, clock);
}
