using Netlink.Wire;

namespace Netlink;

/// <summary>
/// A request for one object or for a dump. One send can carry several requests; a socket serves one dump at a time, so a dump
/// must come last.
/// </summary>
internal sealed class NetlinkRequest
{
    private NetlinkRequest(string operation, ListHandler handler)
    {
        Operation = operation;
        Handler = handler;
    }

    /// <summary>Names the request in an error.</summary>
    public string Operation { get; }

    /// <summary>The request's only message; the socket sets its sequence number.</summary>
    public MessageWriter Request { get; } = new(64);

    /// <summary>Called for each object of the answer.</summary>
    public ListHandler Handler { get; }

    /// <summary>For a dump: called before each attempt, to discard what was read. Null for one object.</summary>
    public Action? Restart { get; private init; }

    /// <summary>The error numbers that mean that the object does not exist.</summary>
    public int[] Absent { get; private init; } = [];

    /// <summary>Whether the object exists; true for a dump.</summary>
    public bool IsFound { get; set; } = true;

    public static NetlinkRequest Get(string operation, int[] absent, MessageHandler handler) => new(
        operation,
        message =>
        {
            handler(message);
            return true;
        })
    {
        Absent = absent,
    };

    public static NetlinkRequest Dump(string operation, Action restart, ListHandler handler) =>
        new(operation, handler) { Restart = restart };
}

/// <summary>Handles one message of an answer; ignores messages that it does not use.</summary>
/// <returns>Whether data from the message is kept, so that it counts against the <see cref="ReadBudget"/>.</returns>
internal delegate bool ListHandler(Message message);
