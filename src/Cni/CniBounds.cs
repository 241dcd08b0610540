namespace Cni;

/// <summary>Limits on the input from runtimes and other plugins.</summary>
public static class CniBounds
{
    /// <summary>Maximum bytes of the JSON on stdin, and maximum characters of an IPAM plugin's output.</summary>
    public const int TextBytes = StrictJson.MaxBytes;

    /// <summary>Maximum nesting of objects and arrays.</summary>
    public const int Depth = StrictJson.MaxDepth;

    /// <summary>Maximum entries of each list in a result: interfaces, addresses, routes and DNS lists.</summary>
    public const int ResultEntries = 10_000;
}
