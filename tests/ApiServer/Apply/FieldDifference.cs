using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>The fields in which two objects differ.</summary>
internal sealed class FieldDifference(bool isBuiltIn)
{
    private readonly List<string> _path = [];

    /// <summary>New fields, and fields with another value.</summary>
    public FieldSet Changed { get; } = new();

    public FieldSet Removed { get; } = new();

    public static FieldDifference Between(JsonObject old, JsonObject made, FieldType type)
    {
        var difference = new FieldDifference(type.IsBuiltIn);
        difference.Visit(old, made, type);
        difference.Changed.WithoutUnowned();
        difference.Removed.WithoutUnowned();
        return difference;
    }

    private void Visit(JsonNode? old, JsonNode? made, FieldType type)
    {
        var before = Parts(old, type);
        var after = Parts(made, type);
        if (before.Count == 0 && after.Count == 0 && !JsonNode.DeepEquals(old, made))
        {
            Changed.Insert(_path);
        }

        foreach (string element in before.Keys.Union(after.Keys))
        {
            _path.Add(element);
            bool was = before.TryGetValue(element, out var first);
            bool isThere = after.TryGetValue(element, out var second);
            // Kinds of Kubernetes itself always have a spec, if only an empty one: it is nobody's.
            bool isAlways = _path is ["f:spec" or "f:status"] && isBuiltIn;
            if (!was && !isAlways)
            {
                Changed.Insert(_path);
            }
            else if (!isThere && !isAlways)
            {
                Removed.Insert(_path);
            }

            FieldType partType = was ? first.Type : second.Type;
            if ((was && isThere) || !partType.IsLeaf(was ? first.Value : second.Value))
            {
                Visit(first.Value, second.Value, partType);
            }

            _path.RemoveAt(_path.Count - 1);
        }
    }

    private static Dictionary<string, (JsonNode? Value, FieldType Type)> Parts(JsonNode? value, FieldType type)
    {
        var parts = new Dictionary<string, (JsonNode?, FieldType)>();
        if (!type.IsLeaf(value))
        {
            foreach ((string element, JsonNode? part, FieldType partType) in type.Parts(value))
            {
                parts[element] = (part, partType);
            }
        }

        return parts;
    }
}
