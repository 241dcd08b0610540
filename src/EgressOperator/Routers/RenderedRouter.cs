using System.Collections.Immutable;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cni;
using EgressOperator.Objects;
using EgressRouter.Legacy;
using EgressRouter.Tools;
using Kubernetes;

namespace EgressOperator.Routers;

/// <summary>The images of the containers of routers' pods.</summary>
/// <param name="Router">Has to keep running, and no more; null: the one that <c>convert</c> writes.</param>
/// <param name="Hold">That of egress-operator, for pairs; null: not known.</param>
internal sealed record RouterImages(string? Router = null, string? Hold = null);

/// <summary>What an EgressRouter asks for: its objects as <c>egress-routerctl convert</c> writes them, or the faults of its spec.</summary>
/// <param name="Objects">Some of <see cref="RouterResources.Made"/>, in that order; none if there are faults.</param>
/// <param name="Addresses">The egress addresses that can be read, also if there are faults.</param>
/// <param name="Faults">All faults, each with its path.</param>
internal sealed record RenderedRouter(
    ImmutableArray<RenderedObject> Objects, ImmutableArray<IPAddress> Addresses, ImmutableArray<string> Faults)
{
    /// <summary>What it was made of.</summary>
    private string Source { get; init; } = "";

    /// <summary>Whether the Service has no address of its own, because every port is redirected.</summary>
    public bool IsHeadless => Objects.Any(made => made.IsHeadlessService);

    /// <summary>Whether two pods share the addresses.</summary>
    public bool IsPair { get; private init; }

    /// <param name="source">The object, as the API sends it.</param>
    /// <param name="before">What the EgressRouter asked for before: returned if nothing has changed that counts.</param>
    public static RenderedRouter Of(JsonElement source, RouterImages images, RenderedRouter? before = null)
    {
        var json = new LocatedJson(Input(source));
        string made = ObjectMeta.Of(source).Uid + json.Text;
        return before?.Source == made ? before : Of(source, json, images) with { Source = made };
    }

    private static RenderedRouter Of(JsonElement source, LocatedJson json, RouterImages images)
    {
        try
        {
            LegacyResult read = LegacyReader.FromYaml(json.Text, "the object");
            LegacyRouter router = read.Routers[0];
            ImmutableArray<IPAddress> addresses =
                [.. router.Addresses.Select(address => StrictAddress.Parse(address.Text.Split('/')[0])).OfType<IPAddress>().Distinct()];
            ImmutableArray<string> faults =
            [
                .. read.Faults.Select(fault => WithPath(json.PathAt(fault.Line), fault.Reason)).Distinct(),
                .. router.IsPair && images.Hold is null
                    ? ["a pair of pods needs the image of egress-operator: start the controller with --hold-image"] : (string[])[],
            ];
            return new RenderedRouter(faults.IsEmpty ? Render(source, router, images) : [], addresses, faults)
            {
                IsPair = router.IsPair,
            };
        }
        catch (UsageException fault)
        {
            return new RenderedRouter([], [], [fault.Message]);
        }
    }

    private static string WithPath(string path, string reason) => path.Length == 0 ? reason : $"{path}: {reason}";

    /// <summary>The object without what only the API server writes. In lists an object has neither apiVersion nor kind.</summary>
    private static JsonElement Input(JsonElement source)
    {
        var metadata = new JsonObject();
        foreach (string key in (string[])["name", "namespace", "labels", "annotations"])
        {
            if (source.GetProperty("metadata").TryGetProperty(key, out JsonElement value))
            {
                metadata[key] = JsonNodes.Copy(value);
            }
        }

        var input = new JsonObject
        {
            ["apiVersion"] = RouterResources.EgressRouters.ApiVersion,
            ["kind"] = RouterResources.EgressRouters.Kind,
            ["metadata"] = metadata,
            ["spec"] = source.TryGetProperty("spec", out JsonElement spec) ? JsonNodes.Copy(spec) : new JsonObject(),
        };
        using var document = JsonDocument.Parse(input.ToJsonString());
        return document.RootElement.Clone();
    }

    private static ImmutableArray<RenderedObject> Render(JsonElement source, LegacyRouter router, RouterImages images)
    {
        JsonObject[] written = [.. YamlText.Read(LegacyManifest.Of(router, space: null, images.Router, images.Hold), "the manifest")
            .Select(node => JsonNodes.From(node)!.AsObject())];
        string config = (string)written.Single(IsOf(RouterResources.Attachments))["spec"]!["config"]!;
        JsonNode template = written.Single(IsOf(RouterResources.Deployments))["spec"]!["template"]!["metadata"]!;
        RouterLabels.AddTo(template, router.Name.Text);
        template["annotations"]![RouterLabels.ConfigHashAnnotation] = RenderedObject.HashOf(Encoding.UTF8.GetBytes(config));
        var owner = ObjectMeta.Of(source);
        return [.. RouterResources.Made.SelectMany(kind => written.Where(IsOf(kind)).Select(one => RenderedObject.Of(kind, one, owner)))];
    }

    private static Func<JsonObject, bool> IsOf(Resource resource) => one => (string?)one["kind"] == resource.Kind;
}
