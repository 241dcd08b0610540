using System.Runtime.InteropServices;
using Netlink.Wire;
using static Netlink.Wire.NetlinkProtocol;

namespace Netlink;

/// <summary>Reads NLMSG_ERROR (struct nlmsgerr and its extended acknowledgement, linux/netlink.h).</summary>
internal static class NetlinkErrorReader
{
    /// <summary>The error, or null for an acknowledgement.</summary>
    public static NetlinkException? Read(Message message, object operation)
    {
        if (message.Payload.Length < 4 + HeaderLength)
        {
            throw Malformed.Message($"an error message of {message.Payload.Length} bytes");
        }

        int error = MemoryMarshal.Read<int>(message.Payload);
        if (error == 0)
        {
            return null;
        }

        // The error quotes the failed request: only its header if capped, otherwise all of it.
        uint quoted = (message.Flags & NLM_F_CAPPED) != 0 ? HeaderLength : MemoryMarshal.Read<uint>(message.Payload[4..]);
        string? text = (message.Flags & NLM_F_ACK_TLVS) != 0 && quoted <= (uint)message.Payload.Length - 4
            ? FindText(message.Attributes(Math.Min(4 + Align((int)quoted), message.Payload.Length)))
            : null;
        return new NetlinkException($"{operation}", -error, text);
    }

    /// <summary>The error in NLMSG_DONE, the last message of a dump, or null.</summary>
    public static NetlinkException? ReadDone(Message message, string operation)
    {
        int error = message.Payload.Length >= 4 ? MemoryMarshal.Read<int>(message.Payload) : 0;
        return error < 0 ? new NetlinkException(operation, -error) : null;
    }

    private static string? FindText(AttributeReader attributes)
    {
        while (attributes.Next(out Wire.Attribute attribute))
        {
            if (attribute.Type == NLMSGERR_ATTR_MSG)
            {
                return attribute.Text();
            }
        }

        return null;
    }
}
