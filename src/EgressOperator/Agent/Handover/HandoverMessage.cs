using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using EgressOperator.Heartbeats;
using Netlink.NetFilter;

namespace EgressOperator.Agent.Handover;

/// <summary>The connections of an egress address, for the node that holds it next.</summary>
/// <param name="IsOfHolder">
/// Whether the sender held the address, and so knows how it translated them. Else the pods run on the sender's node, and the ports are
/// those of the pods: right, unless the holder had to choose others.
/// </param>
internal sealed record HandoverMessage(
    [property: JsonConverter(typeof(AddressConverter))] IPAddress EgressIP, MovedConnection[] Connections, bool IsOfHolder)
{
    /// <summary>The message as bytes: JSON, after HMAC-SHA256 of the JSON if there is a key.</summary>
    public byte[] Write(byte[]? key) =>
        SignedBytes.Write(key, JsonSerializer.SerializeToUtf8Bytes(this, HandoverJson.Default.HandoverMessage));

    /// <returns>Null if it is malformed, or not of an agent with the key.</returns>
    public static HandoverMessage? Read(ReadOnlySpan<byte> bytes, byte[]? key)
    {
        if (!SignedBytes.TryRead(key, bytes, out ReadOnlySpan<byte> json))
        {
            return null;
        }

        try
        {
            HandoverMessage? message = JsonSerializer.Deserialize(json, HandoverJson.Default.HandoverMessage);
            return message?.Connections.All(connection => connection is not null) == true ? message : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>One connection.</summary>
/// <param name="Status">IPS_* bits.</param>
/// <param name="Seconds">How long the entry stays without packets.</param>
/// <param name="TcpState">enum tcp_conntrack; null for UDP.</param>
internal sealed record MovedConnection(MovedTuple Original, MovedTuple Reply, uint Status, uint Seconds, byte? TcpState = null)
{
    public static MovedConnection Of(ConntrackEntry entry) => new(
        MovedTuple.Of(entry.Original), MovedTuple.Of(entry.Reply), (uint)entry.Status, (uint)entry.Timeout.TotalSeconds, entry.TcpState);

    public ConntrackEntry ToEntry() => new(Original.ToTuple(), Reply.ToTuple(), Mark: 0)
    {
        Status = (ConntrackStatus)Status,
        Timeout = TimeSpan.FromSeconds(Seconds),
        TcpState = TcpState,
    };
}

/// <summary>One direction of a connection.</summary>
internal sealed record MovedTuple(
    [property: JsonConverter(typeof(AddressConverter))] IPAddress Source,
    [property: JsonConverter(typeof(AddressConverter))] IPAddress Destination,
    byte Protocol,
    ushort SourcePort,
    ushort DestinationPort)
{
    public static MovedTuple Of(ConntrackTuple tuple) =>
        new(tuple.Source, tuple.Destination, tuple.Protocol, tuple.SourcePort, tuple.DestinationPort);

    public ConntrackTuple ToTuple() => new(Source, Destination, Protocol, SourcePort, DestinationPort);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(HandoverMessage))]
internal sealed partial class HandoverJson : JsonSerializerContext;
