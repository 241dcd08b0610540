using Netlink.Wire;
using static Netlink.NetFilter.NfTables;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink.NetFilter;

/// <summary>Changes to nf_tables. Each is one batch: the kernel carries out all of it or nothing.</summary>
public static class NetFilterRequests
{
    /// <summary>Makes a table with all that is in it (EEXIST: there is one of that name).</summary>
    /// <param name="socket">An nf_tables socket.</param>
    /// <param name="table">The table.</param>
    /// <param name="replaces">Whether one of its name is deleted in the same step (ENOENT: there is none).</param>
    /// <exception cref="NetlinkException">The kernel refused a part, named in the error; nothing was changed.</exception>
    public static void CreateTable(this NetlinkSocket socket, Table table, bool replaces = false)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(table);
        socket.ExecuteAtomically(CreateTableBatch(table, replaces));
    }

    internal static RequestBatch CreateTableBatch(Table table, bool replaces = false)
    {
        RequestBatch batch = BeginBatch($"make nftables table {table.Name}");
        if (replaces)
        {
            AddDeleteTable(batch, table.Family, table.Name);
        }

        MessageWriter writer = Begin(batch, $"make nftables table {table.Name}", NFT_MSG_NEWTABLE, NLM_F_EXCL, table.Family);
        writer.AttributeString(NFTA_TABLE_NAME, table.Name);
        writer.AttributeUInt32BigEndian(NFTA_TABLE_FLAGS, 0);
        writer.EndMessage();
        foreach (Chain chain in table.Chains)
        {
            Begin(batch, $"make nftables chain {chain.Name} of table {table.Name}", NFT_MSG_NEWCHAIN, NLM_F_CREATE, table.Family);
            chain.WriteTo(writer, table.Name);
            writer.EndMessage();
        }

        uint id = 0;
        foreach (Map map in table.Maps)
        {
            id++;
            Begin(batch, $"make nftables map {map.Name} of table {table.Name}", NFT_MSG_NEWSET, NLM_F_CREATE, table.Family);
            map.WriteTo(writer, table.Name, id);
            writer.EndMessage();
            for (int first = 0; first < map.Elements.Length; first += Map.ElementsInMessage)
            {
                int count = Math.Min(Map.ElementsInMessage, map.Elements.Length - first);
                Begin(batch, $"fill nftables map {map.Name} of table {table.Name}", NFT_MSG_NEWSETELEM, NLM_F_CREATE, table.Family);
                map.WriteElements(writer, table.Name, id, map.Elements.AsSpan().Slice(first, count));
                writer.EndMessage();
            }
        }

        foreach (Rule rule in table.Rules)
        {
            Begin(batch, $"add rule {rule} to nftables chain {rule.Chain}", NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, table.Family);
            rule.WriteTo(writer, table.Name);
            writer.EndMessage();
        }

        EndBatch(batch, $"make nftables table {table.Name}");
        return batch;
    }

    /// <summary>Deletes a table and all that is in it (ENOENT: there is none).</summary>
    /// <exception cref="NetlinkException">The kernel refused; nothing was changed.</exception>
    public static void DeleteTable(this NetlinkSocket socket, TableFamily family, string name)
    {
        ArgumentNullException.ThrowIfNull(socket);
        string operation = $"delete nftables table {name}";
        RequestBatch batch = BeginBatch(operation);
        AddDeleteTable(batch, family, name);
        EndBatch(batch, operation);
        socket.ExecuteAtomically(batch);
    }

    private static void AddDeleteTable(RequestBatch batch, TableFamily family, string name)
    {
        MessageWriter writer = Begin(batch, $"delete nftables table {name}", NFT_MSG_DELTABLE, 0, family);
        writer.AttributeString(NFTA_TABLE_NAME, name);
        writer.EndMessage();
    }

    private static RequestBatch BeginBatch(string operation)
    {
        var batch = new RequestBatch();
        MessageWriter writer = batch.Begin(operation, NFNL_MSG_BATCH_BEGIN, 0);
        writer.WriteNetFilterHeader(0, NFNL_SUBSYS_NFTABLES);
        writer.EndMessage();
        return batch;
    }

    private static void EndBatch(RequestBatch batch, string operation)
    {
        batch.AcknowledgeLast();
        MessageWriter writer = batch.Begin(operation, NFNL_MSG_BATCH_END, 0);
        writer.WriteNetFilterHeader(0, NFNL_SUBSYS_NFTABLES);
        writer.EndMessage();
    }

    private static MessageWriter Begin(RequestBatch batch, string operation, ushort type, int flags, TableFamily family)
    {
        MessageWriter writer = batch.Begin(operation, type, (ushort)flags);
        writer.WriteNetFilterHeader((byte)family, 0);
        return writer;
    }
}
