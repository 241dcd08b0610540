using System.Collections.Immutable;
using System.Text.Json;

namespace Cni;

/// <summary>
/// The attachments that are in use, as a runtime lists them for GC. The tag of specification 1.1.0 names the key
/// <c>cni.dev/attachments</c>, its correction <c>cni.dev/valid-attachments</c>; the reference library sends both.
/// </summary>
internal static class AttachmentList
{
    private static readonly string[] _keys = ["cni.dev/valid-attachments", "cni.dev/attachments"];

    /// <summary>All that either list names: what one of them keeps is kept.</summary>
    /// <exception cref="CniException">
    /// Code 7: there is no list, or one that is not understood. Nothing is removed then: a list that was lost on the way
    /// is not one that says that nothing is in use.
    /// </exception>
    public static ImmutableArray<CniAttachment> Read(JsonElement config)
    {
        ImmutableArray<CniAttachment>.Builder attachments = ImmutableArray.CreateBuilder<CniAttachment>();
        bool isThere = false;
        foreach (string key in _keys)
        {
            if (config.TryGetProperty(key, out JsonElement list))
            {
                isThere = true;
                AddAll(key, list, attachments);
            }
        }

        return isThere ? attachments.ToImmutable() : throw Fault(_keys[0], "is missing");
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
            attachments.Add(TextOf(item, "containerID") is string container && TextOf(item, "ifname") is string interfaceName
                ? new CniAttachment(container, interfaceName)
                : throw Fault($"{key}[{index}]", "is not an object with the texts containerID and ifname"));
            index++;
        }
    }

    private static string? TextOf(JsonElement item, string key) =>
        item.ValueKind == JsonValueKind.Object && item.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private static CniException Fault(string where, string reason) => new(CniErrorCode.InvalidConfig, $"{where} {reason}");
}
