namespace ApiServer;

/// <summary>Which objects of a kind a list or a watch is about.</summary>
internal sealed class Selection(ApiRequest request, Kind kind)
{
    private readonly LabelSelector _labels = new(request.Query.GetValueOrDefault("labelSelector"));

    private readonly FieldSelector _fields = new(request.Query.GetValueOrDefault("fieldSelector"), kind);

    /// <summary>Whether there are no selectors.</summary>
    public bool IsEmpty => _labels.IsEmpty && _fields.IsEmpty;

    public bool Matches(Stored stored) => (request.Namespace is null || stored.Namespace == request.Namespace)
        && _labels.Matches(stored.Value) && (_fields.IsEmpty || _fields.Matches(kind.Read(stored.Value)));
}
