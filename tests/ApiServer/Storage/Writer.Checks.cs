using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>What is checked before a write.</summary>
internal sealed partial class Writer
{
    private const string NameLetters = "bcdfghjklmnpqrstvwxz2456789";

    /// <summary>Makes sure that the body is about the object that the path is about.</summary>
    private static void Identify(Kind kind, string? space, string? name, JsonObject value)
    {
        if (!kind.IsCustom)
        {
            value["apiVersion"] ??= kind.ApiVersion;
            value["kind"] ??= kind.Name;
        }

        (string? itsVersion, string? itsKind) = (value.Text("apiVersion"), value.Text("kind"));
        if (itsVersion != kind.ApiVersion || itsKind != kind.Name)
        {
            throw kind.IsCustom && itsVersion is not null && itsKind is not null
                ? ApiError.Invalid(
                    itsVersion.Split('/')[0], itsKind, value.Text("metadata", "name") ?? "", itsKind != kind.Name
                        ? Cause.Invalid("kind", $"\"{itsKind}\"", $"must be {kind.Name}")
                        : Cause.Invalid("apiVersion", $"\"{itsVersion}\"", $"must be {kind.ApiVersion}"))
                : ApiError.BadRequest(
                    $"{itsKind} in version \"{itsVersion}\" cannot be handled as a {kind.Name} in version \"{kind.ApiVersion}\"");
        }

        JsonObject metadata = value.Metadata();
        MetadataRules.CheckTypes(value);
        string? itsName = metadata.Text("name");
        if (name is not null && !string.IsNullOrEmpty(itsName) && itsName != name)
        {
            throw ApiError.BadRequest($"the name of the object ({itsName}) does not match the name on the URL ({name})");
        }

        if (metadata.Text("namespace") is { Length: > 0 } itsSpace && itsSpace != space)
        {
            throw ApiError.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
        }

        metadata.SetOrRemove("namespace", space);
        if (name is not null)
        {
            metadata["name"] = name;
        }
        else if (string.IsNullOrEmpty(itsName) && metadata.Text("generateName") is { Length: > 0 } prefix)
        {
            metadata["name"] = prefix[..Math.Min(prefix.Length, 58)] + RandomNumberGenerator.GetString(NameLetters, 5);
        }
    }

    private void CheckNamespace(Kind kind, string? space)
    {
        if (!kind.IsNamespaced)
        {
            return;
        }

        Stored found = store.Find("namespaces", space!) ?? throw ApiError.NotFound(BuiltInKinds.Namespace, space!);
        if (found.IsBeingDeleted)
        {
            throw new ApiError(
                403, "Forbidden",
                $"{kind.Resource} is forbidden: unable to create new content in namespace {space} because it is being terminated");
        }
    }

    /// <param name="isWhole">Whether the client has sent the whole object: then another uid is a conflict, else a mistake.</param>
    private static void CheckPreconditions(Kind kind, string name, JsonObject value, Stored? old, bool isWhole)
    {
        if (value.Text("metadata", "uid") is { Length: > 0 } uid && uid != old?.Uid)
        {
            throw isWhole || old is null
                ? ApiError.Conflict(kind, name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {old?.Uid}")
                : ApiError.Invalid(kind, name, Cause.Invalid("metadata.uid", $"\"{uid}\"", "field is immutable"));
        }

        if (value.Text("metadata", "resourceVersion") is not (null or "" or "0") and string revision && revision != old?.Revision)
        {
            throw ApiError.Conflict(
                kind, name, "the object has been modified; please apply your changes to the latest version and try again");
        }
    }

    private static void ThrowIfInvalid(Kind kind, JsonObject value, JsonObject? old)
    {
        BuiltInRules.CheckTypes(kind, value);
        Cause[] causes =
        [
            .. MetadataRules.Check(kind, value, old),
            .. kind.Schema is null ? BuiltInChecks.Check(kind, value, old) : CustomSchema.Check(value, kind.Schema),
        ];
        if (causes.Length > 0)
        {
            throw ApiError.Invalid(kind, value.Text("metadata", "name") ?? "", causes);
        }
    }
}
