using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>The last step of each write.</summary>
internal sealed partial class Writer
{
    /// <summary>Writes an object as it is, with nothing checked: what tests arrange.</summary>
    public JsonObject Put(Kind kind, string? space, JsonObject value)
    {
        lock (store.Gate)
        {
            JsonObject next = value.Copy();
            Identify(kind, space, null, next);
            string name = next.Text("metadata", "name") ?? throw ApiError.BadRequest("the object has no name");
            JsonObject? current = Find(kind, space, name) is Stored old ? kind.Read(old.Value) : null;
            JsonObject metadata = next.Metadata();
            metadata["uid"] = current.Text("metadata", "uid") ?? metadata.Text("uid") ?? Guid.NewGuid().ToString();
            metadata["creationTimestamp"] ??= current.Text("metadata", "creationTimestamp") ?? Json.Now();
            if (kind.HasGeneration)
            {
                metadata["generation"] = current is null ? 1 : NextGeneration(kind, current, next);
            }

            if (current is null && kind == BuiltInKinds.Namespace)
            {
                BuiltInRules.PrepareCreate(kind, next);
            }

            BuiltInRules.Default(kind, next);
            return Commit(kind, next, new WriteOptions("test"), current is null).Value;
        }
    }

    private Written Make(Kind kind, string? space, JsonObject value, WriteOptions options, ManagedFields? applied)
    {
        CheckNamespace(kind, space);
        JsonObject metadata = value.Metadata();
        foreach (string key in (string[])["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion", "generation"])
        {
            metadata.Remove(key);
        }

        metadata["uid"] = Guid.NewGuid().ToString();
        metadata["creationTimestamp"] = Json.Now();
        if (kind.HasGeneration)
        {
            metadata["generation"] = 1;
        }

        if (kind is { IsCustom: true, HasStatus: true })
        {
            value.Remove("status");
        }

        BuiltInRules.PrepareCreate(kind, value);
        Normalize(kind, value, applied is not null);
        ThrowIfInvalid(kind, value, null);
        string name = value.Text("metadata", "name")!;
        if (Find(kind, space, name) is not null)
        {
            throw ApiError.AlreadyExists(kind, name);
        }

        if (applied is null)
        {
            applied = new ManagedFields([], kind.Type);
            applied.Update(FieldDifference.Between([], value, kind.Type), new Manager(options.Manager, false, kind.ApiVersion, null));
        }

        applied.WriteTo(value);
        return Commit(kind, value, options, true);
    }

    /// <param name="current">The stored object in the version that is written.</param>
    /// <param name="applied">The owners after an apply; null for other writes.</param>
    private Written Replace(
        Kind kind, Stored old, JsonObject current, JsonObject next, WriteOptions options, ManagedFields? applied)
    {
        bool isReset = next.Objects("metadata", "managedFields").ToArray() is [{ Count: 0 }];
        KeepWhatIsNotWritten(kind, current, next, options.Subresource);
        Normalize(kind, next, applied is not null);
        ThrowIfInvalid(kind, next, current);
        if (applied is null)
        {
            applied = new ManagedFields(isReset ? [] : current, kind.Type);
            // Without owners nothing is tracked until the first apply.
            if (!applied.IsEmpty)
            {
                applied.Update(
                    FieldDifference.Between(current, next, kind.Type),
                    new Manager(options.Manager, false, kind.ApiVersion, options.Subresource));
            }
        }

        applied.WriteTo(next);
        if (kind.HasGeneration)
        {
            next.Metadata()["generation"] = NextGeneration(kind, current, next);
        }

        next.Metadata()["resourceVersion"] = old.Revision;
        if (JsonNode.DeepEquals(current, next))
        {
            return new Written(current, false);
        }

        bool isLast = old.IsBeingDeleted && next.Texts("metadata", "finalizers").Length == 0
            && next.At("metadata", "deletionGracePeriodSeconds").String() is "0" or "null";
        if (isLast && !options.IsDryRun)
        {
            collector.Remove(kind.Storage, kind.KeyOf(old.Namespace, old.Name), old);
            return new Written(next, false);
        }

        return Commit(kind, next, options, false);
    }

    /// <summary>What neither a client may change, nor this subresource.</summary>
    private static void KeepWhatIsNotWritten(Kind kind, JsonObject current, JsonObject next, string? subresource)
    {
        JsonObject metadata = next.Metadata();
        foreach (string key in (string[])
            ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink"])
        {
            metadata.SetOrRemove(key, current.At("metadata", key));
        }

        if (subresource is null)
        {
            if (kind.HasStatus)
            {
                next.SetOrRemove("status", current["status"]);
            }

            return;
        }

        foreach (string key in current.Select(member => member.Key).Union(next.Select(member => member.Key)).ToArray())
        {
            // The metadata of Kubernetes' own kinds can be written with their status.
            if (key != "status" && (key != "metadata" || kind.IsCustom))
            {
                next.SetOrRemove(key, current[key]);
            }
        }
    }

    /// <summary>With the subresource, only the spec counts; without it, all but metadata.</summary>
    private static long NextGeneration(Kind kind, JsonObject current, JsonObject next)
    {
        bool Counts(string key) => key != "metadata" && !(key == "status" && kind.HasStatus);
        bool isSame = JsonNode.DeepEquals(
            new JsonObject(current.Where(member => Counts(member.Key)).Select(Clone)),
            new JsonObject(next.Where(member => Counts(member.Key)).Select(Clone)));
        long generation = current.At("metadata", "generation") is JsonValue value ? long.Parse(value.ToString(), null) : 1;
        return isSame ? generation : generation + 1;
    }

    private static KeyValuePair<string, JsonNode?> Clone(KeyValuePair<string, JsonNode?> member) =>
        KeyValuePair.Create(member.Key, member.Value?.DeepClone());

    private Written Commit(Kind kind, JsonObject value, WriteOptions options, bool isNew)
    {
        JsonObject stored = Stored(kind, value);
        if (options.IsDryRun)
        {
            return new Written(value, isNew);
        }

        string key = kind.KeyOf(value.Text("metadata", "namespace"), value.Text("metadata", "name")!);
        Stored made = store.Put(kind.Storage, key, stored);
        if (kind == BuiltInKinds.CustomResourceDefinition)
        {
            kinds.Define(made.Value);
        }

        collector.Wrote(kind.Storage, key);
        return new Written(kind.Read(made.Value), isNew);
    }

    /// <param name="isApplied">Whether what the client has sent is pruned already.</param>
    private static void Normalize(Kind kind, JsonObject value, bool isApplied)
    {
        foreach ((string key, JsonNode? member) in value.Metadata().ToArray())
        {
            if (member is null or JsonObject { Count: 0 } or JsonArray { Count: 0 } || member.Text() is "")
            {
                value.Metadata().Remove(key);
            }
        }

        if (kind.Schema is JsonObject schema)
        {
            if (!isApplied)
            {
                CustomShape.Prune(value, schema);
            }

            CustomShape.Default(value, schema);
        }
        else
        {
            BuiltInRules.Default(kind, value);
        }
    }

    /// <summary>A copy in the stored form, with <c>kind</c> and <c>apiVersion</c> first.</summary>
    private static JsonObject Stored(Kind kind, JsonObject value)
    {
        JsonObject copy = value.Copy();
        kind.ToStorage?.Invoke(copy);
        var ordered = new JsonObject { ["kind"] = copy.Text("kind"), ["apiVersion"] = copy.Text("apiVersion") };
        foreach ((string key, JsonNode? member) in copy.Where(member => member.Key is not ("kind" or "apiVersion")))
        {
            ordered[key] = member?.DeepClone();
        }

        return ordered;
    }
}
