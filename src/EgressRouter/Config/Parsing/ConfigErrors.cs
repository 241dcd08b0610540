using System.Collections.Immutable;
using System.Text.Json;

namespace EgressRouter.Config;

/// <summary>Collects errors and warnings, to report all of them at once.</summary>
internal sealed class ConfigErrors
{
    private readonly List<ConfigError> _errors = [];
    private readonly List<ConfigError> _warnings = [];

    /// <summary>Adds an error, which makes the configuration unusable.</summary>
    public void Add(JsonPath path, string? text, string reason, ConfigErrorCode code = ConfigErrorCode.Invalid) =>
        _errors.Add(new ConfigError(path, text, reason) { Code = code });

    /// <summary>Whether a count is within a bound; adds an error if not.</summary>
    public bool IsWithin(Bound bound, int count, JsonPath path)
    {
        bool isWithin = bound.Allows(count, out string? reason);
        if (!isWithin)
        {
            Add(path, null, reason!);
        }

        return isWithin;
    }

    /// <summary>Adds an error for a value that is known but not supported.</summary>
    public void Unsupported(JsonPath path, string? text, string reason) => Add(path, text, reason, ConfigErrorCode.Unsupported);

    /// <summary>Adds a warning about a likely mistake that has no effect.</summary>
    public void Warn(JsonPath path, string? text, string reason) => _warnings.Add(new ConfigError(path, text, reason));

    /// <summary>Adds an error for a value of the wrong JSON type.</summary>
    public void WrongKind(JsonPath path, JsonElement value, string expected) =>
        Add(path, JsonShown.Show(value), $"expected {expected}, got {JsonShown.KindOf(value)}");

    /// <summary>The errors, in the order of the document.</summary>
    public ImmutableArray<ConfigError> ErrorsOf(JsonElement document) => ToResult(null, document).Errors;

    /// <summary>The result: <paramref name="config"/>, or the errors if there are any.</summary>
    /// <param name="document">The document, which defines the order of the errors.</param>
    public ConfigResult ToResult(RouterConfig? config, JsonElement document)
    {
        if (_errors.Count + _warnings.Count == 0)
        {
            return new ConfigResult(config, [], []);
        }

        var order = new DocumentOrder(document, _errors.Concat(_warnings).Select(fault => fault.Path));
        ImmutableArray<ConfigError> errors = order.Sort(_errors);
        return new ConfigResult(errors.IsEmpty ? config : null, errors, order.Sort(_warnings));
    }
}

/// <summary>
/// Sorts errors by their position in the document. They are found in another order, because destinations are checked against
/// the addresses.
/// </summary>
internal sealed class DocumentOrder
{
    /// <summary>Holds positions of the errors' paths only: a document may have half a million values.</summary>
    private readonly Dictionary<JsonPath, int?> _positions = [];

    private int _count;

    /// <param name="paths">The paths of the errors.</param>
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

    /// <summary>The errors in document order; the sort is stable.</summary>
    public ImmutableArray<ConfigError> Sort(IEnumerable<ConfigError> errors) => [.. errors.OrderBy(fault => PositionOf(fault.Path))];

    /// <summary>The position of a path, or of its nearest enclosing path in the document.</summary>
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
