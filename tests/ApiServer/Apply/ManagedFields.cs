using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>Who writes.</summary>
/// <param name="Name">The field manager.</param>
/// <param name="IsApply">Whether by server-side apply.</param>
/// <param name="Subresource">Null for the object itself.</param>
internal sealed record Manager(string Name, bool IsApply, string ApiVersion, string? Subresource);

/// <summary>The owners of an object's fields: <c>metadata.managedFields</c>.</summary>
internal sealed class ManagedFields
{
    private readonly Dictionary<Manager, (FieldSet Fields, string Time)> _owners = [];

    /// <summary>Reads them from a stored object.</summary>
    public ManagedFields(JsonObject value, FieldType type)
    {
        foreach (JsonObject entry in value.Objects("metadata", "managedFields"))
        {
            var manager = new Manager(
                entry.Text("manager") ?? "", entry.Text("operation") == "Apply", entry.Text("apiVersion") ?? "", entry.Text("subresource"));
            FieldSet fields = FieldSet.Parse(entry["fieldsV1"] as JsonObject ?? []);
            _owners[manager] = (fields.Expand(value, type), entry.Text("time") ?? Json.Now());
        }
    }

    public bool IsEmpty => _owners.Count == 0;

    public FieldSet? this[Manager manager] => _owners.TryGetValue(manager, out var owner) ? owner.Fields : null;

    /// <summary>The fields of all managers but one.</summary>
    public IEnumerable<(Manager Manager, FieldSet Fields)> OthersThan(Manager manager) =>
        _owners.Where(owner => owner.Key != manager).Select(owner => (owner.Key, owner.Value.Fields));

    /// <summary>A writer who does not apply owns what it has changed, and nobody owns what is gone.</summary>
    public void Update(FieldDifference difference, Manager manager)
    {
        TakeFromOthers(difference, manager);
        Set(manager, (this[manager] ?? new FieldSet()).Union(difference.Changed).Except(difference.Removed));
    }

    public void TakeFromOthers(FieldDifference difference, Manager manager)
    {
        foreach ((Manager other, FieldSet fields) in OthersThan(manager).ToArray())
        {
            Set(other, fields.Except(difference.Changed).Except(difference.Removed));
        }
    }

    public void Set(Manager manager, FieldSet fields)
    {
        if (fields.IsEmpty)
        {
            _owners.Remove(manager);
        }
        else if (this[manager] is not FieldSet before || !JsonNode.DeepEquals(before.ToJson(), fields.ToJson()))
        {
            _owners[manager] = (fields, Json.Now());
        }
    }

    /// <summary>Writes them into an object.</summary>
    public void WriteTo(JsonObject value)
    {
        value.Metadata().Remove("managedFields");
        if (!IsEmpty)
        {
            value.Metadata()["managedFields"] = new JsonArray([.. _owners
                .OrderByDescending(owner => owner.Key.IsApply).ThenBy(owner => owner.Value.Time, StringComparer.Ordinal)
                .ThenBy(owner => owner.Key.Name, StringComparer.Ordinal).Select(owner => Entry(owner.Key, owner.Value))]);
        }
    }

    private static JsonObject Entry(Manager manager, (FieldSet Fields, string Time) owner)
    {
        var entry = new JsonObject
        {
            ["manager"] = manager.Name,
            ["operation"] = manager.IsApply ? "Apply" : "Update",
            ["apiVersion"] = manager.ApiVersion,
            ["time"] = owner.Time,
            ["fieldsType"] = "FieldsV1",
            ["fieldsV1"] = owner.Fields.ToJson(),
        };
        if (manager.Subresource is not null)
        {
            entry["subresource"] = manager.Subresource;
        }

        return entry;
    }
}
