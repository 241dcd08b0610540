using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;

namespace Cni;

/// <summary>
/// The list of attachments in use, which the runtime sends for GC. Its key is <c>cni.dev/attachments</c> in the tag of
/// specification 1.1.0 and <c>cni.dev/valid-attachments</c> in its correction; the reference library sends both.
/// </summary>
internal static class ValidAttachmentsMember
{
    private static readonly string[] _keys = ["cni.dev/valid-attachments", "cni.dev/attachments"];

    /// <summary>
    /// Reads the union of both lists. Without a list no attachment is in use, because the reference library omits an empty
    /// list.
    /// </summary>
    /// <exception cref="CniException">Code 7: a list is invalid, so nothing may be removed.</exception>
    public static ImmutableArray<CniAttachment> Read(JsonElement config)
    {
        ImmutableArray<CniAttachment>.Builder attachments = ImmutableArray.CreateBuilder<CniAttachment>();
        foreach (string key in _keys)
        {
            if (config.TryGetProperty(key, out JsonElement list))
            {
                AddAll(key, list, attachments);
            }
        }

        return attachments.ToImmutable();
    }

    /// <summary>The configuration without the lists, for any command but GC.</summary>
    public static JsonElement Without(JsonElement config)
    {
        var rest = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(rest))
        {
            json.WriteStartObject();
            foreach (JsonProperty member in config.EnumerateObject().Where(member => !_keys.Contains(member.Name)))
            {
                member.WriteTo(json);
            }

            json.WriteEndObject();
        }

        return StrictJson.Parse(rest.WrittenMemory);
    }

    private static void AddAll(string key, JsonElement list, ImmutableArray<CniAttachment>.Builder attachments)
    {
        // Go writes null for an empty list.
        if (list.ValueKind == JsonValueKind.Null)
        {
            return;
        }

        if (list.ValueKind != JsonValueKind.Array)
        {
            throw Fault(key, "is not a list");
        }

        int index = 0;
        foreach (JsonElement item in list.EnumerateArray())
        {
            attachments.Add(
                JsonText.OfMember(item, "containerID") is string container && JsonText.OfMember(item, "ifname") is string interfaceName
                ? new CniAttachment(container, interfaceName)
                : throw Fault($"{key}[{index}]", "is not an object with the texts containerID and ifname"));
            index++;
        }
    }

    private static CniException Fault(string where, string reason) => new(CniErrorCode.InvalidConfig, $"{where} {reason}");
}
