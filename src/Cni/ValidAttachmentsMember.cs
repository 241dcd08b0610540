using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;

namespace Cni;

/// <summary>
/// The attachments that are in use, as a runtime lists them for GC. The tag of specification 1.1.0 names the key
/// <c>cni.dev/attachments</c>, its correction <c>cni.dev/valid-attachments</c>; the reference library sends both.
/// </summary>
internal static class ValidAttachmentsMember
{
    private static readonly string[] _keys = ["cni.dev/valid-attachments", "cni.dev/attachments"];

    /// <summary>
    /// All that either list names: what one of them keeps is kept. Without a list nothing is in use: the reference library
    /// leaves out the key of an empty one.
    /// </summary>
    /// <exception cref="CniException">Code 7: a list is not understood. Nothing is removed then.</exception>
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

    /// <summary>The configuration without the lists, as every command but GC gets it.</summary>
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

        return ConfigText.Parse(rest.WrittenMemory);
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
