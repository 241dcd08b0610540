using System.Collections.Immutable;
using System.Text.Json;

namespace EgressRouter.Config;

/// <summary>
/// Sorts faults by where they stand in the document. They are found in another order: a destination is judged by the
/// addresses, wherever those stand.
/// </summary>
internal sealed class DocumentOrder
{
    /// <summary>Not of all values: a document may have half a million, each with a path of kilobytes.</summary>
    private readonly Dictionary<string, int?> _positions = [];

    private int _count;

    /// <param name="document">The document.</param>
    /// <param name="paths">What is asked for.</param>
    public DocumentOrder(JsonElement document, IEnumerable<string> paths)
    {
        foreach (string asked in paths.Append(JsonPath.Root))
        {
            for (string path = asked; _positions.TryAdd(path, null) && path.Length > 0;)
            {
                path = JsonPath.Outer(path);
            }
        }

        Visit(document, JsonPath.Root);
    }

    /// <summary>The faults in the document's order; those of one place keep theirs.</summary>
    public ImmutableArray<ConfigFault> Sort(IEnumerable<ConfigFault> faults) => [.. faults.OrderBy(fault => PositionOf(fault.Path))];

    /// <summary>The position of a path; of what encloses it when there is no such thing in the document.</summary>
    private int PositionOf(string path)
    {
        while (true)
        {
            if (_positions[path] is int position)
            {
                return position;
            }

            path = JsonPath.Outer(path);
        }
    }

    private void Visit(JsonElement element, string path)
    {
        if (!_positions.TryGetValue(path, out int? known))
        {
            return;
        }

        _positions[path] = known ?? _count++;
        if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty property in element.EnumerateObject())
            {
                Visit(property.Value, JsonPath.Member(path, JsonText.NameOf(property)));
            }
        }
        else if (element.ValueKind == JsonValueKind.Array)
        {
            int index = 0;
            foreach (JsonElement item in element.EnumerateArray())
            {
                Visit(item, JsonPath.Item(path, index++));
            }
        }
    }
}
