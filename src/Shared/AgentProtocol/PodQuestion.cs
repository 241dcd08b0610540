using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Cni;

namespace AgentProtocol;

/// <summary>What the CNI plugin asks the agent of its node: one line of JSON on the agent's socket, answered by one.</summary>
/// <param name="Command">ADD, CHECK, DEL or STATUS.</param>
/// <param name="Limit">How long the plugin waits for the answer.</param>
internal sealed record PodQuestion(CniCommand Command, TimeSpan Limit)
{
    public const string DefaultSocket = "/run/egress-router-cni/agent.sock";

    /// <summary>The longest line, in bytes.</summary>
    public const int LongestLine = 64 * 1024;

    /// <summary>The container ID of the pod's sandbox.</summary>
    public string Container { get; init; } = "";

    public string Namespace { get; init; } = "";

    public string Name { get; init; } = "";

    /// <summary>The UID by which the kubelet knows the pod; empty if the runtime does not tell it.</summary>
    public string Uid { get; init; } = "";

    /// <summary>The pod's addresses.</summary>
    public ImmutableArray<IPAddress> Addresses { get; init; } = [];

    /// <summary>Reads a line; null if it is no question.</summary>
    public static PodQuestion? Read(ReadOnlyMemory<byte> line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            CniCommand? command = JsonText.OfMember(root, "command") switch
            {
                "ADD" => CniCommand.Add,
                "CHECK" => CniCommand.Check,
                "DEL" => CniCommand.Delete,
                "STATUS" => CniCommand.Status,
                _ => null,
            };
            return command is CniCommand known && MillisecondsOf(root) is int limit
                && AddressesOf(root) is ImmutableArray<IPAddress> addresses
                ? new PodQuestion(known, TimeSpan.FromMilliseconds(limit))
                {
                    Container = JsonText.OfMember(root, "container") ?? "",
                    Namespace = JsonText.OfMember(root, "namespace") ?? "",
                    Name = JsonText.OfMember(root, "name") ?? "",
                    Uid = JsonText.OfMember(root, "uid") ?? "",
                    Addresses = addresses,
                }
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
        json.WriteString("command", Command.Text());
        json.WriteNumber("timeout", (int)Limit.TotalMilliseconds);
        json.WriteString("container", Container);
        json.WriteString("namespace", Namespace);
        json.WriteString("name", Name);
        json.WriteString("uid", Uid);
        json.WriteStartArray("addresses");
        foreach (IPAddress address in Addresses)
        {
            json.WriteStringValue(address.ToString());
        }

        json.WriteEndArray();
    });

    private static int? MillisecondsOf(JsonElement root) =>
        root.TryGetProperty("timeout", out JsonElement limit) && limit.ValueKind == JsonValueKind.Number
        && limit.TryGetInt32(out int milliseconds) && milliseconds > 0 ? milliseconds : null;

    private static ImmutableArray<IPAddress>? AddressesOf(JsonElement root)
    {
        if (!root.TryGetProperty("addresses", out JsonElement list) || list.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        IPAddress?[] addresses = [.. list.EnumerateArray().Select(item => StrictAddress.Parse(JsonText.Of(item)))];
        return addresses.Contains(null) ? null : [.. addresses.OfType<IPAddress>()];
    }
}
