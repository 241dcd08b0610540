using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>Parses integers, which may be quoted.</summary>
internal static class NumberReader
{
    /// <summary>The number, or null if it is absent, empty or (with an error) invalid.</summary>
    public static int? Read(ObjectReader reader, string key, int least, int most, ConfigErrors errors)
    {
        if (reader.Value(key) is not JsonElement value)
        {
            return null;
        }

        JsonPath path = reader.PathOf(key);
        if (value.ValueKind != JsonValueKind.Number && JsonText.Of(value) is null)
        {
            errors.WrongKind(path, value, "number");
            return null;
        }

        string text = value.ValueKind == JsonValueKind.Number ? value.GetRawText() : JsonText.Of(value)!;
        if (text.Length == 0)
        {
            return null;
        }

        if (!TryParse(text, out int number))
        {
            errors.Add(path, text, "is not a whole number");
        }
        else if (number < least || number > most)
        {
            errors.Add(path, text, $"is outside {least}-{most}");
        }
        else
        {
            return number;
        }

        return null;
    }

    /// <summary>Parses ASCII digits only; a number too large for an int becomes <see cref="int.MaxValue"/>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out int number)
    {
        long sum = 0;
        foreach (char digit in text)
        {
            if (!char.IsAsciiDigit(digit))
            {
                number = 0;
                return false;
            }

            sum = Math.Min((sum * 10) + (digit - '0'), int.MaxValue);
        }

        number = (int)sum;
        return !text.IsEmpty;
    }
}
