using System.Net;
using Netlink.NetFilter;
using Netlink.Wire;

namespace Netlink.Tests;

/// <summary>The table that scripts/capture-netlink.py passes to nft, as records.</summary>
internal static class Tables
{
    private static readonly SetDataType[] _portKey = [SetDataType.TransportProtocol, SetDataType.Port];

    private static readonly MetaExpression _loadInput = new(MetaKey.InputInterfaceName, Register.R1);

    private static readonly Bytes _net1 = InterfaceNameBytes.Of("net1");

    public static Table Example { get; } = new(
        TableFamily.Inet,
        "egress-router-net1",
        [
            new Chain("prerouting", new BaseChain("nat", NetFilterHook.PreRouting, -100)),
            new Chain("destinations"),
            new Chain("marks", new BaseChain("filter", NetFilterHook.PreRouting, -90, Verdict.Drop)),
            new Chain("restore"),
        ],
        [
            new Rule("prerouting", [
                _loadInput,
                new CmpExpression(Register.R1, _net1, NotEqual: true),
                new FibExpression(Register.R1),
                new CmpExpression(Register.R1, new Bytes([2, 0, 0, 0])),
                new ImmediateExpression(Verdict.Jump, "destinations")]),
            new Rule("destinations", [
                new ConntrackExpression(ConntrackKey.Mark, Register.R1),
                new BitwiseExpression(Register.R1, new Bytes([0xff, 0xff, 0, 0]), new Bytes([0, 0, 0x2d, 0x0b])),
                new ConntrackExpression(ConntrackKey.Mark, Register.R1, Set: true)]),
            new Rule("destinations", [
                .. Family(2), .. LookUp("ports_ip"), new NatExpression(Source: false, TableFamily.IPv4, Register.R1, Register.R1Second)]),
            new Rule("destinations", [
                .. Family(10), .. LookUp("ports_ip6"), new NatExpression(Source: false, TableFamily.IPv6, Register.R1, Register.R2)]),
            new Rule("destinations", [
                .. Family(2),
                new ImmediateExpression(Register.R1, new Bytes([192, 168, 12, 93])),
                new NatExpression(Source: false, TableFamily.IPv4, Register.R1)]),
            new Rule("marks", [
                _loadInput,
                new CmpExpression(Register.R1, _net1),
                new ConntrackExpression(ConntrackKey.Direction, Register.R1),
                new CmpExpression(Register.R1, new Bytes([1])),
                new ConntrackExpression(ConntrackKey.Mark, Register.R1),
                new BitwiseExpression(Register.R1, new Bytes([0, 0, 0xff, 0xff]), new Bytes([0, 0, 0, 0])),
                new CmpExpression(Register.R1, new Bytes([0, 0, 0x2d, 0x0b])),
                new MetaExpression(MetaKey.Mark, Register.R1),
                new BitwiseExpression(Register.R1, new Bytes([0xff, 0xff, 0, 0]), new Bytes([0, 0, 0x2e, 0x0b])),
                new MetaExpression(MetaKey.Mark, Register.R1, Set: true)]),
            new Rule("marks", [
                new MetaExpression(MetaKey.OutputInterfaceName, Register.R1),
                new CmpExpression(Register.R1, _net1),
                .. Family(10),
                new ImmediateExpression(Verdict.Drop)]),
            new Rule("restore", [new ImmediateExpression(Verdict.Return)], "net/ipv4/conf/eth0/forwarding=0"),
        ],
        [
            new Map("ports_ip", [.. _portKey], [SetDataType.IPv4Address, SetDataType.Port], IsInterval: false, [
                new MapElement(Key(6, 80), default, new Bytes([192, 168, 12, 91, 0x1f, 0x90, 0, 0]))]),
            new Map("ranges_ip", [.. _portKey], [SetDataType.IPv4Address], IsInterval: true, [
                new MapElement(Key(17, 8000), Key(17, 8100), new Bytes(IPAddress.Parse("192.168.12.92").GetAddressBytes()))]),
            new Map("ports_ip6", [.. _portKey], [SetDataType.IPv6Address, SetDataType.Port], IsInterval: false, []),
        ]);

    private static Bytes Key(byte protocol, ushort port) => new([protocol, 0, 0, 0, (byte)(port >> 8), (byte)port, 0, 0]);

    private static Expression[] Family(byte family) =>
        [new MetaExpression(MetaKey.NetworkProtocol, Register.R1), new CmpExpression(Register.R1, new Bytes([family]))];

    private static Expression[] LookUp(string map) =>
    [
        new MetaExpression(MetaKey.TransportProtocol, Register.R1),
        new PayloadExpression(PayloadBase.TransportHeader, 2, 2, Register.R1Second),
        new LookupExpression(map, Register.R1, Register.R1),
    ];
}
