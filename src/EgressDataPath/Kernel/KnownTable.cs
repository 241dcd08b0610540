using Netlink;
using Netlink.NetFilter;

namespace EgressDataPath.Kernel;

/// <summary>
/// The nf_tables table in the kernel. It has an element for each pod, so it is read again only if another program has changed nf_tables
/// since: then the generation of the rulesets is another one than after our own batches.
/// </summary>
internal sealed class KnownTable(NetlinkSocket socket)
{
    private (uint Generation, Table? Table)? _known;

    /// <summary>The table; null: there is none.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public Table? Read()
    {
        uint before = socket.ReadGeneration();
        if (_known is (uint generation, Table known) && generation == before)
        {
            return known;
        }

        Table? table = ObservedState.ReadTable(socket);
        _known = socket.ReadGeneration() == before ? (before, table) : null;
        return table;
    }

    /// <summary>Makes the table, or changes what differs.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public void Set(Table wanted, Table? observed)
    {
        (uint Generation, Table? Table)? before = _known;
        _known = null;
        int batches = 1;
        if (observed is null)
        {
            socket.CreateTable(wanted);
        }
        else if (HasSameHooks(wanted, observed))
        {
            batches = socket.UpdateTable(wanted, observed);
        }
        else
        {
            socket.CreateTable(wanted, replaces: true);
        }

        if (before is not null && socket.ReadGeneration() == before.Value.Generation + batches)
        {
            _known = (before.Value.Generation + (uint)batches, wanted);
        }
    }

    /// <summary>Deletes the table.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public void Delete()
    {
        _known = null;
        socket.DeleteTable(TableFamily.Inet, Settings.Table);
    }

    /// <summary>A table with other base chains was changed by somebody, and cannot become ours by an update.</summary>
    private static bool HasSameHooks(Table wanted, Table observed) => wanted.Flags == observed.Flags
        && wanted.Chains.Where(chain => chain.Base is not null).ToHashSet()
            .SetEquals(observed.Chains.Where(chain => chain.Base is not null));
}
