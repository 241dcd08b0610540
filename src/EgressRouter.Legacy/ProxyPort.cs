using System.Diagnostics.CodeAnalysis;
using Cni;
using EgressRouter.Config;

namespace EgressRouter.Legacy;

/// <summary>Ports as the proxies' lists have them.</summary>
internal static class ProxyPort
{
    /// <summary>Reads a port, or says in the legacy images' words why it is none.</summary>
    public static bool TryParse(string text, out ushort port, [NotNullWhen(false)] out string? reason)
    {
        bool isPort = NumberReader.TryParse(text, out int value) && value is >= 1 and <= ushort.MaxValue;
        port = isPort ? (ushort)value : (ushort)0;
        reason = isPort ? null : $"Invalid port: {SafeText.Part(text)}, must be in the range 1 to 65535";
        return isPort;
    }
}
