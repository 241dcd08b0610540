using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>One served version of a kind.</summary>
internal sealed record Kind(string Group, string Version, string Plural, string Name)
{
    public string Singular { get; init; } = Name.ToLowerInvariant();

    public string ListName { get; init; } = Name + "List";

    public string[] ShortNames { get; init; } = [];

    public string[] Categories { get; init; } = [];

    public bool IsNamespaced { get; init; }

    /// <summary>Whether it has the subresource <c>status</c>.</summary>
    public bool HasStatus { get; init; }

    /// <summary>Whether it has <c>metadata.generation</c>.</summary>
    public bool HasGeneration { get; init; }

    /// <summary>Whether a PUT without a resourceVersion replaces whatever there is.</summary>
    public bool AllowsUnconditionalUpdate { get; init; }

    /// <summary>Whether a PUT makes an object that is not there.</summary>
    public bool AllowsCreateOnUpdate { get; init; }

    /// <summary>The schema of a custom kind; null for a kind of Kubernetes itself.</summary>
    public JsonObject? Schema { get; init; }

    public FieldType Type => Schema is null ? FieldType.BuiltIn : FieldType.Custom(Schema);

    /// <summary>Fields that a field selector may name, besides name and namespace.</summary>
    public string[] SelectableFields { get; init; } = [];

    /// <summary>What kubectl prints after the name.</summary>
    public Column[] Columns { get; init; } = [Column.Age];

    /// <summary>From the stored form into this version, in place; null: they are the same.</summary>
    public Action<JsonObject>? FromStorage { get; init; }

    /// <summary>From this version into the stored form, in place; null: they are the same.</summary>
    public Action<JsonObject>? ToStorage { get; init; }

    public bool IsCustom => Schema is not null;

    /// <summary>As in <c>apiVersion</c>.</summary>
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary>As in messages and in kubectl: <c>egressips.k8s.ovn.org</c>.</summary>
    public string Resource => Group.Length == 0 ? Plural : $"{Plural}.{Group}";

    /// <summary>Where the objects are stored, whatever their version.</summary>
    public string Storage => Plural == "events" ? "events" : Resource;

    public string KeyOf(string? space, string name) => IsNamespaced ? $"{space}/{name}" : name;

    /// <summary>A stored object in this version.</summary>
    public JsonObject Read(JsonObject stored)
    {
        if (FromStorage is null)
        {
            return stored;
        }

        JsonObject copy = stored.Copy();
        FromStorage(copy);
        return copy;
    }

    /// <summary>A stored object in this version, as JSON.</summary>
    public byte[] ReadJson(Stored stored) => FromStorage is null ? stored.Json : Read(stored.Value).Bytes();
}
