using System.Text.Json;
using Cni;

namespace AgentProtocol;

/// <summary>The answer of the agent.</summary>
/// <param name="Code">The code of the CNI error; null: yes.</param>
/// <param name="Message">The message of the CNI error.</param>
internal sealed record PodAnswer(CniErrorCode? Code, string Message)
{
    public static PodAnswer Yes { get; } = new(null, "");

    /// <summary>Reads a line; null if it is no answer.</summary>
    public static PodAnswer? Read(ReadOnlyMemory<byte> line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            return root.ValueKind != JsonValueKind.Object ? null
                : !root.TryGetProperty("code", out JsonElement code) ? Yes
                : code.ValueKind == JsonValueKind.Number && code.TryGetInt32(out int number)
                    ? new PodAnswer((CniErrorCode)number, JsonText.OfMember(root, "msg") ?? "")
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The line, with its end.</summary>
    public byte[] ToLine() => JsonLines.Write(json =>
    {
        if (Code is CniErrorCode code)
        {
            json.WriteNumber("code", (int)code);
            json.WriteString("msg", Message);
        }
    });
}
