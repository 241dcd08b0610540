using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>
/// A set of fields, as <c>fieldsV1</c> has it: a tree of names, where <c>f:NAME</c> is a member of an object, <c>k:{KEYS}</c> and
/// <c>v:VALUE</c> are items of lists.
/// </summary>
internal sealed class FieldSet
{
    /// <summary>Fields that nobody owns.</summary>
    private static readonly string[] _unowned =
    [
        ".", "f:name", "f:namespace", "f:creationTimestamp", "f:selfLink", "f:uid", "f:clusterName", "f:generation", "f:managedFields",
        "f:resourceVersion", "f:deletionTimestamp", "f:deletionGracePeriodSeconds",
    ];

    private bool _isMember;

    private SortedDictionary<string, FieldSet> Children { get; } = new(StringComparer.Ordinal);

    public bool IsEmpty => !_isMember && Children.Values.All(child => child.IsEmpty);

    /// <summary>All fields of a value. An empty object or keyed list has none.</summary>
    public static FieldSet Of(JsonNode? value, FieldType type)
    {
        var set = new FieldSet { _isMember = type.IsAtomic(value) };
        if (!set._isMember)
        {
            bool isList = value is JsonArray;
            foreach ((string element, JsonNode? part, FieldType partType) in type.Parts(value))
            {
                FieldSet child = Of(part, partType);
                child._isMember |= isList;
                set.Children[element] = child;
            }
        }

        return set;
    }

    public static FieldSet Parse(JsonObject fields)
    {
        var set = new FieldSet();
        foreach ((string element, JsonNode? child) in fields)
        {
            if (element == ".")
            {
                set._isMember = true;
            }
            else
            {
                FieldSet part = Parse(child as JsonObject ?? []);
                part._isMember |= part.Children.Count == 0;
                set.Children[element] = part;
            }
        }

        return set;
    }

    /// <summary>
    /// Who owns an object or a list, but none of its parts, owns all parts. That is meant for a type that was atomic once, and it happens
    /// too if others have taken all parts.
    /// </summary>
    public FieldSet Expand(JsonNode? value, FieldType type)
    {
        if (type.IsLeaf(value))
        {
            return this;
        }

        foreach ((string element, JsonNode? part, FieldType partType) in type.Parts(value))
        {
            if (Children.TryGetValue(element, out FieldSet? child))
            {
                if (child._isMember && child.Children.Count == 0)
                {
                    Children[element] = Of(part, partType);
                    Children[element]._isMember = true;
                }
                else
                {
                    child.Expand(part, partType);
                }
            }
        }

        return this;
    }

    public JsonObject ToJson()
    {
        var fields = new JsonObject();
        foreach ((string element, FieldSet child) in Children.Where(child => !child.Value.IsEmpty))
        {
            JsonObject part = child.ToJson();
            if (child._isMember && part.Count > 0)
            {
                part.Insert(0, ".", new JsonObject());
            }

            fields[element] = part;
        }

        return fields;
    }

    public void Insert(IEnumerable<string> path)
    {
        FieldSet set = this;
        foreach (string element in path)
        {
            if (!set.Children.TryGetValue(element, out FieldSet? child))
            {
                set.Children[element] = child = new FieldSet();
            }

            set = child;
        }

        set._isMember = true;
    }

    public FieldSet Union(FieldSet other) => Combine(other, (mine, others) => mine || others);

    public FieldSet Except(FieldSet other) => Combine(other, (mine, others) => mine && !others);

    public FieldSet Intersect(FieldSet other) => Combine(other, (mine, others) => mine && others);

    /// <summary>Without what nobody owns, and without fields at the top that the resource does not write.</summary>
    public FieldSet WithoutUnowned(params ReadOnlySpan<string> others)
    {
        foreach (string element in (ReadOnlySpan<string>)["f:apiVersion", "f:kind", .. others])
        {
            Children.Remove(element);
        }

        if (Children.TryGetValue("f:metadata", out FieldSet? metadata))
        {
            metadata._isMember = false;
            foreach (string element in _unowned)
            {
                metadata.Children.Remove(element);
            }
        }

        _isMember = false;
        return this;
    }

    public bool Has(string element) => Children.TryGetValue(element, out FieldSet? child) && child._isMember;

    /// <summary>The fields below a name; null if there are none.</summary>
    public FieldSet? Below(string element) =>
        Children.TryGetValue(element, out FieldSet? child) && !child.IsEmpty ? child : null;

    /// <summary>All fields as messages have them: <c>.status.conditions[type="Ready"].reason</c>.</summary>
    public IEnumerable<string> Paths() => (_isMember ? [""] : Enumerable.Empty<string>()).Concat(
        Children.SelectMany(child => child.Value.Paths().Select(path => Text(child.Key) + path)));

    private static string Text(string element) => element[..2] switch
    {
        "f:" => "." + element[2..],
        "v:" => $"[={element[2..]}]",
        _ => $"[{string.Join(',', ((JsonObject)JsonNode.Parse(element[2..])!).Select(key => $"{key.Key}={key.Value.String()}"))}]",
    };

    private FieldSet Combine(FieldSet other, Func<bool, bool, bool> isMember)
    {
        var set = new FieldSet { _isMember = isMember(_isMember, other._isMember) };
        foreach (string element in Children.Keys.Union(other.Children.Keys))
        {
            var none = new FieldSet();
            FieldSet child = Children.GetValueOrDefault(element, none).Combine(other.Children.GetValueOrDefault(element, none), isMember);
            if (!child.IsEmpty)
            {
                set.Children[element] = child;
            }
        }

        return set;
    }
}
