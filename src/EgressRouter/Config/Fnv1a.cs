namespace EgressRouter.Config;

/// <summary>The FNV-1a hash of 32 bits: short, and the same everywhere. No secret may depend on it.</summary>
internal static class Fnv1a
{
    /// <summary>The hash of bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        uint hash = 2166136261;
        foreach (byte octet in bytes)
        {
            hash = unchecked((hash ^ octet) * 16777619);
        }

        return hash;
    }
}
