using Netlink.Wire;

namespace Netlink;

/// <summary>A message of a batch that the kernel refused.</summary>
/// <param name="Operation">The caller's operation object for the message.</param>
/// <param name="Error">The kernel's error.</param>
public readonly record struct RefusedRequest(object Operation, NetlinkException Error);

/// <summary>
/// Messages to send together, each with an operation object. The text of that object is the operation in the message's error,
/// and <see cref="RefusedRequest"/> returns the object to the caller.
/// </summary>
public sealed class RequestBatch
{
    /// <summary>Offset of nlmsg_flags; its low byte comes first, because .NET's platforms are little-endian.</summary>
    private const int FlagsOffset = 6;

    private readonly List<object> _operations = [];
    private int _last;

    /// <summary>Contains the bytes of the messages.</summary>
    public MessageWriter Writer { get; } = new();

    /// <summary>The operation of each message; its text is, for example, <c>add address 192.168.12.99/24 to net1</c>.</summary>
    public IReadOnlyList<object> Operations => _operations;

    /// <summary>The number of messages.</summary>
    public int Count => _operations.Count;

    /// <summary>
    /// Starts a message; the caller writes it and ends it with <see cref="MessageWriter.EndMessage"/>. Drops a previous message
    /// that an exception left incomplete.
    /// </summary>
    internal MessageWriter Begin(object operation, ushort type, ushort flags)
    {
        RollBack();
        _operations.Add(operation);
        _last = Writer.Written.Length;
        Writer.BeginMessage(type, flags);
        return Writer;
    }

    /// <summary>Drops the last message if it was not ended.</summary>
    public void RollBack()
    {
        if (Writer.RollBack())
        {
            _operations.RemoveAt(_operations.Count - 1);
        }
    }

    /// <summary>Sets NLM_F_ACK in the last message.</summary>
    internal void AcknowledgeLast() => Writer.Written[_last + FlagsOffset] |= (byte)NetlinkProtocol.NLM_F_ACK;
}
