using System.Globalization;
using System.Text;
using Netlink.Wire;
using Shared;

namespace Netlink.Tests;

/// <summary>Messages of ip(8) and nft(8), captured by scripts/capture-netlink.py into testdata/netlink.</summary>
internal static class CapturedBytes
{
    /// <summary>Returns a file's messages, concatenated as in a datagram.</summary>
    public static byte[] Read(string name) => Convert.FromHexString(string.Concat(
        File.ReadLines(Repository.PathOf("testdata", "netlink", $"{name}.txt")).Where(line => !line.StartsWith('#'))));

    /// <summary>Formats each message as a hexadecimal line, so that a failure shows which one differs.</summary>
    public static string Text(ReadOnlySpan<byte> messages)
    {
        var text = new StringBuilder();
        var reader = new MessageReader(messages);
        while (reader.Next(out Message message))
        {
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"type {message.Type:x4} flags {message.Flags:x4} {Convert.ToHexStringLower(message.Payload)}");
        }

        return text.ToString();
    }
}
