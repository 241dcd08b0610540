using Netlink.NetFilter;
using Netlink.Wire;

namespace Netlink.Tests;

/// <summary>The table with verdicts that scripts/capture-netlink.py passes to nft, and its changes, as records.</summary>
internal static class VerdictTables
{
    private static readonly Bytes _first = new([10, 244, 1, 2]);

    /// <summary>Marks are in host byte order.</summary>
    private static readonly Bytes _slot = new([0, 0, 0x10, 0]);

    private static readonly Map _pods = new("pods", [SetDataType.IPv4Address], [SetDataType.Verdict], IsInterval: false, [
        new MapElement(_first, new Decision(Verdict.Goto, "object"))])
    { Size = 8 };

    private static readonly Map _slots = new("slots", [SetDataType.Mark], [SetDataType.Verdict], IsInterval: false, [
        new MapElement(_slot, new Decision(Verdict.Accept))])
    { Size = 8 };

    private static readonly Expression[] _isIPv4 =
        [new MetaExpression(MetaKey.NetworkProtocol, Register.R1), new CmpExpression(Register.R1, new Bytes([2]))];

    private static readonly PayloadExpression _source = new(PayloadBase.NetworkHeader, 12, 4, Register.R1);

    private static readonly NatExpression _snat = new(Source: true, TableFamily.IPv4, Register.R1);

    public static Table Example { get; } = new(
        TableFamily.Inet,
        "egress",
        [
            new Chain("classify", new BaseChain("filter", NetFilterHook.PreRouting, -90)),
            new Chain("object"),
            new Chain("hold"),
            new Chain("sources", new BaseChain("nat", NetFilterHook.PostRouting, 99)),
        ],
        [
            new Rule("classify", [.. _isIPv4, _source, new LookupExpression("pods", Register.R1, Register.Verdict)]),
            new Rule("classify", [
                .. _isIPv4, _source, new LookupExpression("peers", Register.R1, IsInverted: true), new ImmediateExpression(Verdict.Drop)]),
            new Rule("object", [
                new ConntrackExpression(ConntrackKey.Mark, Register.R1),
                new BitwiseExpression(Register.R1, new Bytes([0, 0, 0xf0, 0xff]), new Bytes([0, 0, 0, 0])),
                new LookupExpression("slots", Register.R1, Register.Verdict)]),
            new Rule("object", [new ImmediateExpression(Verdict.Goto, "hold")]),
            new Rule("hold", [new CounterReferenceExpression("held"), new ImmediateExpression(Verdict.Drop)]),
            new Rule("sources", [
                .. _isIPv4,
                new ConntrackExpression(ConntrackKey.Mark, Register.R1),
                new CmpExpression(Register.R1, new Bytes([0, 0, 0, 0])),
                _source,
                _snat]),
            new Rule("sources", [.. _isIPv4, _source, new LookupExpression("snat_to", Register.R1, Register.R1), _snat]),
        ],
        [
            new Map("peers", [SetDataType.IPv4Address], [], IsInterval: false, []) { Size = 8 },
            _pods,
            _slots,
            new Map("snat_to", [SetDataType.IPv4Address], [SetDataType.IPv4Address], IsInterval: false, [
                new MapElement(_first, default, new Bytes([192, 0, 2, 100]))])
            { Size = 8 },
        ])
    {
        Counters = [new NamedCounter("held")],
    };

    /// <summary>Single elements are deleted and added in one batch with a chain and its rule.</summary>
    public static TableBatch Change()
    {
        var batch = new TableBatch(TableFamily.Inet, "egress", "change nftables table egress");
        batch.DeleteElements(_pods, _pods.Elements);
        batch.AddChain(new Chain("other"));
        batch.AddRule(new Rule("other", [new ImmediateExpression(Verdict.Return)]));
        batch.AddElements(_pods, new MapElement(new Bytes([10, 244, 1, 3]), new Decision(Verdict.Jump, "other")));
        batch.DeleteElements(_slots, _slots.Elements);
        batch.AddElements(_slots, new MapElement(_slot, new Decision(Verdict.Drop)));
        return batch;
    }
}
