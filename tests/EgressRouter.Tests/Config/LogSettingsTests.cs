using System.Text.Json;
using EgressRouter.Config;

namespace EgressRouter.Tests.Config;

public class LogSettingsTests
{
    [Theory]
    [InlineData("{}", null, "info")]
    [InlineData("""{"log_file":"/tmp/x","log_level":"debug"}""", "/tmp/x", "debug")]
    [InlineData("""{"log_level":"panic"}""", null, "panic")]
    [InlineData("""{"log_level":"error"}""", null, "error")]
    [InlineData("""{"log_level":"warning"}""", null, "warning")]
    [InlineData("""{"log_level":"verbose"}""", null, "verbose")]
    [InlineData("""{"log_level":"Debug"}""", null, "debug")]
    [InlineData("""{"log_level":"trace"}""", null, "info")]
    [InlineData("""{"log_level":["debug"]}""", null, "info")]
    [InlineData("""{"log_file":7,"log_level":null}""", null, "info")]
    [InlineData("""{"log_file":"","log_level":""}""", null, "info")]
    [InlineData("""{"log_file":"relative"}""", null, "info")]
    [InlineData("""{"log_file":"/x\u0000y"}""", null, "info")]
    [InlineData("""{"log_file":"/\ud800","log_level":"debug"}""", null, "debug")]
    [InlineData("""{"\ud800":1,"log_level":"debug"}""", null, "debug")]
    [InlineData("""{"LOG_LEVEL":"debug"}""", null, "info")]
    [InlineData("[]", null, "info")]
    [InlineData("null", null, "info")]
    [InlineData("\"log_level\"", null, "info")]
    public void Reading_never_fails(string json, string? file, string level)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        Assert.Equal(new LogSettings(file, LogLevels.Parse(level)!.Value), LogSettings.Read(document.RootElement));
    }

    [Fact]
    public void No_document_at_all_gives_the_defaults() =>
        Assert.Equal(new LogSettings(null, LogLevel.Info), LogSettings.Read(default));
}
