using System.Collections.Immutable;
using Netlink.Wire;
using static Netlink.NetFilter.NfTables;

namespace Netlink.NetFilter;

/// <summary>Questions to a netfilter socket.</summary>
public static class NetFilterQueries
{
    /// <summary>The names of all tables of a family.</summary>
    public static IReadOnlyList<string> ListTables(this NetlinkSocket socket, TableFamily family) =>
        Dump(socket, "list nftables tables", NFT_MSG_GETTABLE, NFT_MSG_NEWTABLE, family, static _ => { }, static (message, names) => names.Add(Table.ReadName(message)), new List<string>());

    /// <summary>A table with all that is in it; what is in a table that does not exist is empty.</summary>
    public static Table ReadTable(this NetlinkSocket socket, TableFamily family, string name)
    {
        uint flags = 0;
        Question question = Question.ForOne($"read nftables table {name}", [Errno.ENOENT], message => flags = ExpressionFields.Of(message).Number(NFTA_TABLE_FLAGS) ?? 0);
        question.Request.BeginMessage(NFT_MSG_GETTABLE, 0);
        question.Request.WriteNetFilterHeader((byte)family, 0);
        question.Request.AttributeString(NFTA_TABLE_NAME, name);
        question.Request.EndMessage();

        // A dump of chains cannot be filtered by table.
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
        return new Table(family, name, [.. chains], ReadRules(socket, family, name), ReadMaps(socket, family, name)) { Flags = flags };
    }

    /// <summary>The chains of all tables that see IP packets.</summary>
    public static IReadOnlyList<(TableFamily Family, string Table, Chain Chain)> ListChains(this NetlinkSocket socket) =>
        Dump(
            socket, "list nftables chains", NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN, TableFamily.Unspecified, static _ => { },
            static (message, found) =>
            {
                if (message.Payload is [byte family, ..] && (TableFamily)family is TableFamily.Inet or TableFamily.IPv4 or TableFamily.IPv6)
                {
                    (string table, Chain chain) = Chain.Read(message);
                    found.Add(((TableFamily)family, table, chain));
                }
            },
            new List<(TableFamily, string, Chain)>());

    /// <summary>The rules of a table; those of one chain in their order.</summary>
    public static ImmutableArray<Rule> ReadRules(this NetlinkSocket socket, TableFamily family, string table)
    {
        List<Rule> rules = Dump(
            socket, $"read the rules of nftables table {table}", NFT_MSG_GETRULE, NFT_MSG_NEWRULE, family,
            writer => writer.AttributeString(NFTA_RULE_TABLE, table),
            (message, found) =>
            {
                (string owner, Rule rule) = Rule.Read(message);
                if (owner == table)
                {
                    found.Add(rule);
                }
            },
            new List<Rule>());
        return [.. rules];
    }

    private static ImmutableArray<Map> ReadMaps(NetlinkSocket socket, TableFamily family, string table)
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
        return [.. maps.Select(map => map with { Elements = ReadElements(socket, family, table, map) })];
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
        // A set that packets add to can grow while it is listed, and then an element may come twice (rhashtable_walk_start).
        return map.IsDynamic ? [.. elements.Distinct()] : [.. elements];
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
        Question? before = null)
    {
        ArgumentNullException.ThrowIfNull(socket);
        Question list = Question.ForList(operation, found.Clear, message =>
        {
            if (message.Type == answer)
            {
                collect(message, found);
            }
        });
        list.Request.BeginMessage(request, 0);
        list.Request.WriteNetFilterHeader((byte)family, 0);
        filter(list.Request);
        list.Request.EndMessage();
        // Both in one send.
        Question[] questions = before is null ? [list] : [before, list];
        socket.Ask(questions);
        return found;
    }

    private delegate void Collector<T>(Message message, List<T> found);
}
