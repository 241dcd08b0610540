using Netlink.Wire;

namespace Netlink;

/// <summary>
/// A question to the kernel: for one object, or for a list (a dump). Several go out in one send; of lists a socket
/// answers one at a time, so that a list is the last of them.
/// </summary>
internal sealed class NetlinkRequest
{
    private NetlinkRequest(string operation, ListHandler handler)
    {
        Operation = operation;
        Handler = handler;
    }

    /// <summary>What is being asked for, for errors.</summary>
    public string Operation { get; }

    /// <summary>The one message of the question; its sequence number is filled in when it is sent.</summary>
    public MessageWriter Request { get; } = new(64);

    /// <summary>Called for each object of the answer; whether anything of it is kept.</summary>
    public ListHandler Handler { get; }

    /// <summary>For a list: called before each attempt, to forget what was read. Null for one object.</summary>
    public Action? Restart { get; private init; }

    /// <summary>The error numbers by which the kernel says that there is no such object.</summary>
    public int[] Absent { get; private init; } = [];

    /// <summary>Whether there was an object; true for a list.</summary>
    public bool IsFound { get; set; } = true;

    /// <summary>A question for one object.</summary>
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

    /// <summary>A question for a list.</summary>
    public static NetlinkRequest Dump(string operation, Action restart, ListHandler handler) =>
        new(operation, handler) { Restart = restart };
}

/// <summary>Reads one message of a list; what it cannot use it skips.</summary>
/// <returns>Whether anything of it is kept.</returns>
internal delegate bool ListHandler(Message message);
