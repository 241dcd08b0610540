using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Cni;
using EgressRouter.Legacy;
using EgressRouter.Tools;
using Kubernetes;
using YamlDotNet.RepresentationModel;

namespace EgressOperator.Objects;

/// <summary>An object as a file or the API has it.</summary>
/// <param name="Place">Where it begins: file, line and column.</param>
/// <param name="Namespace">Null if it names none.</param>
/// <param name="Root">The object itself.</param>
internal sealed record KubernetesObject(string Place, string ApiVersion, string Kind, string? Namespace, string Name, Field Root)
{
    /// <summary>What a cluster's exported objects have; more is a mistake or an attack.</summary>
    private const int MaxBytes = 32 * 1024 * 1024;

    /// <summary>At eight bytes each they fill the longest file.</summary>
    private const int MaxNodes = MaxBytes / 8;

    /// <summary>Labels, by key.</summary>
    public Dictionary<string, string> Labels => Root["metadata"]["labels"].Texts();

    /// <summary>When the object was made; of one that has not been made yet, the end of time: it will be the youngest.</summary>
    public DateTimeOffset Created
    {
        get
        {
            Field created = Root["metadata"]["creationTimestamp"];
            return created.Text() is not string text ? DateTimeOffset.MaxValue
                : DateTimeOffset.TryParseExact(
                    text, "yyyy-MM-dd'T'HH:mm:ss.FFFFFFK", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal,
                    out DateTimeOffset time) ? time
                : throw created.Fault($"\"{SafeText.Part(text)}\" is not a time such as 2026-01-31T12:00:00Z");
        }
    }

    /// <summary>All objects of a file: YAML documents, JSON, and lists of them.</summary>
    /// <param name="file">Its path, or <c>-</c> for the standard input.</param>
    /// <exception cref="UsageException">It cannot be read, or holds what is no object.</exception>
    public static ImmutableArray<KubernetesObject> ReadAll(string file, Stream stdin)
    {
        (string name, string text) = TextFile.Read(file, stdin, MaxBytes);
        YamlNode[] nodes = [.. YamlText.Read(text, name).Where(node => node is not YamlScalarNode scalar || !YamlScalars.IsNull(scalar))];
        return AliasBound.Holds(nodes, MaxNodes)
            ? [.. nodes.Select(node => Of(name, node))]
            : throw new UsageException($"{name}: with its anchors written out it has more than {MaxNodes:N0} nodes");
    }

    /// <summary>An object as the API sends it. In lists it has neither apiVersion nor kind.</summary>
    /// <exception cref="UsageException">It has no name.</exception>
    public static KubernetesObject Of(Resource resource, JsonElement source) =>
        Of(resource.ApiVersion, resource.Kind, JsonNodes.Of(source), _ => "the API server");

    /// <summary>The value of an annotation.</summary>
    public Field Annotation(string key) => Root["metadata"]["annotations"].Members()
        .Where(member => member.Key == key).Select(member => member.Value).FirstOrDefault() ?? Root["metadata"]["annotations"][key];

    /// <summary>Whether status.conditions has one of this type with this status: True, False, Unknown.</summary>
    public bool HasCondition(string type, string status) => Root["status"]["conditions"].Items().Any(
        condition => condition["type"].Text() == type && condition["status"].Text() == status);

    /// <summary>A fault of the object as a whole.</summary>
    public UsageException Fault(string reason) => Root.Fault(reason);

    private static KubernetesObject Of(string file, YamlNode node)
    {
        var unnamed = new Field(at => PlaceOf(at ?? node), "", node);
        return Of(unnamed["apiVersion"].RequiredText(), unnamed["kind"].RequiredText(), node, PlaceOf);

        string PlaceOf(YamlNode at) => $"{file}:{at.Start.Line}:{at.Start.Column}";
    }

    private static KubernetesObject Of(string apiVersion, string kind, YamlNode node, Func<YamlNode, string> placeOf)
    {
        string what = SafeText.Short(kind);
        var ofKind = new Field(at => $"{placeOf(at ?? node)}: {what}", "", node);
        string? space = ofKind["metadata"]["namespace"].Text();
        string name = ofKind["metadata"]["name"].RequiredText();
        string title = $"{what} {(space is null ? "" : SafeText.Short(space) + "/")}{SafeText.Short(name)}";
        return new KubernetesObject(
            placeOf(node), apiVersion, kind, space, name, new Field(at => $"{placeOf(at ?? node)}: {title}", "", node));
    }
}
