using Netlink.Wire;
using static Netlink.NetFilter.NftablesConstants;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink.NetFilter;

/// <summary>
/// Changes of one nf_tables table. The kernel applies them in order, and all of them or none
/// (<see cref="NetFilterRequests.Apply"/>). A chain, a map or a counter must exist before a rule or an element refers to it.
/// </summary>
public sealed class TableBatch
{
    private readonly TableFamily _family;
    private readonly string _table;
    private readonly string _operation;
    private readonly RequestBatch _batch = new();
    private uint _mapId;
    private bool _isEnded;

    /// <summary>Begins a batch.</summary>
    /// <param name="family">The family of the table.</param>
    /// <param name="table">The name of the table.</param>
    /// <param name="operation">Names the batch if the kernel refuses all of it, such as <c>update nftables table t</c>.</param>
    public TableBatch(TableFamily family, string table, string operation)
    {
        (_family, _table, _operation) = (family, table, operation);
        WriteMark(NFNL_MSG_BATCH_BEGIN);
    }

    /// <summary>Whether the batch has no changes.</summary>
    public bool IsEmpty => _batch.Count == 1;

    /// <summary>Creates the table (EEXIST: it exists).</summary>
    /// <param name="flags">NFT_TABLE_F_*.</param>
    public void AddTable(uint flags = 0)
    {
        MessageWriter writer = Begin($"make nftables table {_table}", NFT_MSG_NEWTABLE, NLM_F_EXCL);
        writer.AttributeString(NFTA_TABLE_NAME, _table);
        writer.AttributeUInt32BigEndian(NFTA_TABLE_FLAGS, flags);
        writer.EndMessage();
    }

    /// <summary>Deletes the table and its content (ENOENT: it does not exist).</summary>
    public void DeleteTable()
    {
        MessageWriter writer = Begin($"delete nftables table {_table}", NFT_MSG_DELTABLE, 0);
        writer.AttributeString(NFTA_TABLE_NAME, _table);
        writer.EndMessage();
    }

    /// <summary>Creates a chain, or does nothing if it exists.</summary>
    public void AddChain(Chain chain)
    {
        ArgumentNullException.ThrowIfNull(chain);
        MessageWriter writer = Begin($"make nftables chain {chain.Name} of table {_table}", NFT_MSG_NEWCHAIN, NLM_F_CREATE);
        chain.WriteTo(writer, _table);
        writer.EndMessage();
    }

    /// <summary>Deletes a chain and its rules (EBUSY: a rule or an element of a map leads to it).</summary>
    public void DeleteChain(string chain)
    {
        MessageWriter writer = Begin($"delete nftables chain {chain} of table {_table}", NFT_MSG_DELCHAIN, 0);
        writer.AttributeString(NFTA_CHAIN_TABLE, _table);
        writer.AttributeString(NFTA_CHAIN_NAME, chain);
        writer.EndMessage();
    }

    /// <summary>Adds a rule at the end of its chain.</summary>
    public void AddRule(Rule rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        MessageWriter writer = Begin(new AdditionOf(rule), NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
        rule.WriteTo(writer, _table);
        writer.EndMessage();
    }

    /// <summary>Deletes all rules of a chain.</summary>
    public void DeleteRules(string chain)
    {
        MessageWriter writer = Begin($"empty nftables chain {chain} of table {_table}", NFT_MSG_DELRULE, 0);
        writer.AttributeString(NFTA_RULE_TABLE, _table);
        writer.AttributeString(NFTA_RULE_CHAIN, chain);
        writer.EndMessage();
    }

    /// <summary>Creates a map with its elements.</summary>
    public void AddMap(Map map)
    {
        ArgumentNullException.ThrowIfNull(map);
        MessageWriter writer = Begin($"make nftables map {map.Name} of table {_table}", NFT_MSG_NEWSET, NLM_F_CREATE);
        map.WriteTo(writer, _table, ++_mapId);
        writer.EndMessage();
        ChangeElements(map, [.. map.Elements], NFT_MSG_NEWSETELEM, _mapId);
    }

    /// <summary>Deletes a map (EBUSY: a rule refers to it).</summary>
    public void DeleteMap(string map)
    {
        MessageWriter writer = Begin($"delete nftables map {map} of table {_table}", NFT_MSG_DELSET, 0);
        writer.AttributeString(NFTA_SET_TABLE, _table);
        writer.AttributeString(NFTA_SET_NAME, map);
        writer.EndMessage();
    }

    /// <summary>Adds elements to a map that exists (EEXIST: the map has the key with other data).</summary>
    /// <param name="map">The map; its own elements do not count.</param>
    /// <param name="elements">The elements.</param>
    public void AddElements(Map map, params IEnumerable<MapElement> elements) =>
        ChangeElements(map, [.. elements], NFT_MSG_NEWSETELEM, id: null);

    /// <summary>Deletes elements of a map by their keys (ENOENT: the map does not have a key).</summary>
    /// <param name="map">The map; its own elements do not count.</param>
    /// <param name="elements">The elements; their data does not count.</param>
    public void DeleteElements(Map map, params IEnumerable<MapElement> elements) =>
        ChangeElements(map, [.. elements.Select(element => element.KeyOnly)], NFT_MSG_DELSETELEM, id: null);

    /// <summary>Creates a counter; one that exists keeps its values.</summary>
    public void AddCounter(NamedCounter counter)
    {
        ArgumentNullException.ThrowIfNull(counter);
        MessageWriter writer = Begin($"make nftables counter {counter.Name} of table {_table}", NFT_MSG_NEWOBJ, NLM_F_CREATE);
        counter.WriteTo(writer, _table);
        writer.EndMessage();
    }

    /// <summary>Deletes a counter (EBUSY: a rule refers to it).</summary>
    public void DeleteCounter(string counter)
    {
        MessageWriter writer = Begin($"delete nftables counter {counter} of table {_table}", NFT_MSG_DELOBJ, 0);
        NamedCounter.WriteKey(writer, _table, counter);
        writer.EndMessage();
    }

    /// <summary>The whole batch; then nothing can be added.</summary>
    internal RequestBatch End()
    {
        if (!_isEnded)
        {
            _batch.AcknowledgeLast();
            WriteMark(NFNL_MSG_BATCH_END);
            _isEnded = true;
        }

        return _batch;
    }

    private void WriteMark(ushort type)
    {
        MessageWriter writer = _batch.Begin(_operation, type, 0);
        writer.WriteNetFilterHeader(0, NFNL_SUBSYS_NFTABLES);
        writer.EndMessage();
    }

    private void ChangeElements(Map map, ReadOnlySpan<MapElement> elements, ushort type, uint? id)
    {
        ArgumentNullException.ThrowIfNull(map);
        bool adds = type == NFT_MSG_NEWSETELEM;
        for (; !elements.IsEmpty; elements = elements[Math.Min(Map.ElementsInMessage, elements.Length)..])
        {
            MessageWriter writer = Begin(
                $"{(adds ? "fill" : "take elements from")} nftables map {map.Name} of table {_table}", type, adds ? NLM_F_CREATE : 0);
            map.WriteElements(writer, _table, id, elements[..Math.Min(Map.ElementsInMessage, elements.Length)]);
            writer.EndMessage();
        }
    }

    private MessageWriter Begin(object operation, ushort type, int flags)
    {
        if (_isEnded)
        {
            throw new InvalidOperationException("the batch is ended");
        }

        MessageWriter writer = _batch.Begin(operation, type, (ushort)flags);
        writer.WriteNetFilterHeader((byte)_family, 0);
        return writer;
    }

    /// <summary>The text of a rule is long, and only needed if the kernel refuses it.</summary>
    private sealed class AdditionOf(Rule rule)
    {
        public override string ToString() => $"add rule {rule} to nftables chain {rule.Chain}";
    }
}
