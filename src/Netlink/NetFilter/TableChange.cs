using Netlink.Wire;
using static Netlink.NetFilter.NftablesConstants;

namespace Netlink.NetFilter;

/// <summary>A change of an nf_tables table or of something in it: a chain, a rule, a set, an element, an object or a flowtable.</summary>
/// <param name="Family">The family of the table.</param>
/// <param name="Table">The name of the table.</param>
/// <param name="Port">
/// The <see cref="NetlinkSocket.Port"/> of the socket that made the change, so that a program can tell its own changes; 0 for the kernel.
/// </param>
public sealed record TableChange(TableFamily Family, string Table, uint Port)
{
    /// <summary>Opens a monitor of all tables in the calling thread's network namespace.</summary>
    /// <param name="receiveBuffer">The size of the receive buffer in bytes; changes beyond it are lost.</param>
    /// <exception cref="NetlinkException">The kernel refuses the socket or one of its options.</exception>
    public static ChangeMonitor<TableChange> OpenMonitor(int receiveBuffer = ChangeMonitor<TableChange>.DefaultReceiveBuffer)
    {
        const string operation = "monitor nftables tables";
        return new(
            KernelTransport.OpenMonitor(NetlinkProtocol.NETLINK_NETFILTER, operation, receiveBuffer, [NFNLGRP_NFTABLES]), operation, Read);
    }

    internal static TableChange? Read(Message message)
    {
        // NFT_MSG_NEWGEN ends a batch. All others have the table's name in the same attribute, such as NFTA_RULE_TABLE.
        if (message.Type >> 8 != NFNL_SUBSYS_NFTABLES || message.Type == NFT_MSG_NEWGEN)
        {
            return null;
        }

        return message.Payload is [byte family, ..] && ExpressionFields.Of(message).Text(NFTA_TABLE_NAME) is string table
            ? new TableChange((TableFamily)family, table, message.Port)
            : throw Malformed.Message($"message type {message.Type} without a table");
    }
}
