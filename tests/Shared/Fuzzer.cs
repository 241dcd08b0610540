using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Shared;

/// <summary>
/// Runs a parser on thousands of damaged inputs: it must never throw an unexpected exception, or take long. Seeds, and every input that
/// ever broke something, are files in <c>testdata/corpora</c>.
/// </summary>
/// <remarks>
/// <c>make test</c> runs each parser for about a second, always with the same inputs; <c>make fuzz TIME=600</c> runs each for that many
/// seconds, with other inputs every time.
/// </remarks>
internal static class Fuzzer
{
    /// <summary>The number of inputs in <c>make test</c>.</summary>
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

    /// <summary>Runs a parser on the files of <c>testdata/corpora/NAME</c> and on <paramref name="seeds"/>, intact and damaged.</summary>
    /// <param name="name">The name of the parser and of its folder.</param>
    /// <param name="seeds">Further seeds.</param>
    /// <param name="parse">Returns whether the parser accepted the input; throws if the parser, not the input, is wrong.</param>
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
        // Otherwise the damage would be so heavy that only the first check is tested, or there would be none.
        Assert.InRange(taken, count / 200, count - (count / 200));

        IEnumerable<byte[]> Damaged()
        {
            while (seconds == 0 ? count < Executions : clock.Elapsed.TotalSeconds < seconds)
            {
                yield return Damage(corpus, random);
            }
        }
    }

    /// <summary>Reads files of hexadecimal digits, but not golden files (NAME.verified.txt); lines with a <c>#</c> are comments.</summary>
    public static IEnumerable<byte[]> Hexadecimal(params string[] folder) =>
        Directory.GetFiles(Repository.PathOf(folder), "*.txt").Where(
            file => !Path.GetFileNameWithoutExtension(file).Contains('.', StringComparison.Ordinal)).Order(StringComparer.Ordinal)
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
