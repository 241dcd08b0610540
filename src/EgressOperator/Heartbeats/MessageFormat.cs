using System.Text.Json;

namespace EgressOperator.Heartbeats;

/// <summary>Messages as bytes: JSON, after HMAC-SHA256 of the JSON if there is a key.</summary>
/// <param name="key">The key that all agents have, or null.</param>
internal sealed class MessageFormat(byte[]? key)
{
    /// <summary>The longest datagram in bytes: it fits every network without fragments.</summary>
    public const int MaxLength = 1400;

    /// <summary>The most addresses in one part.</summary>
    public const int MaxAddresses = 64;

    /// <summary>The most parts of one node's holdings: 10,000 addresses and more.</summary>
    public const int MaxParts = 1024;

    /// <summary>The longest name of a node (DNS subdomain).</summary>
    public const int MaxName = 253;

    /// <summary>Of incarnations, sequences and versions: 2 to the 52nd.</summary>
    private const long HighestNumber = 1L << 52;

    /// <summary>More than what a message has besides names and addresses.</summary>
    private const int Fixed = 250;

    public byte[] Write(HeartbeatMessage message) =>
        SignedBytes.Write(key, JsonSerializer.SerializeToUtf8Bytes(message, HeartbeatJson.Default.HeartbeatMessage));

    /// <returns>Why it cannot be read; null if <paramref name="message"/> is valid by itself.</returns>
    public DropReason? Read(ReadOnlySpan<byte> datagram, out HeartbeatMessage? message)
    {
        message = null;
        if (datagram.Length > MaxLength)
        {
            return DropReason.Oversized;
        }

        if (!SignedBytes.TryRead(key, datagram, out ReadOnlySpan<byte> json))
        {
            return DropReason.WrongMac;
        }

        try
        {
            message = JsonSerializer.Deserialize(json, HeartbeatJson.Default.HeartbeatMessage);
        }
        catch (Exception fault) when (fault is JsonException or NotSupportedException)
        {
            // NotSupportedException: there is no "kind".
        }

        message = message is not null && IsValid(message) ? message : null;
        return message is null ? DropReason.Malformed : null;
    }

    /// <summary>The first of the names, as many as fit a beat.</summary>
    public static string[] NamesThatFit(string sender, IEnumerable<string> names)
    {
        int left = MaxLength - SignedBytes.MacLength - Fixed - sender.Length;
        return [.. names.TakeWhile(name => (left -= name.Length + 3) >= 0)];
    }

    /// <summary>Cuts holdings into parts that fit a datagram; at least one.</summary>
    /// <exception cref="ArgumentException">They are more than <see cref="MaxParts"/>.</exception>
    public static HeldAddress[][] Parts(string sender, IEnumerable<HeldAddress> addresses)
    {
        List<List<HeldAddress>> parts = [[]];
        int room = MaxLength - SignedBytes.MacLength - Fixed - sender.Length;
        int left = room;
        foreach (HeldAddress held in addresses)
        {
            int length = """{"address":"","from":""},""".Length + held.Address.ToString().Length + (held.From?.Length ?? 0);
            if (left < length || parts[^1].Count == MaxAddresses)
            {
                parts.Add([]);
                left = room;
            }

            parts[^1].Add(held);
            left -= length;
        }

        return parts.Count <= MaxParts
            ? [.. parts.Select(part => part.ToArray())]
            : throw new ArgumentException("too many addresses", nameof(addresses));
    }

    private static bool IsValid(HeartbeatMessage message) => IsName(message.Node) && IsNumber(message.Incarnation, 1) && message switch
    {
        Beat beat => IsNumber(beat.Sequence, 1) && beat.Missing is not null && beat.Missing.All(IsName)
            && (beat.Heard is null || (IsNumber(beat.Heard.Incarnation, 1) && beat.Heard.Incarnation < HighestNumber
                && IsNumber(beat.Heard.Sequence, 0) && IsNumber(beat.Heard.Holdings, 0))),
        HoldingsPart part => IsNumber(part.Version, 1) && part.Parts is > 0 and <= MaxParts && part.Part >= 0 && part.Part < part.Parts
            && part.Addresses is { Length: <= MaxAddresses }
            && part.Addresses.All(held => held?.Address is not null && (held.From is null || IsName(held.From))),
        _ => false,
    };

    /// <summary>No node gets higher: a message that says so would make all later ones old.</summary>
    private static bool IsNumber(long number, long least) => number >= least && number <= HighestNumber;

    private static bool IsName(string? name) => name is { Length: > 0 and <= MaxName };
}
