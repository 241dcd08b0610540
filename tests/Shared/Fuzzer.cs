using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Shared;

/// <summary>
/// Gives a parser thousands of damaged inputs: what it must never do is throw anything that it is not known to throw, or
/// take long. Seeds, and every input that was ever found to break something, are files in <c>testdata/corpora</c>.
/// </summary>
/// <remarks>
/// In <c>make test</c> it takes about a second for each parser, always with the same inputs; <c>make fuzz TIME=600</c> takes
/// that many seconds for each, with other inputs every time.
/// </remarks>
internal static class Fuzzer
{
    /// <summary>In <c>make test</c>.</summary>
    private const int Executions = 10_000;

    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(5);

    private static readonly byte[][] _pieces =
    [
        .. new[]
        {
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "\\udc00", "\"name\":", "\"a\":1,", "\0", "\ufeff", "//", "1e999",
            "-", "/", ".", "=", ";",
            " ", "\t", "\n", "65535", "65536", "4294967296", "255.255.255.255", "::", "fe80::1%eth0", "tcp", "null", "true",
        }.Select(Encoding.UTF8.GetBytes),
        [0xff], [0xc3], [0xed, 0xa0, 0x80], [0, 0], [0xff, 0xff, 0xff, 0xff], [0, 0, 0, 0x80],
    ];

    /// <summary>Runs a parser on the files of <c>testdata/corpora/NAME</c> and <paramref name="seeds"/>, as they are and damaged.</summary>
    /// <param name="name">The parser's, and that of its folder.</param>
    /// <param name="seeds">More to begin with.</param>
    /// <param name="parse">Throws when something is wrong with the parser, not with the input; true: it took the input.</param>
    public static void Run(string name, IEnumerable<byte[]> seeds, Func<byte[], bool> parse)
    {
        string folder = Repository.PathOf("testdata", "corpora", name);
        byte[][] corpus = [.. Directory.CreateDirectory(folder).GetFiles().OrderBy(file => file.Name, StringComparer.Ordinal)
            .Select(file => File.ReadAllBytes(file.FullName)), .. seeds];
        int seconds = int.Parse(Environment.GetEnvironmentVariable("FUZZ_SECONDS") ?? "0", CultureInfo.InvariantCulture);
        var random = new Random(seconds == 0 ? 20261121 : Environment.TickCount);
        var clock = Stopwatch.StartNew();
        int count = 0;
        int taken = 0;
        foreach (byte[] input in corpus.Concat(Damaged()))
        {
            taken += Try(name, input, parse) ? 1 : 0;
            count++;
        }

        Figures.Note(string.Create(CultureInfo.InvariantCulture, $"fuzz {name}: {count} executions, {taken} inputs taken, 0 crashes"));
        // Otherwise the damage would be so heavy that nothing but the first check were tested, or there would be none.
        Assert.InRange(taken, count / 200, count - (count / 200));

        IEnumerable<byte[]> Damaged()
        {
            while (seconds == 0 ? count < Executions : clock.Elapsed.TotalSeconds < seconds)
            {
                yield return Damage(corpus, random);
            }
        }
    }

    /// <summary>The bytes of files of hexadecimal digits, whose lines with a <c>#</c> are remarks.</summary>
    public static IEnumerable<byte[]> Hexadecimal(params string[] folder) =>
        Directory.GetFiles(Repository.PathOf(folder), "*.txt").Where(
            file => !file.Contains(".verified.", StringComparison.Ordinal)).Order(StringComparer.Ordinal)
            .Select(
                file => Convert.FromHexString(
                    string.Concat(File.ReadLines(file).Where(line => !line.StartsWith('#'))).Replace(" ", "", StringComparison.Ordinal)));

    private static bool Try(string name, byte[] input, Func<byte[], bool> parse)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            bool taken = parse(input);
            return Stopwatch.GetElapsedTime(start) < _longest ? taken
                : throw new TimeoutException($"it took {Stopwatch.GetElapsedTime(start)}");
        }
        catch (Exception fault)
        {
            string file = Repository.PathOf(
                "testdata", "corpora", name,
                $"crash-{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(input))[..12]}");
            File.WriteAllBytes(file, input);
            throw new InvalidOperationException($"{name}: {fault.Message}; the input is in {file}", fault);
        }
    }

    private static byte[] Damage(byte[][] corpus, Random random)
    {
        List<byte> bytes = [.. corpus[random.Next(corpus.Length)]];
        for (int times = random.Next(1, 4); times > 0 && bytes.Count > 0; times--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes.RemoveRange(at, random.Next(Math.Min(8, bytes.Count - at)));
                    break;
                case 3:
                    bytes.InsertRange(at, _pieces[random.Next(_pieces.Length)]);
                    break;
                case 4:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                default:
                    bytes.InsertRange(random.Next(bytes.Count), bytes.GetRange(at, random.Next(Math.Min(64, bytes.Count - at))));
                    break;
            }
        }

        return [.. bytes];
    }
}
