using System.Net.Sockets;
using EgressRouter.Config;
using Netlink.NetFilter;
using Netlink.Routing;
using Netlink.Wire;

using static EgressRouter.State.Nftables.NftParts;

namespace EgressRouter.State.Nftables;

/// <summary>Builds the expressions of rules: each method returns those of one nft match or statement.</summary>
internal static class NftRuleParts
{
    /// <summary>The hash seed that distributes clients over addresses: arbitrary, but constant.</summary>
    private const uint Seed = 1;

    public static Expression[] FromInside() =>
        [new MetaExpression(MetaKey.InputInterfaceGroup, Register.R1),
            new CmpExpression(Register.R1, Number(AttachmentNames.LinkGroup), NotEqual: true)];

    public static Expression[] SourceHashIs(uint index, uint count, AddressFamily family) =>
    [
        LoadSource(family, Register.R2),
        new HashExpression(Register.R2, (uint)family.AddressBits() / 8, Register.R1, count, Seed),
        new CmpExpression(Register.R1, Number(index)),
    ];

    public static Expression[] ToPodItself() =>
        [new FibExpression(Register.R1), new CmpExpression(Register.R1, Number((uint)RouteType.Local))];

    public static Expression[] FromPodItself() =>
        [new FibExpression(Register.R1, FibQuery.SourceType), new CmpExpression(Register.R1, Number((uint)RouteType.Local))];

    public static Expression[] Marked(uint mark, bool reply) =>
    [
        new ConntrackExpression(ConntrackKey.Direction, Register.R1),
        new CmpExpression(Register.R1, new Bytes([reply ? (byte)1 : (byte)0])),
        .. MarkedEither(mark),
    ];

    public static Expression[] MarkedEither(uint mark) =>
    [
        new ConntrackExpression(ConntrackKey.Mark, Register.R1),
        new BitwiseExpression(Register.R1, Number(AttachmentNames.MarkMask), Number(0)),
        new CmpExpression(Register.R1, Number(mark)),
    ];

    public static Expression[] MarkConnection(uint mark) =>
    [
        new ConntrackExpression(ConntrackKey.Mark, Register.R1),
        SetMark(mark),
        new ConntrackExpression(ConntrackKey.Mark, Register.R1, Set: true),
    ];

    public static Expression[] MarkPacket(uint mark) =>
        [new MetaExpression(MetaKey.Mark, Register.R1), SetMark(mark), new MetaExpression(MetaKey.Mark, Register.R1, Set: true)];

    private static BitwiseExpression SetMark(uint mark) => new(Register.R1, Number(~AttachmentNames.MarkMask), Number(mark));
}
