using System.Net;
using System.Text.Json;
using Kubernetes;
using Serilog;

namespace EgressOperator.Controller;

/// <summary>Asks what a cluster has, until the API server answers: a node may start before it.</summary>
internal sealed class Discovery(IKubernetesApi api, ILogger log, TimeProvider clock)
{
    private static readonly TimeSpan _shortestPause = TimeSpan.FromSeconds(0.8);

    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(15);

    /// <summary>Names of what the server has of a group and version: <c>egressips</c>, <c>egressips/status</c>.</summary>
    public Task<IReadOnlySet<string>> NamesAsync(Resource resource, CancellationToken cancellation) =>
        UntilAnsweredAsync(() => api.ResourceNamesAsync(resource, cancellation), cancellation);

    /// <summary>Whether there is an object without a namespace.</summary>
    public async Task<bool> HasAsync(Resource resource, string name, CancellationToken cancellation) =>
        await FindAsync(resource, space: null, name, failure => failure.IsNotFound, cancellation) is not null;

    /// <summary>The image of a pod's first container; null if there is no such pod, or if it may not be read.</summary>
    public async Task<string?> ImageOfAsync(string space, string pod, CancellationToken cancellation)
    {
        JsonElement? found = await FindAsync(
            Resource.Pods, space, pod, failure => failure.IsNotFound || failure.Code == HttpStatusCode.Forbidden, cancellation);
        return found?.Object("spec")?.Items("containers").Select(one => one.Text("image")).FirstOrDefault();
    }

    /// <param name="isAbsent">Whether a failure means that there is no such object.</param>
    private Task<JsonElement?> FindAsync(
        Resource resource, string? space, string name, Func<ApiException, bool> isAbsent, CancellationToken cancellation) =>
        UntilAnsweredAsync<JsonElement?>(
            async () =>
            {
                try
                {
                    return await api.GetAsync(resource, space, name, cancellation);
                }
                catch (ApiException failure) when (isAbsent(failure))
                {
                    return null;
                }
            },
            cancellation);

    private async Task<T> UntilAnsweredAsync<T>(Func<Task<T>> ask, CancellationToken cancellation)
    {
        var pause = new Backoff(_shortestPause, _longestPause);
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (ApiException failure)
            {
                TimeSpan wait = pause.Next(failure);
                log.Warning("{Failure:l}; trying again in {Pause:0.0} s", [failure.Message, wait.TotalSeconds]);
                await Task.Delay(wait, clock, cancellation);
            }
        }
    }
}
