using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Cni;

namespace EgressOperator.Heartbeats;

/// <summary>What agents tell each other, in one UDP datagram.</summary>
/// <param name="Node">The sender.</param>
/// <param name="Incarnation">When the sender's process started: milliseconds of Unix time. A higher one replaces all lower ones.</param>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(Beat), "beat")]
[JsonDerivedType(typeof(HoldingsPart), "holdings")]
internal abstract record HeartbeatMessage(
    [property: JsonPropertyOrder(-2)] string Node, [property: JsonPropertyOrder(-1)] long Incarnation);

/// <summary>"I am here": goes to each peer at each interval.</summary>
/// <param name="Sequence">Milliseconds since the sender's start, so that an acknowledgement tells the sender when it was sent.</param>
/// <param name="Missing">
/// The egress nodes that the sender does not hear; as many as fit. Itself first if it is cut off: then it has given up its addresses.
/// </param>
/// <param name="Heard">What the sender has heard from the receiver, if anything.</param>
internal sealed record Beat(string Node, long Incarnation, long Sequence, string[] Missing, Heard? Heard)
    : HeartbeatMessage(Node, Incarnation);

/// <summary>An acknowledgement.</summary>
/// <param name="Incarnation">Of the receiver.</param>
/// <param name="Sequence">The receiver's newest beat; 0: the sender does not support the receiver now.</param>
/// <param name="Holdings">The version of the receiver's holdings that the sender has; 0: none.</param>
internal sealed record Heard(long Incarnation, long Sequence, long Holdings);

/// <summary>A part of the list of egress addresses that the sender holds.</summary>
/// <param name="Version">Grows with each change.</param>
/// <param name="Part">From 0.</param>
internal sealed record HoldingsPart(string Node, long Incarnation, long Version, int Part, int Parts, HeldAddress[] Addresses)
    : HeartbeatMessage(Node, Incarnation);

/// <summary>An egress address that a node holds.</summary>
/// <param name="From">The node from which it was taken by failover.</param>
internal sealed record HeldAddress([property: JsonConverter(typeof(AddressConverter))] IPAddress Address, string? From = null);

/// <summary>The form of the messages. Unknown members are ignored: versions may differ during an upgrade.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(HeartbeatMessage))]
internal sealed partial class HeartbeatJson : JsonSerializerContext;

/// <summary>Addresses as text, read as strictly as everywhere.</summary>
internal sealed class AddressConverter : JsonConverter<IPAddress>
{
    public override IPAddress Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && StrictAddress.Parse(reader.GetString()) is { IsIPv4MappedToIPv6: false } address
            ? address : throw new JsonException();

    public override void Write(Utf8JsonWriter writer, IPAddress value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}
