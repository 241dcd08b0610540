namespace Cni;

/// <summary>What a runtime and other plugins may hand over.</summary>
public static class CniBounds
{
    /// <summary>The JSON on stdin, and what an IPAM plugin prints.</summary>
    public const int TextBytes = ConfigText.MaxBytes;

    /// <summary>Objects and lists within each other.</summary>
    public const int Depth = ConfigText.MaxDepth;

    /// <summary>The interfaces, addresses, routes or names that one result lists.</summary>
    public const int ResultEntries = 10_000;
}
