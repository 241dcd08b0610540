using System.Text.Json;

namespace EgressRouter.Config;

/// <summary>Reads whole numbers, which may stand in quotes.</summary>
internal static class NumberReader
{
    /// <summary>The number; null when it is absent, empty or, with a fault, something else.</summary>
    public static int? Read(ObjectReader reader, string key, int least, int most, FaultList faults)
    {
        if (reader.Value(key) is not JsonElement value)
        {
            return null;
        }

        JsonPath path = reader.PathOf(key);
        if (value.ValueKind != JsonValueKind.Number && JsonText.Of(value) is null)
        {
            faults.WrongKind(path, value, "a number");
            return null;
        }

        string text = value.ValueKind == JsonValueKind.Number ? value.GetRawText() : JsonText.Of(value)!;
        if (text.Length == 0)
        {
            return null;
        }

        if (!DecimalText.TryParse(text, out int number))
        {
            faults.Fault(path, text, "is not a whole number");
        }
        else if (number < least || number > most)
        {
            faults.Fault(path, text, $"is outside {least}-{most}");
        }
        else
        {
            return number;
        }

        return null;
    }
}
