using System.Text;

namespace Shared;

/// <summary>
/// Golden files: <c>testdata/.../NAME.verified.txt</c> is the expected output, byte for byte. A mismatch leaves <c>NAME.received.txt</c>
/// beside it. <c>UPDATE_GOLDEN=1</c> rewrites the files instead; review the change then.
/// </summary>
internal static class Golden
{
    /// <summary>Compares the output with a file under testdata/, except for a final newline.</summary>
    /// <param name="actual">The output.</param>
    /// <param name="pathParts">Folders below testdata/ and the name without <c>.verified.txt</c>.</param>
    public static void Verify(string actual, params string[] pathParts) =>
        VerifyFile(actual, Repository.PathOf(["testdata", .. pathParts]) + ".verified.txt");

    /// <summary>Compares the output with any file, which is part of the documents.</summary>
    public static void VerifyFile(string actual, string verified)
    {
        string received = verified.Replace(".verified.txt", ".txt", StringComparison.Ordinal);
        received = Path.ChangeExtension(received, ".received" + Path.GetExtension(received));
        string folder = Path.GetDirectoryName(verified)!;
        actual = WithoutLastNewline(actual);

        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(verified, actual + "\n");
            File.Delete(received);
            return;
        }

        string? expected = File.Exists(verified) ? WithoutLastNewline(File.ReadAllText(verified)) : null;
        if (actual == expected)
        {
            File.Delete(received);
            return;
        }

        Directory.CreateDirectory(folder);
        File.WriteAllText(received, actual + "\n");
        Assert.Fail(expected is null
            ? $"there is no {verified}; the output is in {received}"
            : $"{verified} differs; the output is in {received}\n{Difference(expected.Split('\n'), actual.Split('\n'))}");
    }

    /// <summary>The differing lines, without the common start and end.</summary>
    private static string Difference(string[] expected, string[] actual)
    {
        int common = Math.Min(expected.Length, actual.Length);
        int start = 0;
        while (start < common && expected[start] == actual[start])
        {
            start++;
        }

        int end = 0;
        while (end < common - start && expected[^(end + 1)] == actual[^(end + 1)])
        {
            end++;
        }

        var text = new StringBuilder();
        text.Append("line ").Append(start + 1).Append(":\n");
        foreach (string line in expected[start..^end])
        {
            text.Append("- ").Append(line).Append('\n');
        }

        foreach (string line in actual[start..^end])
        {
            text.Append("+ ").Append(line).Append('\n');
        }

        return text.ToString();
    }

    private static string WithoutLastNewline(string text) => text.EndsWith('\n') ? text[..^1] : text;
}
