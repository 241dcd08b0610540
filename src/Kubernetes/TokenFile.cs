using System.Net.Http.Headers;
using k8s.Authentication;

namespace Kubernetes;

/// <summary>
/// A bearer token in a file, read for each request. The kubelet replaces it before it ends ("Configure Service Accounts for Pods"); that of
/// KubernetesClient goes on with the old one for up to a minute, also when the server no longer accepts it.
/// </summary>
public sealed class TokenFile(string path) : ITokenProvider
{
    /// <inheritdoc/>
    public async Task<AuthenticationHeaderValue> GetAuthenticationHeaderAsync(CancellationToken cancellationToken) =>
        new("Bearer", (await File.ReadAllTextAsync(path, cancellationToken)).Trim());
}
