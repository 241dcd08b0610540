using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>How something is written.</summary>
/// <param name="Manager">The field manager.</param>
/// <param name="IsDryRun">Whether the answer is all that is wanted.</param>
/// <param name="Subresource">Null for the object itself, or <c>status</c>.</param>
internal sealed record WriteOptions(string Manager, bool IsDryRun = false, string? Subresource = null);

/// <summary>What was written, in the version that was asked for.</summary>
internal sealed record Written(JsonObject Value, bool IsNew);

/// <summary>Makes and changes objects by the rules of their kinds.</summary>
internal sealed partial class Writer(Store store, Kinds kinds, Collector collector)
{
    /// <summary>POST.</summary>
    public Written Create(Kind kind, string? space, JsonObject value, WriteOptions options)
    {
        lock (store.Gate)
        {
            JsonObject made = value.Copy();
            Identify(kind, space, null, made);
            if (!string.IsNullOrEmpty(made.Text("metadata", "resourceVersion")))
            {
                throw new ApiError(500, "", "resourceVersion should not be set on objects to be created");
            }

            return Make(kind, space, made, options, null);
        }
    }

    /// <summary>PUT.</summary>
    public Written Update(Kind kind, string? space, string name, JsonObject value, WriteOptions options)
    {
        lock (store.Gate)
        {
            JsonObject next = value.Copy();
            if (next.Text("metadata", "name") is null or "")
            {
                throw ApiError.BadRequest($"the name of the object ({name} based on URL) was undeterminable: name must be provided");
            }

            Identify(kind, space, name, next);
            if (Find(kind, space, name) is not Stored old)
            {
                if (!kind.AllowsCreateOnUpdate || options.Subresource is not null)
                {
                    throw ApiError.NotFound(kind, name);
                }

                CheckPreconditions(kind, name, next, null, true);
                return Make(kind, space, next, options, null);
            }

            if (!kind.AllowsUnconditionalUpdate && next.Text("metadata", "resourceVersion") is null or "" or "0")
            {
                throw ApiError.Invalid(
                    kind.Group, kind.Plural, name, Cause.Invalid("metadata.resourceVersion", "0x0", "must be specified for an update"));
            }

            CheckPreconditions(kind, name, next, old, true);
            return Replace(kind, old, kind.Read(old.Value), next, options, null);
        }
    }

    /// <summary>PATCH, but server-side apply.</summary>
    public Written Patch(Kind kind, string? space, string name, Func<JsonObject, JsonObject> patch, WriteOptions options)
    {
        lock (store.Gate)
        {
            Stored old = Find(kind, space, name) ?? throw ApiError.NotFound(kind, name);
            JsonObject current = kind.Read(old.Value);
            JsonObject next = patch(current.Copy());
            Identify(kind, space, name, next);
            CheckPreconditions(kind, name, next, old, false);
            return Replace(kind, old, current, next, options, null);
        }
    }

    /// <summary>PATCH by server-side apply.</summary>
    public Written Apply(Kind kind, string? space, string name, JsonObject value, bool isForced, WriteOptions options)
    {
        lock (store.Gate)
        {
            JsonObject applied = value.Copy();
            Identify(kind, space, name, applied);
            if (applied.At("metadata", "managedFields") is not null)
            {
                throw ApiError.BadRequest("metadata.managedFields must be nil");
            }

            if (options.Subresource is not null)
            {
                applied = new JsonObject(applied.Where(
                    member => member.Key is "apiVersion" or "kind" || member.Key == options.Subresource)
                    .Select(member => KeyValuePair.Create(member.Key, member.Value?.DeepClone())))
                {
                    ["metadata"] = new JsonObject(((JsonObject)applied["metadata"]!)
                        .Where(member => member.Key is "name" or "namespace" or "uid" or "resourceVersion")
                        .Select(member => KeyValuePair.Create(member.Key, member.Value?.DeepClone()))),
                };
            }
            else if (kind.HasStatus)
            {
                applied.Remove("status");
            }

            if (kind.Schema is JsonObject schema)
            {
                CustomShape.PruneApplied(applied, schema);
            }

            var manager = new Manager(options.Manager, true, kind.ApiVersion, options.Subresource);
            if (Find(kind, space, name) is not Stored old)
            {
                if (options.Subresource is not null)
                {
                    throw ApiError.NotFound(kind, name);
                }

                // A resourceVersion is no precondition of an object that is not there.
                applied.Metadata().Remove("resourceVersion");
                CheckPreconditions(kind, name, applied, null, false);
                var owners = new ManagedFields([], kind.Type);
                return Make(kind, space, ServerSideApply.Apply([], applied, kind.Type, owners, manager, isForced), options, owners);
            }

            CheckPreconditions(kind, name, applied, old, false);
            JsonObject current = kind.Read(old.Value);
            var managed = new ManagedFields(current, kind.Type);
            if (managed.IsEmpty)
            {
                managed.Update(
                    FieldDifference.Between([], current, kind.Type), manager with { Name = "before-first-apply", IsApply = false });
            }

            applied.Metadata().Remove("resourceVersion");
            applied.Metadata().Remove("uid");
            JsonObject next = ServerSideApply.Apply(current, applied, kind.Type, managed, manager, isForced);
            return Replace(kind, old, current, next, options, managed);
        }
    }

    private Stored? Find(Kind kind, string? space, string name) => store.Find(kind.Storage, kind.KeyOf(space, name));
}
