using Netlink.Wire;

namespace Netlink;

/// <summary>A message of a batch that the kernel refused.</summary>
/// <param name="Operation">What it was to do: the object that the caller gave for it.</param>
/// <param name="Error">Why.</param>
public readonly record struct RefusedRequest(object Operation, NetlinkException Error);

/// <summary>
/// Messages to be sent in one send, each with what it does: an object that the caller finds again with the message's error, and
/// whose text stands in that error.
/// </summary>
public sealed class RequestBatch
{
    /// <summary>Of nlmsg_flags in its header; the low byte comes first on the machines that .NET runs on.</summary>
    private const int FlagsOffset = 6;

    private readonly List<object> _operations = [];
    private int _last;

    /// <summary>The messages' bytes.</summary>
    public MessageWriter Writer { get; } = new();

    /// <summary>What each message does; as text <c>add address 192.168.12.99/24 to net1</c>.</summary>
    public IReadOnlyList<object> Operations => _operations;

    /// <summary>How many messages there are.</summary>
    public int Count => _operations.Count;

    /// <summary>
    /// Starts a message; the caller writes it and ends it with <see cref="MessageWriter.EndMessage"/>. One that was broken off
    /// by an exception is dropped: a batch has whole messages only.
    /// </summary>
    internal MessageWriter Begin(object operation, ushort type, ushort flags)
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
