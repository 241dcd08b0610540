using System.Security.Cryptography;

namespace EgressOperator.Heartbeats;

/// <summary>What programs of one cluster say to each other: bytes, after their HMAC-SHA256 if there is a key.</summary>
internal static class SignedBytes
{
    /// <summary>What a key adds to the length.</summary>
    public const int MacLength = HMACSHA256.HashSizeInBytes;

    public static byte[] Write(byte[]? key, byte[] content) => key is null ? content : [.. HMACSHA256.HashData(key, content), .. content];

    /// <returns>Whether they are of somebody with the key.</returns>
    public static bool TryRead(byte[]? key, ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> content)
    {
        if (key is null)
        {
            content = bytes;
            return true;
        }

        content = bytes.Length > MacLength ? bytes[MacLength..] : default;
        Span<byte> mac = stackalloc byte[MacLength];
        return bytes.Length > MacLength
            && HMACSHA256.HashData(key, content, mac) == MacLength
            && CryptographicOperations.FixedTimeEquals(mac, bytes[..MacLength]);
    }
}
