using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>Server-side apply.</summary>
internal static class ServerSideApply
{
    /// <summary>The object with what is applied, and without what its manager no longer applies.</summary>
    /// <param name="live">The object as it is; empty if there is none.</param>
    /// <param name="managed">The owners of its fields, which are changed.</param>
    /// <param name="isForced">Whether fields of other managers are taken.</param>
    /// <exception cref="ApiError">Others own fields that would change.</exception>
    public static JsonObject Apply(
        JsonObject live, JsonObject applied, FieldType type, ManagedFields managed, Manager manager, bool isForced)
    {
        FieldSet fields = FieldSet.Of(applied, type).WithoutUnowned();
        JsonObject made = (JsonObject)Merge(live, applied, type)!;
        if (managed[manager] is FieldSet last)
        {
            FieldSet dropped = managed.OthersThan(manager).Aggregate(last.Except(fields), (set, other) => set.Except(other.Fields));
            made = Remove(made, dropped, type) as JsonObject ?? [];
        }

        FieldDifference difference = FieldDifference.Between(live, made, type);
        if (!isForced)
        {
            ThrowIfConflict(difference, managed, manager);
        }

        managed.TakeFromOthers(difference, manager);
        managed.Set(manager, fields);
        return made;
    }

    private static void ThrowIfConflict(FieldDifference difference, ManagedFields managed, Manager manager)
    {
        Cause[] causes = [.. managed.OthersThan(manager).SelectMany(other => other.Fields.Intersect(difference.Changed).Paths()
            .Select(path => new Cause("FieldManagerConflict", path, $"conflict with {Text(other.Manager)}")))];
        if (causes.Length > 0)
        {
            string list = string.Join('\n', causes.GroupBy(cause => cause.Message)
                .Select(group => group.Count() == 1
                    ? $"{group.Key}: {group.First().Field}"
                    : $"{group.Key.Replace("conflict with", "conflicts with", StringComparison.Ordinal)}:\n"
                        + string.Join('\n', group.Select(cause => $"- {cause.Field}"))));
            throw new ApiError(409, "Conflict", $"Apply failed with {causes.Length} conflict{(causes.Length == 1 ? "" : "s")}: {list}")
                .Because(causes);
        }
    }

    private static string Text(Manager manager) => $"\"{manager.Name}\""
        + (manager.Subresource is null ? "" : $" with subresource \"{manager.Subresource}\"")
        + (manager.IsApply ? "" : $" using {manager.ApiVersion}");

    /// <summary>Objects member by member, keyed lists item by item; all else is replaced.</summary>
    private static JsonNode? Merge(JsonNode? live, JsonNode? applied, FieldType type)
    {
        if (live is JsonObject old && applied is JsonObject map && !type.IsAtomicMap)
        {
            JsonObject merged = old.Copy();
            foreach ((string key, JsonNode? member) in map)
            {
                merged[key] = Merge(old[key], member, type.Field(key));
            }

            return merged;
        }

        if (live is JsonArray items && applied is JsonArray list && type.List != ListType.Atomic)
        {
            var added = new Dictionary<string, JsonNode?>();
            foreach (JsonNode? item in list)
            {
                added[type.ElementOf(item)] = item;
            }

            var merged = new JsonArray();
            foreach (JsonNode? item in items)
            {
                merged.Add(added.Remove(type.ElementOf(item), out JsonNode? same) ? Merge(item, same, type.Items) : item?.DeepClone());
            }

            foreach (JsonNode? item in added.Values)
            {
                merged.Add(item?.DeepClone());
            }

            return merged;
        }

        return applied?.DeepClone();
    }

    /// <summary>
    /// The value without fields; null if nothing is left of it, which the schema may refuse. The keys of an item stay with the item.
    /// </summary>
    private static JsonNode? Remove(JsonNode? value, FieldSet fields, FieldType type, string[]? keys = null)
    {
        if (type.IsLeaf(value))
        {
            return value?.DeepClone();
        }

        JsonNode left = value is JsonArray ? new JsonArray() : new JsonObject();
        foreach ((string element, JsonNode? part, FieldType partType) in type.Parts(value))
        {
            string[]? partKeys = value is JsonArray ? type.Keys : null;
            bool isKey = keys?.Contains(element[2..]) == true;
            if (fields.Has(element) && !isKey)
            {
                continue;
            }

            JsonNode? kept = fields.Below(element) is FieldSet below && !isKey
                ? Remove(part, below, partType, partKeys)
                : part?.DeepClone();
            if (left is JsonArray list)
            {
                list.Add(kept);
            }
            else
            {
                ((JsonObject)left)[element[2..]] = kept;
            }
        }

        return left is JsonArray { Count: 0 } or JsonObject { Count: 0 } ? null : left;
    }
}
