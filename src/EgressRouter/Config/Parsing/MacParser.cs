using System.Text.Json;
using Netlink;
using Netlink.Routing;

namespace EgressRouter.Config;

/// <summary>Parses <c>interfaceArgs.mac</c>, and the runtime's request that replaces it.</summary>
internal static class MacParser
{
    private const string Key = "mac";
    public const string Path = $"{InterfaceParser.Key}.{Key}";

    /// <summary>The address, or whether to derive a stable one from the egress address. If neither, the kernel chooses.</summary>
    public static (MacAddress? Mac, bool IsStable) Read(ObjectReader config, LinkKind kind, RuntimeRequest requested, ConfigErrors errors)
    {
        // Any other JSON type is reported by InterfaceParser.
        string? written = config.Value(InterfaceParser.Key) is { ValueKind: JsonValueKind.Object }
            ? config.Object(InterfaceParser.Key)!.Setting(Key)
            : null;
        if (!kind.HasOwnHardwareAddress
            && (requested.Mac ?? (written is null ? null : new RequestedValue(Path, written))) is RequestedValue any)
        {
            errors.Add(any.Path, any.Text, $"{kind.WithArticle} has the hardware address of its parent, and no other");
            return (null, false);
        }

        bool isStable = written == "stable";
        MacAddress? mac = written is null || isStable ? null : Parse(new RequestedValue(Path, written), errors);
        return requested.Mac is RequestedValue asked ? (Parse(asked, errors), false) : (mac, isStable);
    }

    private static MacAddress? Parse(RequestedValue text, ConfigErrors errors)
    {
        // Windows tools and some switches print dashes.
        MacAddress? mac = MacAddress.TryParse(text.Text.Contains(':', StringComparison.Ordinal) ? text.Text : text.Text.Replace('-', ':'));
        string? reason = mac is MacAddress address ? WhyNot(address) : "is not a hardware address of six bytes, such as 02:00:5e:10:00:01";
        if (reason is not null)
        {
            errors.Add(text.Path, text.Text, text.Path == Path ? $"is not \"stable\", and {reason}" : reason);
        }

        return reason is null ? mac : null;
    }

    private static string? WhyNot(MacAddress address)
    {
        Span<byte> bytes = stackalloc byte[MacAddress.Length];
        address.CopyTo(bytes);
        return !bytes.ContainsAnyExcept((byte)0) ? "no link can have it"
            : (bytes[0] & 1) != 0 ? "is a group address, which no link can have"
            : null;
    }
}
