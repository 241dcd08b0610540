using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace ApiServer;

/// <summary>What <c>metadata</c> may be, for all kinds.</summary>
internal static partial class MetadataRules
{
    /// <exception cref="ApiError">A field has a type that cannot be read.</exception>
    public static void CheckTypes(JsonObject value)
    {
        foreach (string map in (string[])["labels", "annotations"])
        {
            JsonNode? found = value.At("metadata", map);
            bool hasOthers = (found as JsonObject ?? []).Any(one => one.Value is not null && one.Value.Text() is null);
            if (hasOthers || found is not (null or JsonObject))
            {
                throw ApiError.BadRequest($"json: cannot unmarshal into Go struct field ObjectMeta.metadata.{map} of type string");
            }
        }
    }

    /// <summary>Whether a text can be a key of a label, or the name of a controller.</summary>
    public static bool IsQualified(string text) => Qualified().IsMatch(text);

    /// <summary>All faults.</summary>
    /// <param name="old">Null for a new object.</param>
    public static IEnumerable<Cause> Check(Kind kind, JsonObject value, JsonObject? old)
    {
        string name = value.Text("metadata", "name") ?? "";
        bool isLabel = kind.Name is "Namespace" or "Service";
        if (name.Length == 0)
        {
            yield return Cause.Required("metadata.name", "name or generateName is required");
        }
        else if (!(isLabel ? Label() : Subdomain()).IsMatch(name) || name.Length > (isLabel ? 63 : 253))
        {
            yield return Cause.Invalid(
                "metadata.name", $"\"{name}\"", $"a {(isLabel ? "DNS-1123 label" : "DNS-1123 subdomain")} must consist of lower case "
                    + "alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character");
        }

        foreach ((string key, JsonNode? label) in value.At("metadata", "labels") as JsonObject ?? [])
        {
            if (!Qualified().IsMatch(key))
            {
                yield return Cause.Invalid(
                    "metadata.labels", $"\"{key}\"", "name part must consist of alphanumeric characters, '-', '_' or '.'");
            }

            if (label.Text() is string text && (text.Length > 63 || !LabelValue().IsMatch(text)))
            {
                yield return Cause.Invalid("metadata.labels", $"\"{text}\"", "a valid label must be an empty string or consist of "
                    + "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character");
            }
        }

        foreach ((string key, _) in value.At("metadata", "annotations") as JsonObject ?? [])
        {
            if (!Qualified().IsMatch(key.ToLowerInvariant()))
            {
                yield return Cause.Invalid(
                    "metadata.annotations", $"\"{key}\"", "name part must consist of alphanumeric characters, '-', '_' or '.'");
            }
        }

        foreach (string key in (string[])["apiVersion", "kind", "name", "uid"])
        {
            foreach ((int index, JsonObject owner) in value.Objects("metadata", "ownerReferences").Index())
            {
                if (string.IsNullOrEmpty(owner.Text(key)))
                {
                    yield return Cause.Invalid($"metadata.ownerReferences[{index}].{key}", "\"\"", $"{key} must not be empty");
                }
            }
        }

        string[] added = [.. value.Texts("metadata", "finalizers").Except(old.Texts("metadata", "finalizers"))];
        if (old.At("metadata", "deletionTimestamp") is not null && added.Length > 0)
        {
            yield return Cause.Forbidden(
                "metadata.finalizers",
                $"no new finalizers can be added if the object is being deleted, found new finalizers {string.Join(", ", added)}");
        }
    }

    [GeneratedRegex("^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$")]
    private static partial Regex Subdomain();

    [GeneratedRegex("^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$")]
    private static partial Regex Label();

    [GeneratedRegex("^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$")]
    private static partial Regex Qualified();

    [GeneratedRegex("^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")]
    private static partial Regex LabelValue();
}
