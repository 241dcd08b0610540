namespace EgressIp;

/// <summary>
/// Tries all placements of new addresses, up to a number of steps. It is for nodes with a capacity by family and objects of both
/// families: to place as many as possible then is NP-complete (disjoint matchings of two bipartite graphs; Frieze 1983).
/// </summary>
internal sealed class ExactSearch(Placement placement, WantedAddress[] addresses)
{
    /// <summary>With more new addresses the steps would not get far.</summary>
    private const int MaxAddresses = 64;

    /// <summary>Enough for all of a small cluster; some milliseconds.</summary>
    private const int MaxSteps = 200_000;

    private readonly WantedAddress[] _free = [.. addresses.Where(address => address.Home == WantedAddress.None)];
    private int[] _best = [];
    private int _bestCount;
    private int _steps;

    /// <summary>Places more of the new addresses, if that is found to be possible.</summary>
    public void Improve()
    {
        if (_free.Length > MaxAddresses)
        {
            return;
        }

        _best = [.. _free.Select(address => address.Node)];
        _bestCount = _best.Count(node => node != WantedAddress.None);
        foreach (WantedAddress address in _free.Where(address => address.Node != WantedAddress.None))
        {
            placement.Take(address);
        }

        Try(0, 0);
        for (int index = 0; index < _free.Length; index++)
        {
            if (_best[index] != WantedAddress.None)
            {
                placement.Put(_free[index], _best[index]);
            }
        }
    }

    private void Try(int index, int count)
    {
        if (count + _free.Length - index <= _bestCount || ++_steps > MaxSteps)
        {
            return;
        }

        if (index == _free.Length)
        {
            _bestCount = count;
            _best = [.. _free.Select(address => address.Node)];
            return;
        }

        WantedAddress free = _free[index];
        foreach (int node in free.Coverage.Candidates.OrderBy(placement.Count))
        {
            if (placement.WhyNot(free, node) is null)
            {
                placement.Put(free, node);
                Try(index + 1, count + 1);
                placement.Take(free);
            }
        }

        Try(index + 1, count);
    }
}
