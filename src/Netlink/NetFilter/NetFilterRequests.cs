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
        socket.Apply(CreateTableBatch(table, replaces));
    }

    /// <summary>Applies changes of a table, all together or none.</summary>
    /// <exception cref="NetlinkException">The kernel refused a part, named in the error; nothing was changed.</exception>
    public static void Apply(this NetlinkSocket socket, TableBatch batch)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(batch);
        if (!batch.IsEmpty)
        {
            socket.ExecuteAtomically(batch.End());
        }
    }

    internal static TableBatch CreateTableBatch(Table table, bool replaces = false)
    {
        var batch = new TableBatch(table.Family, table.Name, $"make nftables table {table.Name}");
        if (replaces)
        {
            batch.DeleteTable();
        }

        batch.AddTable(table.Flags);
        Each(table.Counters, batch.AddCounter);
        Each(table.Chains, batch.AddChain);
        Each(table.Maps, batch.AddMap);
        Each(table.Rules, batch.AddRule);
        return batch;
    }

    /// <summary>
    /// Updates a table to another one with the same flags, whose base chains of the same name are the same, without disturbing traffic.
    /// Sends only what differs, in one batch: nothing if nothing does. The rules of a chain that differs are replaced. A map that can
    /// hold the wanted elements is kept, and only its elements change. A counter that stays keeps its values.
    /// </summary>
    /// <remarks>
    /// Any other map is recreated while the rules use a temporary map of another name: for a packet that still runs the old
    /// rules during a commit, a deleted map is empty (seen on Linux 6.18).
    /// </remarks>
    /// <param name="socket">A netfilter socket.</param>
    /// <param name="wanted">The desired table.</param>
    /// <param name="observed">The current table, with its counters if <paramref name="wanted"/> has any.</param>
    /// <returns>How many batches were applied, each of which is a generation (<see cref="NetFilterQueries.ReadGeneration"/>).</returns>
    /// <exception cref="NetlinkException">
    /// The kernel refused a part, named in the error. Nothing was changed; or, if a later step of recreating a map failed, the
    /// update is complete except for the temporary map.
    /// </exception>
    public static int UpdateTable(this NetlinkSocket socket, Table wanted, Table observed)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(wanted);
        ArgumentNullException.ThrowIfNull(observed);
        int batches = 0;
        foreach ((Table next, Table before) in StepsOfUpdate(wanted, observed))
        {
            TableBatch batch = UpdateTableBatch(next, before);
            batches += batch.IsEmpty ? 0 : 1;
            socket.Apply(batch);
        }

        return batches;
    }

    /// <summary>The steps of an update, each from the previous table: one, or three if a map must be recreated.</summary>
    internal static IEnumerable<(Table Next, Table Before)> StepsOfUpdate(Table wanted, Table observed)
    {
        Map[] recreated = [.. observed.Maps.Where(old => wanted.Maps.Any(map => map.Name == old.Name && !map.CanBeMadeFrom(old)))];
        if (recreated.Length > 0)
        {
            string Rename(string name) => recreated.Any(map => map.Name == name) ? name + "_" : name;
            Map[] copies = [.. wanted.Maps.Where(map => Rename(map.Name) != map.Name).Select(map => map with { Name = Rename(map.Name) })];
            // Elements of the old maps lead to chains that are no longer wanted.
            Chain[] chains = [.. wanted.Chains.Concat(observed.Chains).DistinctBy(chain => chain.Name)];
            Table withTemporary = wanted with
            {
                Chains = [.. chains],
                Maps = [.. wanted.Maps.Where(map => Rename(map.Name) == map.Name), .. recreated, .. copies],
                Rules =
                    [.. wanted.Rules.Select(rule => rule with { Expressions = [.. rule.Expressions.Select(expression => expression switch
                {
                    LookupExpression look => look with { Map = Rename(look.Map) },
                    DynsetExpression add => add with { Set = Rename(add.Set) },
                    _ => expression,
                })] })],
            };
            Table withRecreated = wanted with { Chains = [.. chains], Maps = [.. wanted.Maps, .. copies] };
            yield return (withTemporary, observed);
            yield return (withRecreated, withTemporary);
            observed = withRecreated;
        }

        yield return (wanted, observed);
    }

    internal static TableBatch UpdateTableBatch(Table wanted, Table observed)
    {
        (Map Wanted, Map Old)[] kept = [.. wanted.Maps.SelectMany(map => observed.Maps.Where(map.CanBeMadeFrom).Select(old => (map, old)))];
        HashSet<string> maps = [.. wanted.Maps.Concat(observed.Maps).Select(map => map.Name).Except(kept.Select(pair => pair.Wanted.Name))];

        // A map can be deleted only if no rule refers to it.
        bool NamesMap(Rule rule) =>
            rule.Expressions.Any(
                expression => maps.Contains((expression as LookupExpression)?.Map ?? (expression as DynsetExpression)?.Set ?? ""));
        HashSet<string> before = [.. observed.Chains.Select(chain => chain.Name)];
        HashSet<string> after = [.. wanted.Chains.Select(chain => chain.Name)];
        ILookup<string, Rule> rulesBefore = observed.Rules.ToLookup(rule => rule.Chain);
        ILookup<string, Rule> rulesAfter = wanted.Rules.ToLookup(rule => rule.Chain);
        HashSet<string> changed = [.. after.Union(before)
            .Where(chain => !rulesAfter[chain].SequenceEqual(rulesBefore[chain]) || rulesBefore[chain].Any(NamesMap))];
        var batch = new TableBatch(wanted.Family, wanted.Name, $"update nftables table {wanted.Name}");

        // What rules and elements refer to is made before them, and deleted after them.
        HashSet<string> counters = [.. observed.Counters.Select(counter => counter.Name)];
        Each(wanted.Counters.Where(counter => !counters.Contains(counter.Name)), batch.AddCounter);
        Each(wanted.Chains.Where(chain => !before.Contains(chain.Name)), batch.AddChain);
        Each(changed.Where(rulesBefore.Contains), batch.DeleteRules);
        Each(observed.Maps.Select(map => map.Name).Where(maps.Contains), batch.DeleteMap);
        Each(wanted.Maps.Where(map => maps.Contains(map.Name)), batch.AddMap);
        foreach ((Map map, Map old) in kept)
        {
            // Delete first: this frees room, and a new element may have the key of a deleted one.
            batch.DeleteElements(map, old.Elements.Except(map.Elements));
            batch.AddElements(map, map.Elements.Except(old.Elements));
        }

        Each(wanted.Rules.Where(rule => changed.Contains(rule.Chain)), batch.AddRule);
        Each(before.Except(after), batch.DeleteChain);
        Each(counters.Except(wanted.Counters.Select(counter => counter.Name)), batch.DeleteCounter);
        return batch;
    }

    private static void Each<T>(IEnumerable<T> items, Action<T> action)
    {
        foreach (T item in items)
        {
            action(item);
        }
    }

    /// <summary>Deletes a table and its content (ENOENT: it does not exist).</summary>
    /// <exception cref="NetlinkException">The kernel refused; nothing was changed.</exception>
    public static void DeleteTable(this NetlinkSocket socket, TableFamily family, string name)
    {
        ArgumentNullException.ThrowIfNull(socket);
        var batch = new TableBatch(family, name, $"delete nftables table {name}");
        batch.DeleteTable();
        // The close of the socket waits until the kernel has freed the table, an RCU grace period after it is gone.
        socket.CloseInBackground();
        socket.Apply(batch);
    }
}
