using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>An object as it is stored. Nobody changes <paramref name="Value"/>: who wants to, copies it.</summary>
internal sealed record Stored(JsonObject Value)
{
    private readonly Lazy<byte[]> _json = new(() => Value.Bytes());

    /// <summary>The object as JSON, with <c>kind</c> and <c>apiVersion</c> first.</summary>
    public byte[] Json => _json.Value;

    public string Name => Value.Text("metadata", "name")!;

    public string? Namespace => Value.Text("metadata", "namespace");

    public string Uid => Value.Text("metadata", "uid")!;

    public string Revision => Value.Text("metadata", "resourceVersion")!;

    public bool IsBeingDeleted { get; } = Value.At("metadata", "deletionTimestamp") is not null;

    public bool HasOwners { get; } = Value.At("metadata", "ownerReferences") is JsonArray { Count: > 0 };

    /// <summary>The same object with another resourceVersion.</summary>
    public Stored At(long revision)
    {
        JsonObject copy = Value.Copy();
        copy.Metadata()["resourceVersion"] = revision.ToString(CultureInfo.InvariantCulture);
        return new Stored(copy);
    }
}

/// <summary>What one write did to one object.</summary>
/// <param name="Old">Null if the object was made.</param>
/// <param name="New">Null if it was deleted.</param>
/// <param name="Before">All objects of this kind before the write.</param>
internal sealed record Change(
    long Revision, string Storage, string Key, Stored? Old, Stored? New, ImmutableSortedDictionary<string, Stored> Before)
{
    private readonly Lazy<Stored?> _last = new(() => Old?.At(Revision));

    /// <summary>What a watch shows of an object that is gone: its last state, with the revision of the write.</summary>
    public Stored? Last => _last.Value;
}
