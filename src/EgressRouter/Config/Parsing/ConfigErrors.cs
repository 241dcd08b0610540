using System.Collections.Immutable;
using System.Text.Json;

namespace EgressRouter.Config;

/// <summary>Collects faults and warnings, so that all are reported at once.</summary>
internal sealed class ConfigErrors
{
    private readonly List<ConfigError> _faults = [];
    private readonly List<ConfigError> _warnings = [];

    /// <summary>Adds a fault, which makes the configuration unusable.</summary>
    public void Fault(JsonPath path, string? text, string reason, FaultCode code = FaultCode.Invalid) =>
        _faults.Add(new ConfigError(path, text, reason) { Code = code });

    /// <summary>Whether a count keeps to a bound; adds a fault if not.</summary>
    public bool IsWithin(Bound bound, int count, JsonPath path)
    {
        bool isWithin = bound.Allows(count, out string? reason);
        if (!isWithin)
        {
            Fault(path, null, reason!);
        }

        return isWithin;
    }

    /// <summary>Adds a fault for a value that is understood but not supported.</summary>
    public void Unsupported(JsonPath path, string? text, string reason) => Fault(path, text, reason, FaultCode.Unsupported);

    /// <summary>Adds a warning about something that has no effect but is likely a mistake.</summary>
    public void Warn(JsonPath path, string? text, string reason) => _warnings.Add(new ConfigError(path, text, reason));

    /// <summary>Adds a fault for a value of another JSON type than expected.</summary>
    public void WrongKind(JsonPath path, JsonElement value, string expected) =>
        Fault(path, JsonShown.Show(value), $"expected {expected}, got {JsonShown.KindOf(value)}");

    /// <summary>The result: <paramref name="config"/> unless there are faults.</summary>
    /// <param name="config">What was read.</param>
    /// <param name="document">The document, for the order.</param>
    public ConfigResult ToResult(RouterConfig? config, JsonElement document)
    {
        if (_faults.Count + _warnings.Count == 0)
        {
            return new ConfigResult(config, [], []);
        }

        var order = new DocumentOrder(document, _faults.Concat(_warnings).Select(fault => fault.Path));
        ImmutableArray<ConfigError> faults = order.Sort(_faults);
        return new ConfigResult(faults.IsEmpty ? config : null, faults, order.Sort(_warnings));
    }
}

/// <summary>
/// Sorts faults by their position in the document. They are found in another order, because destinations are checked
/// against the addresses.
/// </summary>
internal sealed class DocumentOrder
{
    /// <summary>Positions of the paths of faults only: a document may have half a million values.</summary>
    private readonly Dictionary<JsonPath, int?> _positions = [];

    private int _count;

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
    public ImmutableArray<ConfigError> Sort(IEnumerable<ConfigError> faults) => [.. faults.OrderBy(fault => PositionOf(fault.Path))];

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
