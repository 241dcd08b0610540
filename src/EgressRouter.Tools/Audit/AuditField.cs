using System.Globalization;
using System.Text.Json;

namespace EgressRouter.Tools.Audit;

/// <summary>The names of the fields of a line, and words that are values of them.</summary>
internal static class AuditField
{
    public const string Time = "time";
    public const string Event = "event";
    public const string Start = "start";
    public const string End = "end";
    public const string Lost = "lost";
    public const string On = "on";
    public const string Off = "off";
    public const string Reason = "reason";
    public const string Count = "count";
    public const string Node = "node";
    public const string Namespace = "namespace";
    public const string Pod = "pod";
    public const string Labels = "labels";
    public const string Protocol = "protocol";
    public const string Client = "client";
    public const string Destination = "destination";
    public const string Server = "server";
    public const string EgressIP = "egressIP";
    public const string Sent = "sent";
    public const string Received = "received";
    public const string Packets = "Packets";
    public const string Bytes = "Bytes";

    /// <summary>The field with the port beside the one with the address.</summary>
    public static string PortOf(string name) => name switch
    {
        Client => "clientPort",
        Destination => "destinationPort",
        Server => "serverPort",
        _ => "egressPort",
    };

    public static void WriteUnlessNull(Utf8JsonWriter json, string name, string? text)
    {
        if (text is not null)
        {
            json.WriteString(name, text);
        }
    }

    public static string? TextOf(JsonElement line, string name) =>
        line.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public static ulong? NumberOf(JsonElement line, string name) =>
        line.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number
        && value.TryGetUInt64(out ulong number) ? number : null;
}

/// <summary>Names of transport protocols. Others are their numbers.</summary>
internal static class AuditProtocol
{
    private static readonly (byte Number, string Name)[] _known =
        [(6, "tcp"), (17, "udp"), (132, "sctp"), (1, "icmp"), (58, "icmpv6"), (33, "dccp"), (136, "udplite"), (47, "gre")];

    public static string Name(byte protocol) =>
        Array.Find(_known, one => one.Number == protocol).Name ?? protocol.ToString(CultureInfo.InvariantCulture);

    /// <summary>The number of a protocol; null: there is none of that name.</summary>
    public static byte? Number(string? name) =>
        Array.Find(_known, one => one.Name == name) is { Name: not null } known ? known.Number
        : byte.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out byte number) ? number : null;
}

/// <summary>Times in lines: RFC 3339, milliseconds, UTC.</summary>
internal static class AuditTime
{
    public static string Text(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    public static DateTimeOffset? Of(JsonElement line, string name) =>
        line.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
        && value.TryGetDateTimeOffset(out DateTimeOffset time) ? time : null;
}
