using System.Collections.Immutable;
using System.Text.Json;

namespace EgressRouter.Config;

/// <summary>
/// Sorts faults by where they stand in the document. They are found in another order: a destination is judged by the
/// addresses, wherever those stand.
/// </summary>
internal sealed class DocumentOrder
{
    private readonly Dictionary<string, int> _positions = [];

    public DocumentOrder(JsonElement document) => Visit(document, JsonPath.Root);

    /// <summary>The faults in the document's order; those of one place keep theirs.</summary>
    public ImmutableArray<ConfigFault> Sort(IEnumerable<ConfigFault> faults) => [.. faults.OrderBy(fault => PositionOf(fault.Path))];

    /// <summary>The position of a path; of what encloses it when there is no such thing in the document.</summary>
    private int PositionOf(string path)
    {
        while (true)
        {
            if (_positions.TryGetValue(path, out int position))
            {
                return position;
            }

            path = path[..Math.Max(path.LastIndexOfAny(['.', '[']), 0)];
        }
    }

    private void Visit(JsonElement element, string path)
    {
        _positions.TryAdd(path, _positions.Count);
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
