namespace SystemTests.EgressIp;

/// <summary>Rules that another program of a node has before all others, until they are disposed of.</summary>
internal sealed class RawRules : IDisposable
{
    private readonly string _space;

    public RawRules(string space, string rules)
    {
        _space = space;
        Lab.In(space, "nft", $"table inet foreign {{ chain first {{ type filter hook prerouting priority -350; {rules}; }}; }}");
    }

    public void Dispose() => Lab.In(_space, "nft", "delete table inet foreign");
}
