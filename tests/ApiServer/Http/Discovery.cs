using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>Which groups, versions and kinds there are.</summary>
internal sealed class Discovery(Cluster cluster)
{
    private static readonly string[] _verbs = ["create", "delete", "get", "list", "patch", "update", "watch"];

    /// <summary>The answer for a path; null if there is none.</summary>
    public JsonObject? Find(string path) => path.Trim('/').Split('/') switch
    {
        ["version"] => new JsonObject
        {
            ["major"] = "1",
            ["minor"] = "20",
            ["gitVersion"] = "v1.20.2",
            ["gitCommit"] = "",
            ["gitTreeState"] = "clean",
            ["buildDate"] = "2021-01-13T00:00:00Z",
            ["goVersion"] = "",
            ["compiler"] = "",
            ["platform"] = "linux/amd64",
        },
        ["api"] => new JsonObject
        {
            ["kind"] = "APIVersions",
            ["versions"] = new JsonArray("v1"),
            ["serverAddressByClientCIDRs"] = new JsonArray(),
        },
        ["apis"] => new JsonObject
        {
            ["kind"] = "APIGroupList",
            ["apiVersion"] = "v1",
            ["groups"] = new JsonArray([.. Groups().Select(Group)]),
        },
        ["api", string version] => Resources("", version),
        ["apis", string group] when Groups().Contains(group) => Group(group),
        ["apis", string group, string version] => Resources(group, version),
        _ => null,
    };

    private string[] Groups() => [.. cluster.Kinds.All.Select(kind => kind.Group).Where(group => group.Length > 0).Distinct()];

    private JsonObject Group(string group)
    {
        JsonObject[] versions = [.. cluster.Kinds.All.Where(kind => kind.Group == group).Select(kind => kind.Version).Distinct()
            .Select(version => new JsonObject { ["groupVersion"] = $"{group}/{version}", ["version"] = version })];
        return new JsonObject
        {
            ["kind"] = "APIGroup",
            ["apiVersion"] = "v1",
            ["name"] = group,
            ["versions"] = new JsonArray([.. versions]),
            ["preferredVersion"] = versions[0].DeepClone(),
        };
    }

    private JsonObject? Resources(string group, string version)
    {
        Kind[] kinds = [.. cluster.Kinds.All.Where(kind => kind.Group == group && kind.Version == version)];
        return kinds.Length == 0
            ? null
            : new JsonObject
            {
                ["kind"] = "APIResourceList",
                ["apiVersion"] = "v1",
                ["groupVersion"] = kinds[0].ApiVersion,
                ["resources"] = new JsonArray([.. kinds.SelectMany(Resources)]),
            };
    }

    private static IEnumerable<JsonObject> Resources(Kind kind)
    {
        JsonObject resource = Resource(kind, kind.Plural, kind.Singular, _verbs);
        if (kind.ShortNames.Length > 0)
        {
            resource["shortNames"] = new JsonArray([.. kind.ShortNames]);
        }

        if (kind.Categories.Length > 0)
        {
            resource["categories"] = new JsonArray([.. kind.Categories]);
        }

        yield return resource;
        if (kind.HasStatus)
        {
            yield return Resource(kind, kind.Plural + "/status", "", ["get", "patch", "update"]);
        }
    }

    private static JsonObject Resource(Kind kind, string name, string singular, string[] verbs) => new()
    {
        ["name"] = name,
        ["singularName"] = singular,
        ["namespaced"] = kind.IsNamespaced,
        ["kind"] = kind.Name,
        ["verbs"] = new JsonArray([.. verbs]),
    };
}
