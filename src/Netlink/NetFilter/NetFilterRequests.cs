using Netlink.Wire;
using static Netlink.NetFilter.NftablesConstants;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink.NetFilter;

/// <summary>Changes nf_tables, in batches that the kernel applies atomically.</summary>
public static class NetFilterRequests
{
    /// <summary>Creates a table with its content (EEXIST: the table exists).</summary>
    /// <param name="socket">A netfilter socket.</param>
    /// <param name="table">The table.</param>
    /// <param name="replaces">Whether the existing table is deleted in the same batch (ENOENT: it does not exist).</param>
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
        writer.AttributeUInt32BigEndian(NFTA_TABLE_FLAGS, table.Flags);
        writer.EndMessage();
        foreach (Chain chain in table.Chains)
        {
            Begin(batch, $"make nftables chain {chain.Name} of table {table.Name}", NFT_MSG_NEWCHAIN, NLM_F_CREATE, table.Family);
            chain.WriteTo(writer, table.Name);
            writer.EndMessage();
        }

        AddMaps(batch, table, table.Maps);
        AddRules(batch, table, table.Rules);
        EndBatch(batch, $"make nftables table {table.Name}");
        return batch;
    }

    /// <summary>
    /// Updates a table to another one with the same chains and flags, without disturbing traffic. The rules of a chain that
    /// differs are replaced atomically. A map that can hold the wanted elements is kept, and only its elements change.
    /// </summary>
    /// <remarks>
    /// Any other map is recreated while the rules use a temporary map of another name: for a packet that still runs the old
    /// rules during a commit, a deleted map is empty (seen on Linux 6.18).
    /// </remarks>
    /// <param name="socket">A netfilter socket.</param>
    /// <param name="wanted">The desired table.</param>
    /// <param name="observed">The current table.</param>
    /// <exception cref="NetlinkException">
    /// The kernel refused a part, named in the error. Nothing was changed; or, if a later step of recreating a map failed, the
    /// update is complete except for the temporary map.
    /// </exception>
    public static void UpdateTable(this NetlinkSocket socket, Table wanted, Table observed)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(wanted);
        ArgumentNullException.ThrowIfNull(observed);
        foreach ((Table next, Table before) in StepsOfUpdate(wanted, observed))
        {
            socket.ExecuteAtomically(UpdateTableBatch(next, before));
        }
    }

    /// <summary>The steps of an update, each from the previous table: one, or three if a map must be recreated.</summary>
    internal static IEnumerable<(Table Next, Table Before)> StepsOfUpdate(Table wanted, Table observed)
    {
        Map[] recreated = [.. observed.Maps.Where(old => wanted.Maps.Any(map => map.Name == old.Name && !map.CanBeMadeFrom(old)))];
        if (recreated.Length > 0)
        {
            string Rename(string name) => recreated.Any(map => map.Name == name) ? name + "_" : name;
            Map[] copies = [.. wanted.Maps.Where(map => Rename(map.Name) != map.Name).Select(map => map with { Name = Rename(map.Name) })];
            Table withTemporary = wanted with
            {
                Maps = [.. wanted.Maps.Where(map => Rename(map.Name) == map.Name), .. recreated, .. copies],
                Rules =
                    [.. wanted.Rules.Select(rule => rule with { Expressions = [.. rule.Expressions.Select(expression => expression switch
                {
                    LookupExpression look => look with { Map = Rename(look.Map) },
                    DynsetExpression add => add with { Set = Rename(add.Set) },
                    _ => expression,
                })] })],
            };
            Table withRecreated = wanted with { Maps = [.. wanted.Maps, .. copies] };
            yield return (withTemporary, observed);
            yield return (withRecreated, withTemporary);
            observed = withRecreated;
        }

        yield return (wanted, observed);
    }

    internal static RequestBatch UpdateTableBatch(Table wanted, Table observed)
    {
        string operation = $"update nftables table {wanted.Name}";
        (Map Wanted, Map Old)[] kept = [.. wanted.Maps.SelectMany(map => observed.Maps.Where(map.CanBeMadeFrom).Select(old => (map, old)))];
        HashSet<string> maps = [.. wanted.Maps.Concat(observed.Maps).Select(map => map.Name).Except(kept.Select(pair => pair.Wanted.Name))];

        // A map can be deleted only if no rule refers to it.
        bool NamesMap(Rule rule) =>
            rule.Expressions.Any(
                expression => maps.Contains((expression as LookupExpression)?.Map ?? (expression as DynsetExpression)?.Set ?? ""));
        Rule[] Rules(Table table, string chain) => [.. table.Rules.Where(rule => rule.Chain == chain)];
        string[] chains = [.. wanted.Chains.Select(chain => chain.Name)
            .Where(chain => !Rules(wanted, chain).SequenceEqual(Rules(observed, chain)) || Rules(observed, chain).Any(NamesMap))];
        RequestBatch batch = BeginBatch(operation);
        foreach (string chain in chains.Where(chain => Rules(observed, chain).Length > 0))
        {
            MessageWriter writer = Begin(batch, $"empty nftables chain {chain} of table {wanted.Name}", NFT_MSG_DELRULE, 0, wanted.Family);
            writer.AttributeString(NFTA_RULE_TABLE, wanted.Name);
            writer.AttributeString(NFTA_RULE_CHAIN, chain);
            writer.EndMessage();
        }

        foreach (Map map in observed.Maps.Where(map => maps.Contains(map.Name)))
        {
            MessageWriter writer = Begin(batch, $"delete nftables map {map.Name} of table {wanted.Name}", NFT_MSG_DELSET, 0, wanted.Family);
            writer.AttributeString(NFTA_SET_TABLE, wanted.Name);
            writer.AttributeString(NFTA_SET_NAME, map.Name);
            writer.EndMessage();
        }

        AddMaps(batch, wanted, wanted.Maps.Where(map => maps.Contains(map.Name)));
        foreach ((Map map, Map old) in kept)
        {
            // Delete first: this frees room, and a new element may have the key of a deleted one.
            Map removed = map with
            {
                Elements = [.. old.Elements.Except(map.Elements).Select(element => new MapElement(element.Key,
                element.KeyEnd, default))]
            };
            AddElements(batch, wanted, removed, NFT_MSG_DELSETELEM, id: null);
            AddElements(batch, wanted, map with { Elements = [.. map.Elements.Except(old.Elements)] }, NFT_MSG_NEWSETELEM, id: null);
        }

        AddRules(batch, wanted, wanted.Rules.Where(rule => chains.Contains(rule.Chain)));
        EndBatch(batch, operation);
        return batch;
    }

    private static void AddMaps(RequestBatch batch, Table table, IEnumerable<Map> maps)
    {
        uint id = 0;
        foreach (Map map in maps)
        {
            id++;
            MessageWriter writer = Begin(
                batch, $"make nftables map {map.Name} of table {table.Name}", NFT_MSG_NEWSET, NLM_F_CREATE, table.Family);
            map.WriteTo(writer, table.Name, id);
            writer.EndMessage();
            AddElements(batch, table, map, NFT_MSG_NEWSETELEM, id);
        }
    }

    private static void AddElements(RequestBatch batch, Table table, Map map, ushort type, uint? id)
    {
        bool adds = type == NFT_MSG_NEWSETELEM;
        for (int first = 0; first < map.Elements.Length; first += Map.ElementsInMessage)
        {
            int count = Math.Min(Map.ElementsInMessage, map.Elements.Length - first);
            MessageWriter writer = Begin(
                batch, $"{(adds ? "fill" : "take elements from")} nftables map {map.Name} of table {table.Name}", type,
                adds ? NLM_F_CREATE : 0, table.Family);
            map.WriteElements(writer, table.Name, id, map.Elements.AsSpan().Slice(first, count));
            writer.EndMessage();
        }
    }

    private static void AddRules(RequestBatch batch, Table table, IEnumerable<Rule> rules)
    {
        foreach (Rule rule in rules)
        {
            MessageWriter writer = Begin(
                batch, new AdditionOf(rule), NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, table.Family);
            rule.WriteTo(writer, table.Name);
            writer.EndMessage();
        }
    }

    /// <summary>Deletes a table and its content (ENOENT: it does not exist).</summary>
    /// <exception cref="NetlinkException">The kernel refused; nothing was changed.</exception>
    public static void DeleteTable(this NetlinkSocket socket, TableFamily family, string name)
    {
        ArgumentNullException.ThrowIfNull(socket);
        string operation = $"delete nftables table {name}";
        RequestBatch batch = BeginBatch(operation);
        AddDeleteTable(batch, family, name);
        EndBatch(batch, operation);
        // The close of the socket waits until the kernel has freed the table, an RCU grace period after it is gone.
        socket.CloseInBackground();
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

    private static MessageWriter Begin(RequestBatch batch, object operation, ushort type, int flags, TableFamily family)
    {
        MessageWriter writer = batch.Begin(operation, type, (ushort)flags);
        writer.WriteNetFilterHeader((byte)family, 0);
        return writer;
    }

    /// <summary>The text of a rule is long, and only needed if the kernel refuses it.</summary>
    private sealed class AdditionOf(Rule rule)
    {
        public override string ToString() => $"add rule {rule} to nftables chain {rule.Chain}";
    }
}
