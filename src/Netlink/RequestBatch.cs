using Netlink.Wire;

namespace Netlink;

/// <summary>Messages to be sent in one send, each with what it does in words, for its error.</summary>
public sealed class RequestBatch
{
    private readonly List<string> _operations = [];

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
        Writer.BeginMessage(type, flags);
        return Writer;
    }
}
