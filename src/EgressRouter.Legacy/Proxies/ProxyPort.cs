using System.Diagnostics.CodeAnalysis;
using Cni;
using EgressRouter.Config;

namespace EgressRouter.Legacy;

/// <summary>Parses ports of the proxies' lists.</summary>
internal static class ProxyPort
{
    /// <summary>Parses a port; the reason of a failure is the legacy images' message.</summary>
    public static bool TryParse(string text, out ushort port, [NotNullWhen(false)] out string? reason)
    {
        bool isPort = NumberReader.TryParse(text, out int value) && value is >= 1 and <= ushort.MaxValue;
        port = isPort ? (ushort)value : (ushort)0;
        reason = isPort ? null : $"Invalid port: {SafeText.Part(text)}, must be in the range 1 to 65535";
        return isPort;
    }
}
