using Netlink.Wire;

namespace Netlink;

/// <summary>Messages to be sent in one send, each with what it does in words, for its error.</summary>
public sealed class RequestBatch
{
    /// <summary>Of nlmsg_flags in its header; the low byte comes first on the machines that .NET runs on.</summary>
    private const int FlagsOffset = 6;

    private readonly List<string> _operations = [];
    private int _last;

    /// <summary>The messages' bytes.</summary>
    public MessageWriter Writer { get; } = new();

    /// <summary>What each message does: <c>add address 192.168.12.99/24 to net1</c>.</summary>
    public IReadOnlyList<string> Operations => _operations;

    /// <summary>How many messages there are.</summary>
    public int Count => _operations.Count;

    /// <summary>Starts a message; the caller writes it and ends it with <see cref="MessageWriter.EndMessage"/>.</summary>
    internal MessageWriter Begin(string operation, ushort type, ushort flags)
    {
        _operations.Add(operation);
        _last = Writer.Written.Length;
        Writer.BeginMessage(type, flags);
        return Writer;
    }

    /// <summary>Asks the kernel to acknowledge the message that was written last.</summary>
    internal void AcknowledgeLast() => Writer.Written[_last + FlagsOffset] |= (byte)NetlinkProtocol.NLM_F_ACK;
}
