using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Netlink.NetFilter;

namespace EgressRouter.Tools.Audit;

/// <summary>The pod that has a connection.</summary>
/// <param name="Labels">Those that were asked for, in that order.</param>
internal sealed record AuditPod(string Namespace, string Name, ImmutableArray<(string Key, string Value)> Labels);

/// <summary>A line of the audit log: a connection that begins or ends. docs/audit.md describes each field.</summary>
/// <param name="IsEnd">Whether it ends.</param>
/// <param name="Time">When that was.</param>
/// <param name="Start">When it began; null: the kernel has not kept that.</param>
/// <param name="Node">The node that translates it; null: unknown.</param>
/// <param name="Pod">The client's pod, or the router's; null: unknown.</param>
/// <param name="Original">From the client to where it has connected.</param>
/// <param name="Reply">From the server to the egress address.</param>
/// <param name="Sent">What the client has sent; null: not counted.</param>
/// <param name="Received">What the server has sent; null: not counted.</param>
internal sealed record AuditRecord(
    bool IsEnd, DateTimeOffset Time, DateTimeOffset? Start, string? Node, AuditPod? Pod, ConntrackTuple Original, ConntrackTuple Reply,
    Counted? Sent, Counted? Received)
{
    /// <summary>A connection of which the kernel has just told.</summary>
    public static AuditRecord Of(ConnectionChange change, DateTimeOffset now, string? node, AuditPod? pod)
    {
        ConntrackEntry connection = change.Connection;
        bool isEnd = change.Event == ConnectionEvent.Ended;
        // Each connection has sent a packet, so none means that the kernel does not count.
        bool isCounted = isEnd && connection.OriginalCounted.Packets > 0;
        return new AuditRecord(
            isEnd, (isEnd ? connection.Ended : connection.Started) ?? now, isEnd ? connection.Started : null, node, pod,
            connection.Original, connection.Reply,
            isCounted ? connection.OriginalCounted : null, isCounted ? connection.ReplyCounted : null);
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteString(AuditField.Time, AuditTime.Text(Time));
        json.WriteString(AuditField.Event, IsEnd ? AuditField.End : AuditField.Start);
        if (Start is DateTimeOffset start)
        {
            json.WriteString(AuditField.Start, AuditTime.Text(start));
        }

        AuditField.WriteUnlessNull(json, AuditField.Node, Node);
        WritePod(json);
        json.WriteString(AuditField.Protocol, AuditProtocol.Name(Original.Protocol));
        WriteEnd(json, AuditField.Client, Original.Source, Original.SourcePort);
        WriteEnd(json, AuditField.Destination, Original.Destination, Original.DestinationPort);
        WriteEnd(json, AuditField.Server, Reply.Source, Reply.SourcePort);
        WriteEnd(json, AuditField.EgressIP, Reply.Destination, Reply.DestinationPort);
        WriteCounted(json, AuditField.Sent, Sent);
        WriteCounted(json, AuditField.Received, Received);
    }

    /// <summary>Reads what <see cref="Write"/> has written; null: it is none, or not whole.</summary>
    public static AuditRecord? Read(JsonElement line)
    {
        bool isEnd = AuditField.TextOf(line, AuditField.Event) == AuditField.End;
        if (AuditTime.Of(line, AuditField.Time) is not DateTimeOffset time
            || AuditProtocol.Number(AuditField.TextOf(line, AuditField.Protocol)) is not byte protocol
            || ReadEnd(line, AuditField.Client) is not var (client, clientPort)
            || ReadEnd(line, AuditField.Destination) is not var (destination, destinationPort)
            || ReadEnd(line, AuditField.Server) is not var (server, serverPort)
            || ReadEnd(line, AuditField.EgressIP) is not var (egress, egressPort))
        {
            return null;
        }

        return new AuditRecord(
            isEnd, time, AuditTime.Of(line, AuditField.Start), AuditField.TextOf(line, AuditField.Node), ReadPod(line),
            new ConntrackTuple(client, destination, protocol, clientPort, destinationPort),
            new ConntrackTuple(server, egress, protocol, serverPort, egressPort),
            ReadCounted(line, AuditField.Sent), ReadCounted(line, AuditField.Received));
    }

    private void WritePod(Utf8JsonWriter json)
    {
        if (Pod is null)
        {
            return;
        }

        json.WriteString(AuditField.Namespace, Pod.Namespace);
        json.WriteString(AuditField.Pod, Pod.Name);
        if (!Pod.Labels.IsEmpty)
        {
            json.WriteStartObject(AuditField.Labels);
            foreach ((string key, string value) in Pod.Labels)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
        }
    }

    private static AuditPod? ReadPod(JsonElement line) =>
        AuditField.TextOf(line, AuditField.Pod) is not string name ? null : new AuditPod(
            AuditField.TextOf(line, AuditField.Namespace) ?? "", name,
            line.TryGetProperty(AuditField.Labels, out JsonElement labels) && labels.ValueKind == JsonValueKind.Object
                ? [.. labels.EnumerateObject().Select(label => (label.Name, label.Value.ToString()))] : []);

    private static void WriteEnd(Utf8JsonWriter json, string name, IPAddress address, ushort port)
    {
        json.WriteString(name, address.ToString());
        if (port > 0)
        {
            json.WriteNumber(AuditField.PortOf(name), port);
        }
    }

    private static (IPAddress Address, ushort Port)? ReadEnd(JsonElement line, string name) =>
        IPAddress.TryParse(AuditField.TextOf(line, name), out IPAddress? address)
            ? (address, (ushort)(AuditField.NumberOf(line, AuditField.PortOf(name)) ?? 0)) : null;

    private static void WriteCounted(Utf8JsonWriter json, string name, Counted? counted)
    {
        if (counted is Counted known)
        {
            json.WriteNumber(name + AuditField.Packets, known.Packets);
            json.WriteNumber(name + AuditField.Bytes, known.Bytes);
        }
    }

    private static Counted? ReadCounted(JsonElement line, string name) =>
        AuditField.NumberOf(line, name + AuditField.Packets) is ulong packets
        && AuditField.NumberOf(line, name + AuditField.Bytes) is ulong bytes
            ? new Counted(packets, bytes) : null;
}
