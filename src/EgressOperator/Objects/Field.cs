using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Cni;
using EgressRouter.Legacy;
using EgressRouter.Tools;
using YamlDotNet.RepresentationModel;

namespace EgressOperator.Objects;

/// <summary>A field of an object, whether it is there or not. What has the wrong type is a <see cref="UsageException"/>.</summary>
/// <param name="where">
/// What a fault's message begins with: the file, the place of a node, or of the object if there is none, and the object.
/// </param>
/// <param name="path">As kubectl writes it, for example <c>spec.egressIPs[0]</c>; empty for the object itself.</param>
/// <param name="node">Null if there is none.</param>
internal sealed class Field(Func<YamlNode?, string> where, string path, YamlNode? node)
{
    // As in the API, null is the same as nothing.
    /// <summary>Aliases, which JSON does not have, could stand for any number of values.</summary>
    private const int MaxJsonNodes = 100_000;

    private readonly YamlNode? _node = node is YamlScalarNode scalar && YamlScalars.IsNull(scalar) ? null : node;

    public bool IsMissing => _node is null;

    /// <summary>A member. One that is missing has the place of this field.</summary>
    public Field this[string key] =>
        new(at => where(at ?? _node), path.Length > 0 ? $"{path}.{key}" : key, Mapping().Child(key));

    /// <summary>The keys of an object and what they stand for.</summary>
    public IEnumerable<(string Key, Field Value)> Members() => Mapping()?.Children.Select(member =>
        (((YamlScalarNode)member.Key).Value!, new Field(where, $"{path}[{Key(member.Key)}]", member.Value))) ?? [];

    /// <summary>The items of a list; none if it is missing.</summary>
    public IEnumerable<Field> Items() => _node switch
    {
        null => [],
        YamlSequenceNode list => list.Children.Select((item, index) => new Field(where, $"{path}[{index}]", item)),
        _ => throw Fault("must be a list"),
    };

    /// <summary>The string; null if it is missing.</summary>
    public string? Text() => _node switch
    {
        null => null,
        YamlScalarNode scalar when YamlScalars.IsString(scalar) => scalar.Value,
        YamlScalarNode scalar => throw Fault($"must be a string: put {SafeText.Part(scalar.Value)} in quotes"),
        _ => throw Fault("must be a string"),
    };

    /// <summary>The string, which must be there.</summary>
    public string RequiredText() => Text() is { Length: > 0 } text ? text : throw Fault("is missing");

    /// <summary>A boolean; false if it is missing.</summary>
    public bool IsTrue() => _node switch
    {
        null => false,
        YamlScalarNode scalar when YamlScalars.Bool(scalar) is bool value => value,
        _ => throw Fault("must be true or false"),
    };

    /// <summary>A number that is not negative; null if it is missing.</summary>
    public int? Count() => _node switch
    {
        null => null,
        YamlScalarNode scalar when !YamlScalars.IsString(scalar)
            && int.TryParse(scalar.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int count) => count,
        _ => throw Fault($"must be a number from 0 to {int.MaxValue}"),
    };

    /// <summary>An address, which must be there.</summary>
    public IPAddress Address() =>
        StrictAddress.Parse(RequiredText()) ?? throw Fault($"\"{SafeText.Part(RequiredText())}\" is not an IP address");

    /// <summary>A network, which must be there, such as <c>10.0.0.0/8</c>.</summary>
    public IPNetwork Network() => ParseNetwork(RequiredText());

    /// <summary>Networks, separated by commas; none if it is missing.</summary>
    public ImmutableArray<IPNetwork> Networks() =>
        [.. (Text() ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(ParseNetwork)];

    private IPNetwork ParseNetwork(string text) => IPNetwork.TryParse(text, out IPNetwork network)
        ? network
        : throw Fault($"\"{SafeText.Part(text)}\" is not a network such as 10.0.0.0/8 (no bits may be set behind the prefix)");

    /// <summary>The members of an object as strings; none if it is missing.</summary>
    public Dictionary<string, string> Texts() =>
        Members().ToDictionary(member => member.Key, member => member.Value.Text() ?? "", StringComparer.Ordinal);

    /// <summary>What a text holds as JSON; missing if the text is.</summary>
    public Field Json()
    {
        if (Text() is not string json)
        {
            return this;
        }

        YamlNode[] documents = [.. YamlText.Read(json, Place())];
        return documents.Length == 1 && AliasBound.Holds(documents, MaxJsonNodes)
            ? new Field(_ => where(_node), path, documents[0])
            : throw Fault("must be one JSON value");
    }

    /// <summary>Refuses members that the API does not know: it would drop them, and what was meant by them.</summary>
    public Field OnlyWith(params string[] known) =>
        Mapping()?.Children.Keys.Cast<YamlScalarNode>().FirstOrDefault(key => !known.Contains(key.Value)) is YamlScalarNode other
            ? throw this[SafeText.Part(other.Value)].Fault($"is unknown; known here: {string.Join(", ", known)}")
            : this;

    public UsageException Fault(string reason) => new($"{Place()}: {reason}");

    private string Place() => where(_node ?? node) + (path.Length > 0 ? $": {path}" : "");

    private static string Key(YamlNode key) => SafeText.Short(((YamlScalarNode)key).Value);

    private YamlMappingNode? Mapping() => _node switch
    {
        null => null,
        YamlMappingNode mapping => mapping,
        _ => throw Fault("must be an object"),
    };
}
