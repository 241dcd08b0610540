using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using EgressRouter.Legacy;
using Kubernetes;

namespace EgressOperator.Routers;

/// <summary>An object that is made of an EgressRouter.</summary>
/// <param name="Text">The object as JSON, as it is applied.</param>
/// <param name="Hash">Of the text without this hash.</param>
internal sealed record RenderedObject(Resource Kind, string Text, string Hash)
{
    private const string NoAddress = "None";

    /// <summary>In bytes: that of the hash which HMAC uses.</summary>
    private const int KeyLength = 32;

    public bool IsHeadlessService => Kind == Resource.Services && ClusterIpOf(Parse()) == NoAddress;

    /// <summary>Adds to a written object its owner, labels and hash.</summary>
    /// <param name="owner">The EgressRouter.</param>
    public static RenderedObject Of(Resource kind, JsonObject written, ObjectMeta owner)
    {
        JsonNode metadata = written["metadata"]!;
        AddOwner(metadata, owner);
        string hash = HashOf(Encoding.UTF8.GetBytes(written.ToJsonString()));
        (metadata["annotations"] ??= new JsonObject())[RouterLabels.HashAnnotation] = hash;
        return new RenderedObject(kind, written.ToJsonString(), hash);
    }

    /// <summary>A Secret with a new key for the pods of a pair.</summary>
    /// <param name="owner">The EgressRouter.</param>
    public static JsonObject KeyOf(ObjectMeta owner)
    {
        var metadata = new JsonObject { ["name"] = owner.Name, ["namespace"] = owner.Namespace };
        AddOwner(metadata, owner);
        return new JsonObject
        {
            ["apiVersion"] = Resource.Secrets.ApiVersion,
            ["kind"] = Resource.Secrets.Kind,
            ["metadata"] = metadata,
            ["data"] = new JsonObject { ["key"] = Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyLength)) },
        };
    }

    public static string HashOf(byte[] text) => Convert.ToHexStringLower(SHA256.HashData(text))[..16];

    /// <summary>The object, for a request.</summary>
    /// <param name="uid">The uid of the existing object; null to make one.</param>
    public JsonObject ToJson(string? uid)
    {
        JsonObject source = JsonNode.Parse(Text)!.AsObject();
        if (uid is not null)
        {
            source["metadata"]!["uid"] = uid;
        }

        return source;
    }

    /// <summary>Whether an object of the API has all of these fields with these values. It may have more.</summary>
    public bool IsIn(JsonElement actual) => IsIn(Parse(), actual);

    /// <summary>
    /// Whether this cannot be made of an object. The API refuses to give a Service an address, or to take it, and the EndpointSlices of a
    /// Service stay when it loses its selector. A single pod and those of a pair cannot run side by side.
    /// </summary>
    public bool NeedsNewObject(JsonElement actual)
    {
        JsonElement wanted = Parse();
        return Kind == Resource.Services
            ? ClusterIpOf(wanted) == NoAddress != (ClusterIpOf(actual) == NoAddress) || HasSelector(wanted) != HasSelector(actual)
            : Kind == RouterResources.Deployments && IsPair(wanted) != IsPair(actual);
    }

    private static bool IsPair(JsonElement deployment) =>
        deployment.Object("metadata")?.Object("annotations")?.Text(EgressRouterObject.ReplicasAnnotation) == "2";

    private static bool HasSelector(JsonElement service) => service.Object("spec")?.Object("selector") is not null;

    private static void AddOwner(JsonNode metadata, ObjectMeta owner)
    {
        RouterLabels.AddTo(metadata, owner.Name);
        metadata["ownerReferences"] = new JsonArray(new JsonObject
        {
            ["apiVersion"] = RouterResources.EgressRouters.ApiVersion,
            ["kind"] = RouterResources.EgressRouters.Kind,
            ["name"] = owner.Name,
            ["uid"] = owner.Uid,
            ["controller"] = true,
            ["blockOwnerDeletion"] = true,
        });
    }

    private static string? ClusterIpOf(JsonElement service) =>
        service.TryGetProperty("spec", out JsonElement spec) && spec.TryGetProperty("clusterIP", out JsonElement address)
            ? address.GetString() : null;

    private static bool IsIn(JsonElement wanted, JsonElement actual) => wanted.ValueKind switch
    {
        JsonValueKind.Object => actual.ValueKind == JsonValueKind.Object && wanted.EnumerateObject().All(
            member => actual.TryGetProperty(member.Name, out JsonElement value) && IsIn(member.Value, value)),
        // Lists of objects are merged by the server: others may have added items.
        JsonValueKind.Array when wanted.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Object) =>
            actual.ValueKind == JsonValueKind.Array
            && wanted.EnumerateArray().All(item => actual.EnumerateArray().Any(other => IsIn(item, other))),
        _ => JsonElement.DeepEquals(wanted, actual),
    };

    private JsonElement Parse()
    {
        using var document = JsonDocument.Parse(Text);
        return document.RootElement.Clone();
    }
}
