using System.Globalization;
using EgressOperator.Objects;

namespace EgressOperator.Controller;

/// <summary>Fields of conditions, as all kinds have them.</summary>
internal static class ConditionFields
{
    private const int MaxMessage = 32_000;

    /// <summary>A time, as the API has it (RFC 3339).</summary>
    public static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>When the status of a condition changed last; the epoch if it does not tell.</summary>
    public static DateTimeOffset Since(Field condition) => DateTimeOffset.TryParse(
        condition["lastTransitionTime"].Text(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset since)
        ? since : DateTimeOffset.UnixEpoch;

    /// <summary>As much of a message as the CustomResourceDefinitions allow.</summary>
    public static string Shortened(string message) => message.Length <= MaxMessage ? message
        : message[..(char.IsHighSurrogate(message[MaxMessage - 1]) ? MaxMessage - 1 : MaxMessage)] + "...";
}
