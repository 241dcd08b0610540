using System.Text.Json;
using System.Text.Json.Serialization;
using EgressOperator.Heartbeats;

namespace EgressOperator.Hold;

/// <summary>What one pod of a pair tells the other. Only what answers a message of the receiver counts: a replay answers none.</summary>
/// <param name="Pod">The name of the sender.</param>
/// <param name="Process">A random number of the sender's process.</param>
/// <param name="Number">Grows with each message of the process.</param>
/// <param name="EchoProcess">The process of the receiver that sent the message which this one answers; 0 if none was heard.</param>
/// <param name="Echo">The number of that message.</param>
/// <param name="Asks">Whether the sender asks for a promise.</param>
/// <param name="Promises">Whether the sender promises not to take the addresses, as that message has asked.</param>
/// <param name="IsAble">Whether the sender can serve.</param>
/// <param name="IsHolding">Whether the sender holds the addresses.</param>
/// <param name="HasLease">Whether the sender's name is in the Lease.</param>
/// <param name="LeaseSeconds">How long the sender's Lease lasts, and so a promise to it.</param>
/// <param name="ServerAnswers">Whether the API server answers the sender, but has not let it renew.</param>
internal sealed record PairMessage(
    string Pod, long Process, long Number, long EchoProcess, long Echo, bool Asks, bool Promises, bool IsAble, bool IsHolding,
    bool HasLease, double LeaseSeconds, bool ServerAnswers)
{
    /// <summary>The longest datagram in bytes: more than any message has.</summary>
    public const int MaxLength = 1400;

    public byte[] Write(byte[] key) => SignedBytes.Write(key, JsonSerializer.SerializeToUtf8Bytes(this, PairJson.Default.PairMessage));

    /// <returns>Null if it is malformed, or not of a pod with the key.</returns>
    public static PairMessage? Read(ReadOnlySpan<byte> datagram, byte[] key)
    {
        if (datagram.Length > MaxLength || !SignedBytes.TryRead(key, datagram, out ReadOnlySpan<byte> json))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(json, PairJson.Default.PairMessage);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(PairMessage))]
internal sealed partial class PairJson : JsonSerializerContext;
