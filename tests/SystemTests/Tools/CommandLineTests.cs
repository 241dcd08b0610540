using System.Diagnostics;
using Shared;

namespace SystemTests.Tools;

/// <summary>What a person at a shell meets.</summary>
public class CommandLineTests
{
    private static readonly string[] _verbs = ["validate", "explain", "status", "probe", "repair", "convert"];

    /// <summary>As the skeleton of the reference library does.</summary>
    [Fact]
    public void Started_without_anything_it_says_what_it_is()
    {
        CommandResult result = Tool.Run("");
        Assert.Equal(0, result.ExitCode);
        Assert.Empty(result.Stdout);
        Assert.Matches("^egress-router [0-9.]+.*: a CNI plugin", result.Stderr);
        Assert.Contains("CNI protocol versions supported", result.Stderr, StringComparison.Ordinal);
    }

    /// <summary>A runtime's environment counts before the arguments.</summary>
    [Fact]
    public void CNI_COMMAND_counts_before_arguments()
    {
        CommandResult result = Command.Run(Lab.Plugin, ["validate", "--help"], "", new Dictionary<string, string> { ["CNI_COMMAND"] = "VERSION" });
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("supportedVersions", result.Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_names_every_verb_and_each_has_examples()
    {
        string all = Tool.Run("", "--help").Stdout;
        foreach (string verb in _verbs)
        {
            Assert.Contains($"  {verb} ", all, StringComparison.Ordinal);
            CommandResult one = Tool.Run("", verb, "--help");
            Assert.True(one.ExitCode == 0 && one.Stderr.Length == 0, one.ToString());
            Assert.Contains($"Examples:\n  ", one.Stdout, StringComparison.Ordinal);
            Assert.Contains($"egress-router {verb}", one.Stdout, StringComparison.Ordinal);
            Assert.Contains("Exit codes:", one.Stdout, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("there is no verb vali", "vali")]
    [InlineData("has no option --colour", "validate", "--colour", "x")]
    [InlineData("--output xml: it is one of text, json", "validate", "--output", "xml", "x")]
    [InlineData("--output needs a value", "validate", "--output")]
    [InlineData("--node takes no value", "explain", "--node=1", "x")]
    [InlineData("--netns is given twice", "probe", "--netns", "a", "--netns=b", "x")]
    [InlineData("FILE is missing", "validate")]
    [InlineData("one FILE is expected, not 2", "explain", "a", "b")]
    [InlineData("--pid 0: it is a number from 1", "status", "--pid", "0")]
    [InlineData("one of --netns, --pid and --container is enough", "status", "--pid", "1", "--netns", "/x")]
    [InlineData("/no/such/file: ", "validate", "/no/such/file")]
    [InlineData("open network namespace /no/such/namespace", "status", "--netns", "/no/such/namespace")]
    public void What_cannot_be_answered_is_one_line_and_exit_code_2(string reason, params string[] arguments)
    {
        CommandResult result = Tool.Run("", arguments);
        Assert.True(result is { ExitCode: 2, Stdout: "" }, result.ToString());
        Assert.StartsWith("egress-router: ", result.Stderr, StringComparison.Ordinal);
        Assert.Contains(reason, result.Stderr, StringComparison.Ordinal);
        Assert.Equal(1, result.Stderr.Count('\n'));
    }

    [Fact]
    public void Faults_are_found_with_exit_code_1_and_no_colours_outside_of_terminals()
    {
        CommandResult good = Tool.Run(Config.Redirect, "validate", "-");
        Assert.True(good is { ExitCode: 0, Stdout: "the configuration is valid\n", Stderr: "" }, good.ToString());
        CommandResult bad = Tool.Run(Config.With("70000 tcp 10.0.0.1"), "validate", "-");
        Assert.Equal(1, bad.ExitCode);
        Assert.StartsWith("standard input:1:", bad.Stdout, StringComparison.Ordinal);
        Assert.Contains("port 70000 is outside 1-65535", bad.Stdout, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', bad.Stdout);
        Assert.Contains("\"severity\": \"error\"", Tool.Run(Config.With("70000 tcp 10.0.0.1"), "validate", "--output", "json", "-").Stdout, StringComparison.Ordinal);
    }

    /// <summary>Nothing of the machine is needed, no privilege, and no time.</summary>
    [RootFact]
    public void Validate_and_explain_work_as_an_ordinary_user_in_an_empty_root_and_take_20_ms()
    {
        DirectoryInfo root = Directory.CreateTempSubdirectory("er-chroot-");
        try
        {
            File.Copy(Lab.Plugin, Path.Combine(root.FullName, "egress-router"));
            File.WriteAllText(Path.Combine(root.FullName, "nad.json"), Config.DualStack);
            File.SetUnixFileMode(root.FullName, (UnixFileMode)0b111_101_101);
            foreach (string verb in (string[])["validate", "explain"])
            {
                // The best of several: other processes of this machine are no fault of the program.
                TimeSpan best = TimeSpan.MaxValue;
                for (int i = 0; i < 30; i++)
                {
                    long start = Stopwatch.GetTimestamp();
                    CommandResult result = Command.Run("chroot", ["--userspec=65534:65534", root.FullName, "/egress-router", verb, "/nad.json"], "", new Dictionary<string, string>());
                    TimeSpan time = Stopwatch.GetElapsedTime(start);
                    best = time < best ? time : best;
                    Assert.True(result is { ExitCode: 0, Stderr: "" }, result.ToString());
                    Assert.NotEmpty(result.Stdout);
                }

                Assert.True(best < TimeSpan.FromMilliseconds(20), $"{verb} took {best.TotalMilliseconds} ms");
            }
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    /// <summary>Every file of the examples, and the manifest, is valid; and <c>explain</c> has something to say of each.</summary>
    [Fact]
    public void All_examples_are_valid_and_can_be_explained()
    {
        string[] files = [.. Directory.GetFiles(Repository.PathOf("cni-conf-examples"), "*.json"), Repository.PathOf("packaging", "manifests", "router.yaml")];
        CommandResult result = Tool.Run("", ["validate", .. files]);
        Assert.True(result.ExitCode == 0 && result.Stdout.EndsWith($"all {files.Length} configurations are valid\n", StringComparison.Ordinal), result.ToString());
        foreach (string file in files.Where(file => !File.ReadAllText(file).Contains("allowedAddresses", StringComparison.Ordinal)))
        {
            CommandResult explained = Tool.Run("", "explain", file);
            Assert.True(explained is { ExitCode: 0, Stderr: "" }, $"{file}: {explained}");
            Assert.Contains("table inet egress-router-net1 {", explained.Stdout, StringComparison.Ordinal);
        }
    }
}
