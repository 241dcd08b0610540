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
    private readonly Dictionary<JsonPath, int?> _positions = [];

    private int _count;

    /// <param name="document">The document.</param>
    /// <param name="paths">What is asked for.</param>
    public DocumentOrder(JsonElement document, IEnumerable<JsonPath> paths)
    {
        foreach (JsonPath asked in paths.Append(JsonPath.Root))
        {
            for (JsonPath? path = asked; path is not null && _positions.TryAdd(path, null);)
            {
                path = path.Outer;
            }
        }

        Visit(document, JsonPath.Root);
    }

    /// <summary>The faults in the document's order; those of one place keep theirs.</summary>
    public ImmutableArray<ConfigFault> Sort(IEnumerable<ConfigFault> faults) => [.. faults.OrderBy(fault => PositionOf(fault.Path))];

    /// <summary>The position of a path; of what encloses it when there is no such thing in the document.</summary>
    private int PositionOf(JsonPath path)
    {
        while (true)
        {
            if (_positions[path] is int position)
            {
                return position;
            }

            path = path.Outer!;
        }
    }

    private void Visit(JsonElement element, JsonPath path)
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
                Visit(property.Value, path.Member(JsonShown.NameOf(property)));
            }
        }
        else if (element.ValueKind == JsonValueKind.Array)
        {
            int index = 0;
            foreach (JsonElement item in element.EnumerateArray())
            {
                Visit(item, path.Item(index++));
            }
        }
    }
}
