using System.Collections.Immutable;
using System.Net;
using System.Text;
using System.Text.Json;
using Cni;
using Kubernetes;

namespace EgressOperator.Routers;

/// <summary>An object of the API that has the name of an EgressRouter, and may be made of it.</summary>
/// <param name="Text">The object as JSON, without its status and the managers of its fields.</param>
/// <param name="OwnerUid">The uid of its controller; null if it has none.</param>
/// <param name="OwnerIsRouter">Whether its controller is an EgressRouter.</param>
/// <param name="WasApplied">Whether this program has applied fields of it.</param>
/// <param name="IsDeleted">Whether it is being deleted.</param>
/// <param name="Rollout">Of a Deployment.</param>
/// <param name="Addresses">The egress addresses in a NetworkAttachmentDefinition.</param>
internal sealed record MadeObject(
    ObjectMeta Meta, string Text, string? OwnerUid, bool OwnerIsRouter, bool WasApplied, bool IsDeleted, Rollout? Rollout,
    ImmutableArray<IPAddress> Addresses)
{
    public static MadeObject Read(Resource kind, JsonElement source)
    {
        JsonElement? metadata = source.Object("metadata");
        JsonElement? owner = metadata?.Items("ownerReferences").Where(one => one.IsTrue("controller"))
            .Select(one => (JsonElement?)one).FirstOrDefault();
        return new MadeObject(
            ObjectMeta.Of(source),
            Kept(source),
            owner?.Text("uid"),
            owner?.Text("kind") == RouterResources.EgressRouters.Kind
                && owner?.Text("apiVersion") == RouterResources.EgressRouters.ApiVersion,
            metadata?.Items("managedFields").Any(
                one => one.Text("manager") == RouterLabels.Manager && one.Text("operation") == "Apply") == true,
            metadata?.Text("deletionTimestamp") is not null,
            kind == RouterResources.Deployments ? Rollout.Read(source) : null,
            kind == RouterResources.Attachments ? AddressesIn(source.Object("spec")?.Text("config")) : []);
    }

    /// <summary>
    /// Whether it is made of this EgressRouter. One without an owner whose fields this program has applied was one: its owner was
    /// removed by a user who replaced it.
    /// </summary>
    public bool IsOf(ObjectMeta router) => OwnerUid == router.Uid || (OwnerUid is null && WasApplied);

    /// <summary>Whether it is made of any EgressRouter.</summary>
    public bool IsMade => OwnerIsRouter || (OwnerUid is null && WasApplied);

    public JsonElement Source()
    {
        using var document = JsonDocument.Parse(Text);
        return document.RootElement.Clone();
    }

    private static string Kept(JsonElement source)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            foreach (JsonProperty member in source.EnumerateObject().Where(member => member.Name != "status"))
            {
                if (member.Name != "metadata")
                {
                    member.WriteTo(writer);
                    continue;
                }

                writer.WriteStartObject("metadata");
                foreach (JsonProperty field in member.Value.EnumerateObject().Where(field => field.Name != "managedFields"))
                {
                    field.WriteTo(writer);
                }

                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    /// <summary>What another program has written there may be anything.</summary>
    private static ImmutableArray<IPAddress> AddressesIn(string? config)
    {
        try
        {
            using var document = JsonDocument.Parse(config ?? "null");
            return
            [
                .. (document.RootElement.Object("ip")?.Items("addresses") ?? []).Where(one => one.ValueKind == JsonValueKind.String)
                    .Select(one => StrictAddress.Parse(one.GetString()!.Split('/')[0])).OfType<IPAddress>(),
            ];
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            // No JSON, or half a character in a string.
            return [];
        }
    }
}

/// <summary>How far a Deployment is.</summary>
/// <param name="IsCurrent">Whether its controller has seen its newest state.</param>
/// <param name="Available">Pods that are ready.</param>
/// <param name="Failure">Why no pod can be made; null if nothing is known.</param>
internal sealed record Rollout(bool IsCurrent, int Updated, int Available, string? Failure)
{
    public static Rollout Read(JsonElement deployment)
    {
        JsonElement? status = deployment.Object("status");
        return new Rollout(
            (status?.Number("observedGeneration") ?? 0) >= (deployment.Object("metadata")?.Number("generation") ?? 0),
            status?.Number("updatedReplicas") ?? 0,
            status?.Number("availableReplicas") ?? 0,
            // What the API server says counts more than that it takes long.
            (status?.Items("conditions") ?? []).Where(IsFailure).OrderBy(one => one.Text("type") == "ReplicaFailure" ? 0 : 1)
                .Select(one => one.Text("message")).FirstOrDefault());
    }

    private static bool IsFailure(JsonElement condition) => (condition.Text("type"), condition.Text("status")) is
        ("ReplicaFailure", "True") or ("Progressing", "False");
}
