using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>What a CustomResourceDefinition defines.</summary>
internal static class CustomKind
{
    /// <summary>One kind for each served version.</summary>
    public static IEnumerable<Kind> Of(JsonObject definition)
    {
        JsonObject names = (JsonObject)definition.At("spec", "names")!;
        string group = definition.Text("spec", "group")!;
        string stored = definition.Objects("spec", "versions").First(IsStored).Text("name")!;
        foreach (JsonObject version in definition.Objects("spec", "versions").Where(IsServed))
        {
            string name = version.Text("name")!;
            bool hasStatus = version.At("subresources", "status") is not null;
            yield return new Kind(group, name, names.Text("plural")!, names.Text("kind")!)
            {
                Singular = names.Text("singular")!,
                ListName = names.Text("listKind")!,
                ShortNames = names.Texts("shortNames"),
                Categories = names.Texts("categories"),
                IsNamespaced = definition.Text("spec", "scope") == "Namespaced",
                HasStatus = hasStatus,
                HasGeneration = true,
                Schema = (JsonObject)version.At("schema", "openAPIV3Schema")!,
                Columns = version["additionalPrinterColumns"] is JsonArray
                    ? [.. version.Objects("additionalPrinterColumns").Select(Column.OfDefinition)]
                    : [Column.Age],
                FromStorage = name == stored ? null : value => value["apiVersion"] = $"{group}/{name}",
                ToStorage = name == stored ? null : value => value["apiVersion"] = $"{group}/{stored}",
            };
        }
    }

    /// <summary>Fills in what the API server fills in, and says at once that the names are free and the kind is served.</summary>
    public static void Complete(JsonObject definition)
    {
        JsonObject spec = definition.Child("spec");
        JsonObject names = spec.Child("names");
        names["singular"] ??= names.Text("kind")?.ToLowerInvariant();
        names["listKind"] ??= names.Text("kind") + "List";
        spec["conversion"] ??= new JsonObject { ["strategy"] = "None" };
        JsonObject status = definition.Child("status");
        status["acceptedNames"] = names.DeepClone();
        status["storedVersions"] ??= new JsonArray(spec.Objects("versions").First(IsStored).Text("name"));
        if (status["conditions"] is not JsonArray { Count: > 0 })
        {
            status["conditions"] = new JsonArray(
                Condition("NamesAccepted", "NoConflicts", "no conflicts found"),
                Condition("Established", "InitialNamesAccepted", "the initial names have been accepted"));
        }
    }

    public static IEnumerable<Cause> Check(JsonObject definition)
    {
        string expected = $"{definition.Text("spec", "names", "plural")}.{definition.Text("spec", "group")}";
        if (definition.Text("metadata", "name") is string name && name != expected)
        {
            yield return Cause.Invalid("metadata.name", $"\"{name}\"", "must be spec.names.plural+\".\"+spec.group");
        }

        foreach (string[] path in (string[][])[["spec", "group"], ["spec", "names", "plural"], ["spec", "names", "kind"]])
        {
            if (definition.Text(path) is null)
            {
                yield return Cause.Required(string.Join('.', path));
            }
        }

        if (definition.Text("spec", "scope") is not ("Namespaced" or "Cluster"))
        {
            yield return Cause.NotSupported("spec.scope", definition.At("spec", "scope").String(), ["\"Cluster\"", "\"Namespaced\""]);
        }

        if (definition.Objects("spec", "versions").Count(IsStored) != 1)
        {
            yield return Cause.Invalid("spec.versions", "[]", "must have exactly one version marked as storage version");
        }

        foreach ((int index, JsonObject version) in definition.Objects("spec", "versions").Index())
        {
            if (version.At("schema", "openAPIV3Schema") is not JsonObject schema)
            {
                yield return Cause.Required($"spec.versions[{index}].schema.openAPIV3Schema", "schemas are required");
            }
            else if (schema.Text("type") != "object")
            {
                yield return Cause.Invalid(
                    $"spec.versions[{index}].schema.openAPIV3Schema.type", schema["type"].String(), "must be object at the root");
            }
        }
    }

    private static bool IsStored(JsonObject version) => version["storage"].String() == "true";

    private static bool IsServed(JsonObject version) => version["served"].String() == "true";

    private static JsonObject Condition(string type, string reason, string message) => new()
    {
        ["type"] = type,
        ["status"] = "True",
        ["lastTransitionTime"] = Json.Now(),
        ["reason"] = reason,
        ["message"] = message,
    };
}
