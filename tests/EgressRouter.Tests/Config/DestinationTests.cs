using System.Net;
using EgressRouter.Config;

namespace EgressRouter.Tests.Config;

public class DestinationTests
{
    public static TheoryData<string, string> Valid => DestinationTable.Read("valid.txt");

    public static TheoryData<string, string> Invalid => DestinationTable.Read("invalid.txt");

    [Theory]
    [MemberData(nameof(Valid))]
    public void A_valid_text_has_one_canonical_form(string text, string canonical)
    {
        Assert.True(Destination.TryParse(DestinationTable.Unescape(text), out Destination? destination, out string? reason), reason);
        Assert.Equal(canonical, destination.ToString());
        Assert.Null(reason);
    }

    [Theory]
    [MemberData(nameof(Invalid))]
    public void An_invalid_text_has_a_reason(string text, string expected)
    {
        Assert.False(Destination.TryParse(DestinationTable.Unescape(text), out Destination? destination, out string? reason));
        Assert.Equal(expected, reason);
        Assert.Null(destination);
    }

    [Fact]
    public void The_fields_arrive_in_their_places()
    {
        Assert.True(Destination.TryParse("8080 udp 203.0.113.26/30 80", out Destination? destination, out _));
        Assert.Equal(new PortDestination(TransportProtocol.Udp, 8080, 8080, IPAddress.Parse("203.0.113.26"), 80), destination);
        Assert.True(Destination.TryParse("8000-8100 sctp 2001:db8::1", out destination, out _));
        Assert.Equal(new PortDestination(TransportProtocol.Sctp, 8000, 8100, IPAddress.Parse("2001:db8::1"), null), destination);
        Assert.True(Destination.TryParse("203.0.113.26", out destination, out _));
        Assert.Equal(new FallbackDestination(IPAddress.Parse("203.0.113.26")), destination);
    }

    [Fact]
    public void What_is_printed_parses_to_the_same()
    {
        var random = new Random(20200826);
        for (int i = 0; i < 10_000; i++)
        {
            Destination destination = RandomDestination(random);
            bool isDestination = Destination.TryParse(destination.ToString()!, out Destination? again, out string? reason);
            Assert.True(isDestination, $"{destination}: {reason}");
            Assert.Equal(destination, again);
            Assert.Equal(destination.ToString(), again!.ToString());
        }
    }

    [Fact]
    public void No_text_throws()
    {
        var random = new Random(5);
        const string Alphabet = "0123456789abcdefx.:/-% \t\n[]+tcpudpsctp\0\u0661\u00e9\ud800\udc00\u202e";
        int parsed = 0;
        for (int i = 0; i < 100_000; i++)
        {
            string text = i % 2 == 0 ? RandomText(random, Alphabet) : Mutate(random, RandomDestination(random).ToString()!, Alphabet);
            bool isDestination = Destination.TryParse(text, out Destination? destination, out string? reason);
            Assert.Equal(isDestination, destination is not null);
            Assert.Equal(isDestination, reason is null);
            Assert.True(reason is null || (reason.Length < 250 && !reason.Any(char.IsControl)), reason);
            parsed += isDestination ? 1 : 0;
        }

        // Otherwise the half that mutates valid texts would test nothing.
        Assert.InRange(parsed, 1_000, 60_000);
    }

    [Fact]
    public void A_megabyte_of_anything_is_refused_in_one_line()
    {
        foreach (string piece in (string[])["1", ":", "1:", ".", "1.", " 1", "/", "-", "a", "\ud800"])
        {
            Assert.False(Destination.TryParse(string.Concat(Enumerable.Repeat(piece, 1 << 20)), out _, out string? reason));
            Assert.InRange(reason!.Length, 1, 250);
        }
    }

    internal static Destination RandomDestination(Random random)
    {
        IPAddress address = RandomAddress(random);
        var protocol = (TransportProtocol)random.GetItems<byte>([6, 17, 132], 1)[0];
        ushort first = (ushort)random.Next(1, 65536);
        return random.Next(4) switch
        {
            0 => new FallbackDestination(address),
            1 => new PortDestination(protocol, first, first, address, null),
            2 => new PortDestination(protocol, first, first, address, (ushort)random.Next(1, 65536)),
            _ => new PortDestination(protocol, first, (ushort)random.Next(first, 65536), address, null),
        };
    }

    private static IPAddress RandomAddress(Random random)
    {
        byte[] bytes = new byte[random.Next(2) == 0 ? 4 : 16];
        random.NextBytes(bytes);
        if (bytes.Length == 4)
        {
            bytes[0] = (byte)random.Next(128, 224);
        }
        else
        {
            // Runs of zeros put :: at every position; the first byte keeps the address a unicast one.
            int start = random.Next(1, 17);
            Array.Clear(bytes, start, random.Next(0, 17 - start));
            bytes[0] = (byte)random.Next(1, 0xfe);
        }

        return new IPAddress(bytes);
    }

    private static string RandomText(Random random, string alphabet) =>
        new(random.GetItems<char>(alphabet, random.Next(0, 40)));

    private static string Mutate(Random random, string text, string alphabet)
    {
        int at = random.Next(text.Length);
        char c = alphabet[random.Next(alphabet.Length)];
        return random.Next(3) switch
        {
            0 => text.Remove(at, 1),
            1 => text.Insert(at, c.ToString()),
            _ => text.Remove(at, 1).Insert(at, c.ToString()),
        };
    }
}
