using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>What every answer of the plugin must look like.</summary>
internal static class PluginAssertions
{
    /// <summary>Exit code 0, nothing for the runtime to read, and nothing in the log that would worry anybody.</summary>
    public static void AssertSilentSuccess(this CommandResult result)
    {
        result.AssertSuccess();
        Assert.DoesNotContain("[warning]", result.Stderr, StringComparison.Ordinal);
        Assert.DoesNotContain("[error]", result.Stderr, StringComparison.Ordinal);
    }

    /// <summary>Exit code 0 and nothing for the runtime to read; stderr, which is a log, may hold something.</summary>
    public static void AssertSuccess(this CommandResult result)
    {
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.True(result.Stdout.Length == 0, $"nothing belongs on stdout here: {result}");
    }

    /// <summary>A non-zero exit code and exactly one CNI error object on stdout, with one of the codes.</summary>
    public static string AssertError(this CommandResult result, params int[] codes)
    {
        Assert.True(result.ExitCode != 0, $"it should have failed: {result}");
        JsonObject error;
        try
        {
            // Parse accepts one value and nothing behind it.
            error = JsonNode.Parse(result.Stdout)!.AsObject();
        }
        catch (Exception fault) when (fault is System.Text.Json.JsonException or InvalidOperationException or NullReferenceException)
        {
            throw new Xunit.Sdk.XunitException($"stdout is not one JSON object: {result}", fault);
        }

        Assert.True(error.ContainsKey("cniVersion"), result.ToString());
        string message = (string?)error["msg"] ?? "";
        Assert.True(message.Length > 0, $"the error says nothing: {result}");
        int code = (int)error["code"]!;
        Assert.True(codes.Contains(code), $"code {code} is not among {string.Join(", ", codes)}: {result}");
        return message + "\n" + (string?)error["details"];
    }

    /// <summary>As <see cref="AssertError"/>, and the error contains all of <paramref name="nouns"/>.</summary>
    public static void AssertErrorNaming(this CommandResult result, int[] codes, params string[] nouns)
    {
        string text = result.AssertError(codes);
        string[] missing = [.. nouns.Where(noun => !text.Contains(noun, StringComparison.Ordinal))];
        Assert.True(missing.Length == 0, $"the error lacks {string.Join(", ", missing)}: {result}");
    }
}
