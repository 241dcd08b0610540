using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>All kinds that are served now.</summary>
internal sealed class Kinds
{
    private ImmutableArray<Kind> _all = [.. BuiltInKinds.All];

    public ImmutableArray<Kind> All => _all;

    public Kind? Find(string group, string version, string plural) =>
        All.FirstOrDefault(kind => kind.Plural == plural && kind.Group == group && kind.Version == version);

    /// <summary>The kind of an object.</summary>
    /// <exception cref="ApiError">There is none.</exception>
    public Kind Of(JsonObject value)
    {
        (string? version, string? name) = (value.Text("apiVersion"), value.Text("kind"));
        return All.FirstOrDefault(kind => kind.Name == name && kind.ApiVersion == version)
            ?? throw new ApiError(404, "NotFound", $"no matches for kind \"{name}\" in version \"{version}\"");
    }

    /// <summary>The kind that kubectl would take: <c>events</c>, or <c>events.events.k8s.io</c>.</summary>
    /// <exception cref="ApiError">There is none.</exception>
    public Kind Named(string resource) => All.FirstOrDefault(kind => kind.Resource == resource)
        ?? All.FirstOrDefault(kind => kind.Plural == resource)
        ?? throw new ApiError(404, "NotFound", $"the server doesn't have a resource type \"{resource}\"");

    /// <summary>Serves what a definition defines, instead of what it defined before.</summary>
    public void Define(JsonObject definition) => _all = [.. Without(definition), .. CustomKind.Of(definition)];

    public void Undefine(JsonObject definition) => _all = [.. Without(definition)];

    public void Reset(IEnumerable<JsonObject> definitions) =>
        _all = [.. BuiltInKinds.All, .. definitions.SelectMany(CustomKind.Of)];

    private IEnumerable<Kind> Without(JsonObject definition) => All.Where(
        kind => !kind.IsCustom || kind.Resource != definition.Text("metadata", "name"));
}
