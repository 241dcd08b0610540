using System.Globalization;
using Cni;

namespace EgressRouter.Config;

/// <summary>A path in the configuration, such as <c>ip.destinations[1]</c>. Paths are equal if their texts are equal.</summary>
public sealed record JsonPath
{
    private readonly string _text;

    private JsonPath(JsonPath? outer, string key, int? index, string text)
    {
        Outer = outer;
        Key = key;
        Index = index;
        _text = text;
    }

    /// <summary>The path of the document itself.</summary>
    public static JsonPath Root { get; } = new(null, "", null, "");

    /// <summary>The path of the enclosing object or list, or null at the root.</summary>
    public JsonPath? Outer { get; }

    /// <summary>The member's name; for a list entry, the list's name.</summary>
    public string Key { get; }

    /// <summary>The index of a list entry, or a line number of a text; null for a member.</summary>
    public int? Index { get; }

    /// <summary>Parses member names, such as <c>interfaceArgs.mode</c>, or a name outside the document, such as <c>CNI_ARGS</c>.</summary>
    public static implicit operator JsonPath(string names) => names.Split('.').Aggregate(Root, (path, name) => path.Member(name));

    /// <summary>The path of a member of this object.</summary>
    public JsonPath Member(string name)
    {
        string shown = SafeText.Short(name);
        return new(this, name, null, Outer is null ? shown : $"{_text}.{shown}");
    }

    /// <summary>The path of an entry of this list.</summary>
    public JsonPath Item(int index) => new(this, Key, index, string.Create(CultureInfo.InvariantCulture, $"{_text}[{index}]"));

    /// <summary>The path of a line of this text, counted from one.</summary>
    public JsonPath Line(int number) => new(this, Key, number, string.Create(CultureInfo.InvariantCulture, $"{_text}[line {number}]"));

    /// <summary>The same path in a document that is nested at another path.</summary>
    public JsonPath Within(JsonPath document)
    {
        string text = Outer is null ? document._text : document.Outer is null ? _text : $"{document._text}.{_text}";
        return Outer is null ? document : new(Outer.Within(document), Key, Index, text);
    }

    /// <summary>Whether this is the path of the document itself.</summary>
    public bool IsRoot => Outer is null;

    /// <inheritdoc/>
    public bool Equals(JsonPath? other) => other is not null && _text == other._text;

    /// <inheritdoc/>
    public override int GetHashCode() => _text.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => _text;
}
