using System.Collections.Immutable;
using System.Globalization;
using System.Net;

namespace EgressRouter.Tools.Audit;

/// <summary>What has lines.</summary>
internal enum AuditMode
{
    /// <summary>Nothing.</summary>
    Off,

    /// <summary>The end of each connection.</summary>
    End,

    /// <summary>Its start too.</summary>
    Both,
}

/// <summary>Reads values of options.</summary>
internal static class AuditOptions
{
    /// <summary>The kernel tells of the ends of many seconds at once.</summary>
    public const int DefaultRate = 100_000;

    public const string RateHelp = "The most lines in a second. A line of its own counts those that are missing.";

    public const string FileSizeHelp = "Where the file would be longer, it becomes PATH.1, and a new one begins.";

    public const int MostRate = 1_000_000;

    public const int DefaultMebibytes = 100;

    public const int MostMebibytes = 1024 * 1024;

    private static readonly (string Format, TimeSpan Width)[] _times =
    [
        ("yyyy-MM-dd'T'HH:mmK", TimeSpan.FromMinutes(1)),
        ("yyyy-MM-dd'T'HH:mm:ssK", TimeSpan.FromSeconds(1)),
        ("yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", TimeSpan.FromMilliseconds(1)),
    ];

    /// <summary>Names of labels, separated by commas.</summary>
    public static ImmutableArray<string> ReadLabels(string? text) =>
        [.. (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct()];

    /// <summary>Reads a time in RFC 3339. Of one without seconds, the whole minute is meant.</summary>
    /// <exception cref="UsageException">It is none, or has no zone.</exception>
    public static (DateTimeOffset From, DateTimeOffset To) ReadTime(string text)
    {
        bool hasZone = text.EndsWith('Z') || text is [.., '+' or '-', _, _, ':', _, _];
        foreach ((string format, TimeSpan width) in _times)
        {
            if (hasZone && DateTimeOffset.TryParseExact(
                text, format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset from)
                && from <= DateTimeOffset.MaxValue - width)
            {
                return (from, from + width);
            }
        }

        throw new UsageException($"--at {text}: it must be a time with its zone, such as 2026-11-27T12:03Z or 2026-11-27T13:03:04+01:00");
    }

    /// <exception cref="UsageException">There is no such protocol.</exception>
    public static byte? ReadProtocol(string? text) => text is null ? null
        : AuditProtocol.Number(text)
            ?? throw new UsageException($"--protocol {text}: it must be tcp, udp, sctp, icmp, icmpv6 or a number up to 255");

    /// <exception cref="UsageException">It is no address.</exception>
    public static IPAddress ReadAddress(string text) => Cni.StrictAddress.Parse(text)
        ?? throw new UsageException($"--address {text}: it must be an IP address");
}
