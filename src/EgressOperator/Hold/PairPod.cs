using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Cni;
using Kubernetes;

namespace EgressOperator.Hold;

/// <summary>A pod of a pair, as the API has it.</summary>
/// <param name="Node">The name of its node; null if it has none yet.</param>
/// <param name="IsDeleted">Whether it has been told to end.</param>
/// <param name="HasEnded">Whether its containers have ended.</param>
/// <param name="Ports">The named ports of its containers.</param>
internal sealed record PairPod(
    string Name, string Uid, string? Node, bool IsDeleted, bool HasEnded, ImmutableArray<IPAddress> Addresses,
    ImmutableDictionary<string, int> Ports)
{
    public static PairPod Read(JsonElement source, PairPod? known)
    {
        var meta = ObjectMeta.Of(source);
        JsonElement? status = source.Object("status");
        JsonElement? spec = source.Object("spec");
        IEnumerable<JsonElement> ports = (spec?.Items("containers") ?? []).SelectMany(container => container.Items("ports"));
        return new PairPod(
            meta.Name,
            meta.Uid,
            spec?.Text("nodeName"),
            source.Object("metadata")?.Text("deletionTimestamp") is not null,
            status?.Text("phase") is "Succeeded" or "Failed",
            [.. (status?.Items("podIPs") ?? []).Select(ip => StrictAddress.Parse(ip.Text("ip"))).OfType<IPAddress>()],
            ports.Where(port => port.Text("name") is not null && port.Number("containerPort") is not null)
                .DistinctBy(port => port.Text("name"))
                .ToImmutableDictionary(port => port.Text("name")!, port => port.Number("containerPort")!.Value));
    }
}
