using System.Buffers.Binary;
using System.Text.Json.Nodes;
using Shared;
using SystemTests.Operator;

namespace SystemTests.Packaging;

/// <summary>The executables must need nothing of the machine.</summary>
public class BinaryTests
{
    private const int ProgramHeaderInterpreter = 3;

    [Theory]
    [InlineData("egress-router")]
    [InlineData("egress-routerctl")]
    [InlineData("egress-operator")]
    public void Is_statically_linked(string name)
    {
        byte[] elf = File.ReadAllBytes(Repository.PathOf("out", name));
        Assert.Equal([0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1], elf[..6]);
        int offset = (int)BinaryPrimitives.ReadUInt64LittleEndian(elf.AsSpan(32));
        int size = BinaryPrimitives.ReadUInt16LittleEndian(elf.AsSpan(54));
        int count = BinaryPrimitives.ReadUInt16LittleEndian(elf.AsSpan(56));
        Assert.InRange(count, 1, 64);
        Assert.DoesNotContain(ProgramHeaderInterpreter, Enumerable.Range(0, count)
            .Select(index => BinaryPrimitives.ReadInt32LittleEndian(elf.AsSpan(offset + (index * size)))));
    }

    /// <summary>A static binary that calls the C library of the host would read its own errno, which is 0.</summary>
    [RootFact]
    public void An_error_has_the_number_that_the_kernel_gave()
    {
        using var lab = new Lab();
        lab.Run("ADD", Config.Redirect, with: ("CNI_NETNS", "/no/such/namespace")).AssertErrorNaming([8], "ENOENT");
        Assert.Contains("ENOENT", Command.Run(Lab.Ctl, ["status", "--netns", "/no/such/namespace"]).Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public void Are_small()
    {
        Assert.InRange(new FileInfo(Lab.Plugin).Length, 1, 7_300_000);
        Assert.InRange(new FileInfo(Lab.Ctl).Length, 1, 12_000_000);
        Assert.InRange(new FileInfo(EgressIp.OperatorProcess.Program).Length, 1, 30_000_000);
    }

    [RootFact]
    public void Runs_where_there_is_nothing_else()
    {
        DirectoryInfo root = Directory.CreateTempSubdirectory("er-chroot-");
        try
        {
            string copy = Path.Combine(root.FullName, "egress-router");
            Command.Must("cp", [Lab.Plugin, copy]);
            CommandResult result = Command.Run(
                "chroot",
                [root.FullName, "/egress-router"],
                """{"cniVersion": "1.0.0"}""",
                new Dictionary<string, string> { ["CNI_COMMAND"] = "VERSION" });
            Assert.True(result.ExitCode == 0, result.ToString());
            Assert.Equal("", result.Stderr);
            string?[] versions = [.. JsonNode.Parse(result.Stdout)!["supportedVersions"]!.AsArray().Select(version => (string?)version)];
            Assert.Contains("0.4.0", versions);
            Assert.Contains("1.0.0", versions);
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    [RootFact]
    public void The_operator_answers_where_there_is_nothing_else()
    {
        using var root = new EmptyRoot();
        string cluster = File.ReadAllText(Repository.PathOf("packaging", "operator", "examples", "bare-metal.yaml"));
        CommandResult result = root.Run(cluster, "simulate", "-f", "-", "-o", "json");
        Assert.True(result is { ExitCode: 0, Stderr: "" }, result.ToString());
        Assert.NotEmpty(JsonNode.Parse(result.Stdout)!["egressIPs"]!.AsArray());
        Assert.Equal(result, Command.Run(EgressIp.OperatorProcess.Program, ["simulate", "-f", "-", "-o", "json"], cluster));
    }
}
