using System.Text.Json;

namespace Cni.Tests;

public class HostTests
{
    private const string AllVersions = "\"0.1.0\" \"0.2.0\" \"0.3.0\" \"0.3.1\" \"0.4.0\" \"1.0.0\" \"1.1.0\"";

    public static TheoryData<CniVersion> Versions => [.. CniVersions.All];

    [Theory]
    [MemberData(nameof(Versions))]
    public void Each_version_is_spoken_by_its_name(CniVersion version)
    {
        Call call = Call.Of("ADD", Config($"\"{version.Text()}\"")).Run();
        Assert.Equal(version, call.Request!.Version);
        Assert.Equal(version.Text(), call.OneObject().GetProperty("cniVersion").GetString());
        Assert.Equal((0, version.Text()), (call.ExitCode, call.ConfigVersion));
    }

    /// <summary>The runtime considers such an ADD failed.</summary>
    [Fact]
    public void What_was_added_is_deleted_when_the_result_cannot_be_printed()
    {
        using var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        var commands = new List<CniCommand>();
        Call call = Call.Of("ADD");
        call.Work = request => commands.Add(request.Command);
        Assert.Throws<IOException>(() => call.Run(stdout: full));
        Assert.Equal([CniCommand.Add, CniCommand.Delete], commands);
    }

    [Theory]
    [InlineData("""{"name":"net"}""")]
    [InlineData("""{"name":"net","cniVersion":""}""")]
    public void No_version_is_the_oldest(string config)
    {
        Call call = Call.Of("ADD", config).Run();
        Assert.Equal(CniVersion.V010, call.Request!.Version);
        Assert.Equal("0.1.0", call.OneObject().GetProperty("cniVersion").GetString());
    }

    [Theory]
    [InlineData("\"0.5.0\"", "\"0.5.0\"")]
    [InlineData("\"1.2.0\"", "\"1.2.0\"")]
    [InlineData("\"1.1\"", "\"1.1\"")]
    [InlineData("\"v1.0.0\"", "\"v1.0.0\"")]
    [InlineData("\"1.0.0 \"", "\"1.0.0 \"")]
    [InlineData("1.1", "not a string")]
    [InlineData("null", "not a string")]
    [InlineData("[\"1.0.0\"]", "not a string")]
    public void Another_version_is_incompatible(string version, string told)
    {
        foreach (string command in new[] { "ADD", "CHECK", "STATUS", "GC" })
        {
            JsonElement error = Call.Of(command, Config(version)).RunToError(CniErrorCode.IncompatibleVersion);
            Assert.Equal("incompatible CNI versions", error.GetProperty("msg").GetString());
            Assert.Equal($"config is {told}, plugin supports [{AllVersions}]", error.GetProperty("details").GetString());
            Assert.Equal("1.1.0", error.GetProperty("cniVersion").GetString());
        }

        // ADD refused this configuration, and the runtime calls DEL until it succeeds.
        Call delete = Call.Of("DEL", Config(version)).Run();
        Assert.Equal((0, ""), (delete.ExitCode, delete.Stdout));
        Assert.Equal((CniErrorCode.IncompatibleVersion, CniVersions.Newest), (delete.Request!.ConfigError!.Code, delete.Request.Version));
        Assert.Equal("{}", delete.Request.PrevResult!.Value.GetRawText());
    }

    [Fact]
    public void The_version_counts_before_the_name() =>
        Call.Of("ADD", """{"cniVersion":"9.0.0","name":"/"}""").RunToError(CniErrorCode.IncompatibleVersion);

    [Theory]
    [MemberData(nameof(Versions))]
    public void Commands_younger_than_the_configuration_are_refused(CniVersion version)
    {
        foreach ((string command, CniVersion since) in new[]
        {
            ("CHECK", CniVersion.V040), ("STATUS", CniVersion.V110), ("GC", CniVersion.V110),
        })
        {
            Call call = Call.Of(command, Config($"\"{version.Text()}\""));
            if (version < since)
            {
                JsonElement error = call.RunToError(CniErrorCode.IncompatibleVersion);
                Assert.Equal($"config version does not allow {command}", error.GetProperty("msg").GetString());
                Assert.Equal(version.Text(), error.GetProperty("cniVersion").GetString());
            }
            else
            {
                Assert.Equal((0, "", command), (call.Run().ExitCode, call.Stdout, call.Request!.Command.Text()));
            }
        }
    }

    [Theory]
    [InlineData("", "1.1.0")]
    [InlineData(" \n", "1.1.0")]
    [InlineData("{}", "1.1.0")]
    [InlineData("""{"cniVersion":""}""", "1.1.0")]
    [InlineData("""{"cniVersion":"0.3.1"}""", "0.3.1")]
    [InlineData("""{"cniVersion":"9.9.9"}""", "9.9.9")]
    public void The_version_command_answers_all_versions(string config, string version)
    {
        Call call = Call.Of("VERSION", config);
        call.Environment.Remove("CNI_CONTAINERID");
        call.Environment.Remove("CNI_NETNS");
        call.Environment.Remove("CNI_IFNAME");
        call.Environment.Remove("CNI_PATH");
        call.Run();
        Assert.Equal(0, call.ExitCode);
        string all = AllVersions.Replace(' ', ',');
        Assert.Equal($$"""{"cniVersion":"{{version}}","supportedVersions":[{{all}}],"plugin":"test 0.0"}""" + "\n", call.Stdout);
    }

    [Fact]
    public void The_version_command_refuses_nonsense()
    {
        Call.Of("VERSION", "[]").RunToError(CniErrorCode.DecodingFailure);
        Call.Of("VERSION", """{"cniVersion":1}""").RunToError(CniErrorCode.IncompatibleVersion);
    }

    [Theory]
    [InlineData("DEL")]
    [InlineData("CHECK")]
    [InlineData("STATUS")]
    [InlineData("GC")]
    public void All_but_add_and_version_print_nothing(string command)
    {
        Call call = Call.Of(command, Config("\"1.1.0\"")).Run();
        Assert.Equal((0, "", ""), (call.ExitCode, call.Stdout, call.Stderr));
    }

    [Theory]
    [InlineData("ADD")]
    [InlineData("DEL")]
    [InlineData("CHECK")]
    [InlineData("STATUS")]
    [InlineData("GC")]
    public void What_the_plugin_throws_is_printed(string command)
    {
        Call call = Call.Of(command, Config("\"1.1.0\""));
        call.Work = _ => throw new CniException((CniErrorCode)100, "add \"net1\": <EPERM>\n", "more");
        call.Run();
        Assert.Equal(1, call.ExitCode);
        Assert.Equal("""{"cniVersion":"1.1.0","code":100,"msg":"add \"net1\": <EPERM>\n","details":"more"}""" + "\n", call.Stdout);
    }

    [Fact]
    public void Empty_details_are_left_out()
    {
        Call call = Call.Of("DEL");
        call.Work = _ => throw new CniException(CniErrorCode.TryAgainLater, "later");
        Assert.Equal("""{"cniVersion":"1.0.0","code":11,"msg":"later"}""" + "\n", call.Run().Stdout);
    }

    [Fact]
    public void A_result_that_its_version_cannot_tell_is_one_error()
    {
        Call call = Call.Of("ADD", Config("\"0.2.0\""));
        call.Result = new([], [], [], null);
        call.Run();
        Assert.Equal(1, call.ExitCode);
        Assert.Equal(1, call.OneObject().GetProperty("code").GetInt32());
    }

    [Fact]
    public void A_fault_of_the_plugin_is_not_caught_here()
    {
        Call call = Call.Of("ADD", Config("\"0.3.1\""));
        call.Work = _ => throw new InvalidOperationException();
        Assert.Throws<InvalidOperationException>(() => call.Run());
        Assert.Equal(("", "0.3.1"), (call.Stdout, call.ConfigVersion));
    }

    [Fact]
    public void A_request_prints_itself_without_secrets()
    {
        Call call = Call.Of("ADD", """{"name":"net","token":"hunter2","prevResult":{"token":"hunter2"}}""");
        call.Environment["CNI_ARGS"] = "TOKEN=hunter2";
        Assert.Equal("ADD container c0ffee interface net1 network net cniVersion 0.1.0", call.Run().Request!.ToString());
    }

    private static string Config(string version) => $$"""{"cniVersion":{{version}},"name":"net","prevResult":{},"cni.dev/valid-attachments":[]}""";
}
