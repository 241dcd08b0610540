using System.Collections.Immutable;
using Netlink.Wire;
using static Netlink.NetFilter.NftablesConstants;

namespace Netlink.NetFilter;

/// <summary>Reads nf_tables objects through a netfilter socket.</summary>
public static class NetFilterQueries
{
    /// <summary>Lists the names of selected tables of a family.</summary>
    /// <param name="socket">A netfilter socket.</param>
    /// <param name="family">The family of the tables.</param>
    /// <param name="isWanted">Selects names during the dump, which may be long.</param>
    public static IReadOnlyList<string> ListTables(this NetlinkSocket socket, TableFamily family, Predicate<string> isWanted)
    {
        ArgumentNullException.ThrowIfNull(isWanted);
        return Dump(
            socket, "list nftables tables", NFT_MSG_GETTABLE, NFT_MSG_NEWTABLE, family, static _ => { },
            (message, names) =>
            {
                string name = Table.ReadName(message);
                if (isWanted(name))
                {
                    names.Add(name);
                }
            },
            new List<string>());
    }

    /// <summary>
    /// Reads the generation of the rulesets of the network namespace (NFTA_GEN_ID). Each batch that changes any table, of any program,
    /// adds one; 0 is left out.
    /// </summary>
    public static uint ReadGeneration(this NetlinkSocket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        uint generation = 0;
        NetlinkRequest question = NetlinkRequest.Get(
            "read the generation of nftables", [], message => generation = ExpressionFields.Of(message).Number(NFTA_GEN_ID) ?? 0);
        question.Request.BeginMessage(NFT_MSG_GETGEN, 0);
        question.Request.WriteNetFilterHeader(0, 0);
        question.Request.EndMessage();
        socket.Ask(question);
        return generation;
    }

    /// <summary>Reads a table with its chains, rules, maps and counters. A table that does not exist reads as empty.</summary>
    /// <param name="socket">A netfilter socket.</param>
    /// <param name="family">The family of the table.</param>
    /// <param name="name">The name of the table.</param>
    /// <param name="isChain">Selects the chains whose rules are read; null for all.</param>
    /// <param name="isMap">Selects the maps whose elements are read; null for all.</param>
    /// <param name="withCounters">Whether the counters are read; otherwise there are none.</param>
    public static Table ReadTable(
        this NetlinkSocket socket, TableFamily family, string name, Predicate<string>? isChain = null, Predicate<Map>? isMap = null,
        bool withCounters = false)
    {
        uint flags = 0;
        NetlinkRequest question = NetlinkRequest.Get(
            $"read nftables table {name}", [Errno.ENOENT], message => flags = ExpressionFields.Of(message).Number(NFTA_TABLE_FLAGS) ?? 0);
        question.Request.BeginMessage(NFT_MSG_GETTABLE, 0);
        question.Request.WriteNetFilterHeader((byte)family, 0);
        question.Request.AttributeString(NFTA_TABLE_NAME, name);
        question.Request.EndMessage();

        // The kernel cannot filter a dump of chains by table.
        List<Chain> chains = Dump(
            socket, $"read the chains of nftables table {name}", NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN, family, static _ => { },
            (message, found) =>
            {
                (string table, Chain chain) = Chain.Read(message);
                if (table == name)
                {
                    found.Add(chain);
                }
            },
            new List<Chain>(),
            question);
        ImmutableArray<Rule> rules = ReadRules(
            socket, $"read the rules of nftables table {name}", family, writer => writer.AttributeString(NFTA_RULE_TABLE, name),
            (table, chain) => table == name && isChain?.Invoke(chain) != false);
        return new Table(family, name, [.. chains], rules, ReadMaps(socket, family, name, isMap))
        {
            Flags = flags,
            Counters = withCounters ? socket.ReadCounters(family, name) : [],
        };
    }

    /// <summary>Lists selected chains of the families inet, ip and ip6.</summary>
    /// <param name="socket">A netfilter socket.</param>
    /// <param name="isWanted">Selects chains by table name and chain during the dump, which may be long.</param>
    public static IReadOnlyList<(TableFamily Family, string Table, Chain Chain)> ListChains(
        this NetlinkSocket socket, Func<string, Chain, bool> isWanted)
    {
        ArgumentNullException.ThrowIfNull(isWanted);
        return Dump(
            socket, "list nftables chains", NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN, TableFamily.Unspecified, static _ => { },
            (message, found) =>
            {
                if (message.Payload is [byte family, ..] && (TableFamily)family is TableFamily.Inet or TableFamily.IPv4 or TableFamily.IPv6)
                {
                    (string table, Chain chain) = Chain.Read(message);
                    if (isWanted(table, chain))
                    {
                        found.Add(((TableFamily)family, table, chain));
                    }
                }
            },
            new List<(TableFamily, string, Chain)>());
    }

    /// <summary>Reads the rules of a chain, in order; a chain that does not exist has none.</summary>
    public static ImmutableArray<Rule> ReadRules(this NetlinkSocket socket, TableFamily family, string table, string chain) => ReadRules(
        socket,
        $"read the rules of chain {chain} of nftables table {table}",
        family,
        writer =>
        {
            writer.AttributeString(NFTA_RULE_TABLE, table);
            writer.AttributeString(NFTA_RULE_CHAIN, chain);
        },
        (owner, name) => owner == table && name == chain);

    /// <summary>Reads the counters of a table; a table that does not exist has none. Element counters come with their map.</summary>
    public static ImmutableArray<NamedCounter> ReadCounters(this NetlinkSocket socket, TableFamily family, string table)
    {
        List<NamedCounter> counters = Dump(
            socket, $"read the counters of nftables table {table}", NFT_MSG_GETOBJ, NFT_MSG_NEWOBJ, family,
            writer =>
            {
                writer.AttributeString(NFTA_OBJ_TABLE, table);
                writer.AttributeUInt32BigEndian(NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
            },
            (message, found) =>
            {
                if (NamedCounter.Read(message) is (string owner, NamedCounter counter) && owner == table)
                {
                    found.Add(counter);
                }
            },
            new List<NamedCounter>());
        return [.. counters];
    }

    /// <summary>Reads one map of a table with its elements, or null if there is none of this name.</summary>
    public static Map? ReadMap(this NetlinkSocket socket, TableFamily family, string table, string map) =>
        ReadMaps(socket, family, table, found => found.Name == map).FirstOrDefault(found => found.Name == map);

    private static ImmutableArray<Rule> ReadRules(
        NetlinkSocket socket, string operation, TableFamily family, Action<MessageWriter> filter, Func<string, string, bool> isWanted)
    {
        List<Rule> rules = Dump(
            socket, operation, NFT_MSG_GETRULE, NFT_MSG_NEWRULE, family, filter,
            (message, found) =>
            {
                ExpressionFields fields = ExpressionFields.Of(message);
                if (isWanted(fields.Text(NFTA_RULE_TABLE) ?? "", fields.Text(NFTA_RULE_CHAIN) ?? ""))
                {
                    found.Add(Rule.Read(message));
                }
            },
            new List<Rule>());
        return [.. rules];
    }

    private static ImmutableArray<Map> ReadMaps(NetlinkSocket socket, TableFamily family, string table, Predicate<Map>? isWanted)
    {
        List<Map> maps = Dump(
            socket, $"read the maps of nftables table {table}", NFT_MSG_GETSET, NFT_MSG_NEWSET, family,
            writer => writer.AttributeString(NFTA_SET_TABLE, table),
            (message, found) =>
            {
                if (Map.Read(message) is (string owner, Map map) && owner == table)
                {
                    found.Add(map);
                }
            },
            new List<Map>());
        return [.. maps.Select(map => isWanted?.Invoke(map) == false ? map : map with { Elements = ReadElements(socket, family, table,
            map) })];
    }

    private static ImmutableArray<MapElement> ReadElements(NetlinkSocket socket, TableFamily family, string table, Map map)
    {
        List<MapElement> elements = Dump(
            socket, $"read nftables map {map.Name} of table {table}", NFT_MSG_GETSETELEM, NFT_MSG_NEWSETELEM, family,
            writer =>
            {
                writer.AttributeString(NFTA_SET_ELEM_LIST_TABLE, table);
                writer.AttributeString(NFTA_SET_ELEM_LIST_SET, map.Name);
            },
            Map.ReadElements,
            new List<MapElement>());
        return map.ElementsOf(elements);
    }

    private static List<T> Dump<T>(
        NetlinkSocket socket,
        string operation,
        ushort request,
        ushort answer,
        TableFamily family,
        Action<MessageWriter> filter,
        Collector<T> collect,
        List<T> found,
        NetlinkRequest? before = null)
    {
        ArgumentNullException.ThrowIfNull(socket);
        NetlinkRequest list = NetlinkRequest.Dump(operation, found.Clear, message =>
        {
            int before = found.Count;
            if (message.Type == answer)
            {
                collect(message, found);
            }

            return found.Count > before;
        });
        list.Request.BeginMessage(request, 0);
        list.Request.WriteNetFilterHeader((byte)family, 0);
        filter(list.Request);
        list.Request.EndMessage();
        NetlinkRequest[] questions = before is null ? [list] : [before, list];
        socket.Ask(questions);
        return found;
    }

    private delegate void Collector<T>(Message message, List<T> found);
}
