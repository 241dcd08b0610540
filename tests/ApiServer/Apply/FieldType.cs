using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>How a list is merged.</summary>
internal enum ListType
{
    /// <summary>It is one value.</summary>
    Atomic,

    /// <summary>Its items are objects with keys.</summary>
    Map,

    /// <summary>Its items are scalars, each there once.</summary>
    Set,
}

/// <summary>How a field is merged: by the schema of a custom kind, or by the name of the field in a kind of Kubernetes itself.</summary>
internal sealed class FieldType
{
    /// <summary>Lists of objects, by name or by the name of what they are in; all others are atomic.</summary>
    private static readonly Dictionary<string, string[]> _builtInKeys = new()
    {
        ["conditions"] = ["type"],
        ["ownerReferences"] = ["uid"],
        ["containers"] = ["name"],
        ["initContainers"] = ["name"],
        ["volumes"] = ["name"],
        ["env"] = ["name"],
        ["imagePullSecrets"] = ["name"],
        ["volumeMounts"] = ["mountPath"],
        ["podIPs"] = ["ip"],
        ["status.addresses"] = ["type"],
        ["spec.ports"] = ["port", "protocol"],
        ["containers.ports"] = ["containerPort", "protocol"],
    };

    private static readonly string[] _builtInSets = ["finalizers", "podCIDRs"];

    private static readonly string[] _builtInAtomicMaps = ["spec.selector", "involvedObject", "regarding"];

    private readonly JsonObject? _schema;

    private readonly bool _isRoot;

    private FieldType(JsonObject? schema, string path, bool isRoot = false)
    {
        (_schema, _isRoot) = (schema, isRoot);
        string name = path.Split('.')[^1];
        Path = path;
        string? type = schema?.Text("x-kubernetes-list-type");
        string[]? builtIn = schema is not null ? null : _builtInKeys.GetValueOrDefault(path) ?? _builtInKeys.GetValueOrDefault(name);
        Keys = (schema is null ? builtIn : schema.Texts("x-kubernetes-list-map-keys")) ?? [];
        List = type == "map" || builtIn is not null ? ListType.Map
            : type == "set" || (schema is null && _builtInSets.Contains(name)) ? ListType.Set
            : ListType.Atomic;
        IsAtomicMap = schema is null ? _builtInAtomicMaps.Contains(path) : schema.Text("x-kubernetes-map-type") == "atomic";
    }

    public static FieldType BuiltIn { get; } = new(null, "", true);

    /// <summary>Whether it is of a kind of Kubernetes itself.</summary>
    public bool IsBuiltIn => _schema is null;

    public ListType List { get; }

    /// <summary>The members that tell the items of a list apart.</summary>
    public string[] Keys { get; }

    /// <summary>Whether an object is one value.</summary>
    public bool IsAtomicMap { get; }

    /// <summary>The type of the items of a list.</summary>
    public FieldType Items => _schema is null ? new FieldType(null, Path) : new FieldType(_schema["items"] as JsonObject ?? [], Path);

    /// <summary>The last two names.</summary>
    private string Path { get; }

    public static FieldType Custom(JsonObject schema) => new(schema, "", true);

    /// <summary>The type of a member of an object.</summary>
    public FieldType Field(string name)
    {
        string path = Path.Length == 0 ? name : $"{Path.Split('.')[^1]}.{name}";
        return _schema is null || (_isRoot && name == "metadata")
            ? new FieldType(null, path)
            : new FieldType((_schema.At("properties", name) ?? _schema["additionalProperties"]) as JsonObject ?? [], path);
    }

    /// <summary>The name of an item of a list in a set of fields.</summary>
    public string ElementOf(JsonNode? item) => List == ListType.Set
        ? $"v:{item.String()}"
        : "k:" + new JsonObject(Keys.Order(StringComparer.Ordinal).Select(
            key => KeyValuePair.Create(key, (item.At(key) ?? DefaultOf(key))?.DeepClone()))).String();

    /// <summary>Whether values like this one have no parts that can have owners of their own.</summary>
    public bool IsAtomic(JsonNode? value) => value switch
    {
        JsonObject => IsAtomicMap,
        JsonArray => List == ListType.Atomic,
        _ => true,
    };

    /// <summary>Whether a value has no parts that can have owners of their own.</summary>
    public bool IsLeaf(JsonNode? value) => IsAtomic(value) || value is JsonObject { Count: 0 } or JsonArray { Count: 0 };

    /// <summary>The parts of a value that is no leaf: their names in a set of fields, the parts and their types.</summary>
    public IEnumerable<(string Element, JsonNode? Value, FieldType Type)> Parts(JsonNode? value) => value switch
    {
        JsonObject map => map.Select(member => ($"f:{member.Key}", member.Value, Field(member.Key))),
        JsonArray list => list.Select(item => (ElementOf(item), item, Items)),
        _ => [],
    };

    private JsonNode? DefaultOf(string key) => _schema?.At("items", "properties", key, "default")
        ?? (_schema is null && key == "protocol" ? "TCP" : null);
}
