using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Kubernetes;

/// <summary>The Lease of an election, as the API has it (coordination.k8s.io/v1).</summary>
internal sealed class ElectionLease(IKubernetesApi api, string space, string name, TimeProvider clock)
{
    /// <summary>Whose name is in it; null if nobody's.</summary>
    public static string? HolderOf(JsonElement lease) =>
        lease.Object("spec")?.Text("holderIdentity") is { Length: > 0 } holder ? holder : null;

    /// <returns>Null if there is none.</returns>
    public async Task<JsonElement?> ReadAsync(CancellationToken cancellation)
    {
        try
        {
            return await api.GetAsync(Resource.Leases, space, name, cancellation);
        }
        catch (ApiException failure) when (failure.IsNotFound)
        {
            return null;
        }
    }

    /// <summary>Writes it, if it is still as it was read. Fields that are not known here stay.</summary>
    /// <param name="current">As it was read; null if there was none.</param>
    /// <param name="holder">Null: it is given up.</param>
    /// <returns>As it is now.</returns>
    public Task<JsonElement> WriteAsync(JsonElement? current, string? holder, TimeSpan duration, CancellationToken cancellation)
    {
        string now = clock.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
        JsonObject lease = current is JsonElement known
            ? JsonObject.Create(known)!
            : new JsonObject
            {
                ["apiVersion"] = Resource.Leases.ApiVersion,
                ["kind"] = Resource.Leases.Kind,
                ["metadata"] = new JsonObject { ["namespace"] = space, ["name"] = name },
            };
        JsonObject spec = lease["spec"] as JsonObject ?? [];
        JsonElement? before = current?.Object("spec");
        if (holder is not null && holder != before?.Text("holderIdentity"))
        {
            spec["acquireTime"] = now;
            spec["leaseTransitions"] = current is null ? 0 : (before?.Number("leaseTransitions") ?? 0) + 1;
        }

        spec["holderIdentity"] = holder ?? "";
        spec["leaseDurationSeconds"] = (int)duration.TotalSeconds;
        spec["renewTime"] = now;
        lease["spec"] = spec;
        return current is null
            ? api.CreateAsync(Resource.Leases, space, lease, cancellation)
            : api.ReplaceAsync(Resource.Leases, space, name, lease, cancellation);
    }
}
