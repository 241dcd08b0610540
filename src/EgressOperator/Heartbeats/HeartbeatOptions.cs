using EgressRouter.Tools;
using Netlink;

namespace EgressOperator.Heartbeats;

/// <summary>The settings of <see cref="HeartbeatService"/>.</summary>
/// <param name="Node">This node's name.</param>
internal sealed record HeartbeatOptions(string Node)
{
    /// <summary>The UDP port of all agents, unless set.</summary>
    public const int DefaultPort = 4792;

    private const int ShortestKey = 16;

    private const int LongestKey = 4096;

    public int Port { get; init; } = DefaultPort;

    public HeartbeatTiming Timing { get; init; } = HeartbeatTiming.Default;

    /// <summary>The key of all agents; null: messages are not authenticated.</summary>
    public byte[]? Key { get; init; }

    /// <summary>The network namespace of the sockets; null: that of the process.</summary>
    public NetNamespace? Space { get; init; }

    /// <summary>Reads a key: the bytes of the file as they are.</summary>
    /// <exception cref="UsageException">The file cannot be read, or has fewer than 16 or more than 4096 bytes.</exception>
    public static byte[] ReadKey(string file)
    {
        try
        {
            using Stream stream = File.OpenRead(file);
            var bytes = new byte[LongestKey + 1];
            int length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return length is >= ShortestKey and <= LongestKey
                ? bytes[..length]
                : throw new UsageException($"{file}: a key has {ShortestKey} to {LongestKey} bytes");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UsageException($"{file}: {unreadable.Message}");
        }
    }
}
