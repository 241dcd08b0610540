using System.Globalization;
using Cni;

namespace EgressRouter.Config;

/// <summary>A place in the configuration, such as <c>ip.destinations[1]</c>. Two places are equal if they are written alike.</summary>
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

    /// <summary>The top of the document.</summary>
    public static JsonPath Root { get; } = new(null, "", null, "");

    /// <summary>The object or list that holds the value; null at the top.</summary>
    public JsonPath? Outer { get; }

    /// <summary>The member's name; for an entry of a list, that of the list.</summary>
    public string Key { get; }

    /// <summary>The index of an entry of a list, or the number of a line of a text; null for a member.</summary>
    public int? Index { get; }

    /// <summary>Names of members, such as <c>interfaceArgs.mode</c>, or a place outside the document, such as <c>CNI_ARGS</c>.</summary>
    public static implicit operator JsonPath(string names) => names.Split('.').Aggregate(Root, (path, name) => path.Member(name));

    /// <summary>A member of this object.</summary>
    public JsonPath Member(string name)
    {
        string shown = SafeText.Short(name);
        return new(this, name, null, Outer is null ? shown : $"{_text}.{shown}");
    }

    /// <summary>An entry of this list.</summary>
    public JsonPath Item(int index) => new(this, Key, index, string.Create(CultureInfo.InvariantCulture, $"{_text}[{index}]"));

    /// <summary>A line of this text, counted from one.</summary>
    public JsonPath Line(int number) => new(this, Key, number, string.Create(CultureInfo.InvariantCulture, $"{_text}[line {number}]"));

    /// <summary>The same place where the whole document stands at another one.</summary>
    public JsonPath Within(JsonPath document)
    {
        string text = Outer is null ? document._text : document.Outer is null ? _text : $"{document._text}.{_text}";
        return Outer is null ? document : new(Outer.Within(document), Key, Index, text);
    }

    /// <summary>Whether it is the top of the document.</summary>
    public bool IsRoot => Outer is null;

    /// <inheritdoc/>
    public bool Equals(JsonPath? other) => other is not null && _text == other._text;

    /// <inheritdoc/>
    public override int GetHashCode() => _text.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => _text;
}
