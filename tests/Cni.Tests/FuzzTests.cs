using System.Text;
using System.Text.Json;
using Shared;

namespace Cni.Tests;

/// <summary>Damaged texts of runtimes and IPAM plugins: the answer is always one JSON object, never an exception.</summary>
public class FuzzTests
{
    private static readonly string[] _commands = ["ADD", "CHECK", "DEL", "VERSION", "STATUS", "GC"];

    [Fact]
    public void Configurations() => Fuzzer.Run("stdin", [], input =>
    {
        Call call = Call.Of(_commands[input.Sum(value => value) % _commands.Length]);
        call.Stdin = input;
        return Answers(call);
    });

    [Fact]
    public void Arguments() => Fuzzer.Run("cni-args", [], input =>
    {
        Call call = Call.Of(_commands[input.Length % 3]);
        call.Environment["CNI_ARGS"] = Encoding.UTF8.GetString(input);
        return Answers(call);
    });

    [Fact]
    public void Results() => Fuzzer.Run("result", [], input =>
    {
        CniResult result;
        try
        {
            result = CniResult.Read(StrictJson.Parse(input), "prevResult");
        }
        catch (CniException)
        {
            return false;
        }

        foreach (CniVersion version in CniVersions.All)
        {
            using var text = new MemoryStream();
            try
            {
                result.WriteTo(text, version);
            }
            catch (CniException)
            {
                // The oldest versions require an address.
                Assert.Empty(result.Ips);
                continue;
            }

            CniResult.Read(StrictJson.Parse(text.ToArray()), "result");
        }

        return true;
    });

    /// <summary>Returns whether the plugin was called. The output is at most one object, and an error has a code.</summary>
    private static bool Answers(Call call)
    {
        call.Run();
        if (call.ExitCode != 0 || call.Stdout.Length > 0)
        {
            JsonElement answer = call.OneObject();
            Assert.Equal(call.ExitCode != 0, answer.TryGetProperty("code", out _));
        }

        return call.Request is not null;
    }
}
