using System.Net;
using Netlink.NetFilter;
using Netlink.Wire;

namespace Netlink.Tests;

/// <summary>The table with ranges that scripts/capture-netlink.py passes to nft, and its change, as records.</summary>
internal static class RangeTables
{
    private static readonly MetaExpression _loadProtocol = new(MetaKey.TransportProtocol, Register.R1);

    private static readonly ImmediateExpression _accept = new(Verdict.Accept);

    private static readonly Expression[] _isIPv4 =
        [new MetaExpression(MetaKey.NetworkProtocol, Register.R1), new CmpExpression(Register.R1, new Bytes([2]))];

    private static readonly MapElement _changed = Range("192.0.2.11", "192.0.2.13");

    private static readonly MapElement _last = Range("224.0.0.0", "255.255.255.255");

    private static readonly Map _inside = new("inside4", [SetDataType.IPv4Address], [], IsInterval: true, [
        Range("0.0.0.0", "0.255.255.255"), _changed, Range("203.0.113.7", "203.0.113.7"), _last]);

    public static Table Example { get; } = new(
        TableFamily.Inet,
        "egress",
        [new Chain("sources", new BaseChain("filter", NetFilterHook.PreRouting, -300)), new Chain("slots")],
        [
            new Rule("sources", [
                new FibExpression(Register.R1, FibQuery.HasReversePath),
                new CmpExpression(Register.R1, new Bytes([0, 0, 0, 0])),
                new ImmediateExpression(Verdict.Drop)]),
            new Rule("sources", [
                .. _isIPv4,
                new PayloadExpression(PayloadBase.NetworkHeader, 12, 4, Register.R1),
                new LookupExpression("inside4", Register.R1),
                _accept]),
            new Rule("sources", [
                new ConntrackExpression(ConntrackKey.State, Register.R1),
                new BitwiseExpression(Register.R1, new Bytes([9, 0, 0, 0]), new Bytes([0, 0, 0, 0])),
                new CmpExpression(Register.R1, new Bytes([8, 0, 0, 0])),
                new ImmediateExpression(Register.R1, new Bytes([0x11, 0, 0, 0])),
                new MetaExpression(MetaKey.Mark, Register.R1, Set: true)]),
            new Rule("slots", [
                new MetaExpression(MetaKey.InputInterfaceName, Register.R1),
                new CmpExpression(Register.R1, InterfaceNameBytes.Of("net1")),
                new MetaExpression(MetaKey.OutputInterfaceName, Register.R1),
                new CmpExpression(Register.R1, InterfaceNameBytes.Of("net2")),
                new ConntrackExpression(ConntrackKey.Direction, Register.R1),
                new CmpExpression(Register.R1, new Bytes([0])),
                .. _isIPv4,
                new PayloadExpression(PayloadBase.NetworkHeader, 12, 4, Register.R2),
                new PayloadExpression(PayloadBase.NetworkHeader, 16, 4, Register.R2Second),
                new HashExpression(Register.R2, 8, Register.R1, Modulus: 4, Seed: 0x0b2d, Offset: 256),
                new ConntrackExpression(ConntrackKey.Mark, Register.R1, Set: true)]),
            new Rule("slots", [
                new ImmediateExpression(Register.R1, new Bytes([0x12, 0, 0, 0])),
                new ConntrackExpression(ConntrackKey.Mark, Register.R1, Set: true)]),
            new Rule("slots", [
                new ConntrackExpression(ConntrackKey.Mark, Register.R1), new MetaExpression(MetaKey.Mark, Register.R1, Set: true)]),
            new Rule("slots", [
                _loadProtocol,
                new CmpExpression(Register.R1, new Bytes([6])),
                new PayloadExpression(PayloadBase.TransportHeader, 13, 1, Register.R1),
                new BitwiseExpression(Register.R1, new Bytes([6]), new Bytes([0])),
                new CmpExpression(Register.R1, new Bytes([2])),
                new ImmediateExpression(Register.R1, new Bytes([1360 >> 8, 1360 & 0xff])),
                new ExthdrExpression(Register.R1, Option: 2, Offset: 2)]),
        ],
        [
            _inside,
            new Map("inside6", [SetDataType.IPv6Address], [], IsInterval: true, [
                Range("::", "ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), Range("fd00:2::11", "fd00:2::13")]),
            new Map("nodes", [SetDataType.IPv4Address], [SetDataType.Verdict], IsInterval: true, [
                Range("0.0.0.0", "0.255.255.255") with { Decision = new Decision(Verdict.Drop) },
                Range("10.244.1.0", "10.244.1.255") with { Decision = new Decision(Verdict.Goto, "slots") }]),
        ]);

    /// <summary>The table after one range has grown and another is gone.</summary>
    public static Table Changed { get; } = Example with
    {
        Maps = [
            _inside with { Elements = [.. _inside.Elements.Remove(_last).Replace(_changed, Range("192.0.2.11", "192.0.2.14"))] },
            .. Example.Maps[1..]],
    };

    private static MapElement Range(string first, string last) =>
        new(new Bytes(IPAddress.Parse(first).GetAddressBytes()), new Bytes(IPAddress.Parse(last).GetAddressBytes()), default);
}
