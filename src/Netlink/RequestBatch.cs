using Netlink.Wire;

namespace Netlink;

/// <summary>A message of a batch that the kernel refused.</summary>
/// <param name="Index">Which: its number in the batch.</param>
/// <param name="Error">Why.</param>
public readonly record struct RefusedRequest(int Index, NetlinkException Error);

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

    /// <summary>
    /// Starts a message; the caller writes it and ends it with <see cref="MessageWriter.EndMessage"/>. One that was broken off
    /// by an exception is dropped: a batch has whole messages only.
    /// </summary>
    internal MessageWriter Begin(string operation, ushort type, ushort flags)
    {
        RollBack();
        _operations.Add(operation);
        _last = Writer.Written.Length;
        Writer.BeginMessage(type, flags);
        return Writer;
    }

    /// <summary>Drops the message that was begun last, if it was not ended.</summary>
    public void RollBack()
    {
        if (Writer.RollBack())
        {
            _operations.RemoveAt(_operations.Count - 1);
        }
    }

    /// <summary>Asks the kernel to acknowledge the message that was written last.</summary>
    internal void AcknowledgeLast() => Writer.Written[_last + FlagsOffset] |= (byte)NetlinkProtocol.NLM_F_ACK;
}
