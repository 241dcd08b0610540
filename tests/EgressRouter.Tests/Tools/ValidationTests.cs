using System.Text;
using EgressRouter.Tools;
using Shared;

namespace EgressRouter.Tests.Tools;

/// <summary>What is said of files, with the places in them.</summary>
public class ValidationTests
{
    [Theory]
    [InlineData("faulty.json")]
    [InlineData("list.conflist")]
    [InlineData("no-json.json")]
    [InlineData("other-type.json")]
    [InlineData("definitions.yaml")]
    public void Faults_have_their_places(string file)
    {
        string path = Repository.PathOf("testdata", "tools", "validate", file);
        string text = string.Join('\n', ConfigSource.ReadAll(path, Stream.Null).SelectMany(source => Validation.Inspect(source)));
        Golden.Verify(text.Replace(path, file, StringComparison.Ordinal), "tools", "validate", file);
    }

    [Theory]
    [InlineData("", "it holds neither a network configuration in JSON nor a NetworkAttachmentDefinition")]
    [InlineData("kind: Pod", "it holds neither a network configuration in JSON nor a NetworkAttachmentDefinition")]
    [InlineData("kind: NetworkAttachmentDefinition\nmetadata: { name: a }", "standard input:1: NetworkAttachmentDefinition a has no text spec.config")]
    [InlineData("a: [", "standard input:2:1: it is neither JSON nor YAML")]
    [InlineData("a: \"b", "standard input:1:4: it is neither JSON nor YAML")]
    public void What_holds_no_configuration_is_an_error(string text, string error)
    {
        InputException fault = Assert.Throws<InputException>(() => Read(text));
        Assert.Contains(error, fault.Message, StringComparison.Ordinal);
    }

    /// <summary>Nodes are read by recursion: without a bound this would end the process.</summary>
    [Fact]
    public void Depth_is_bounded() =>
        Assert.Contains("deeper than 64 levels", Assert.Throws<InputException>(() => Read("a: " + new string('[', 1_000_000))).Message, StringComparison.Ordinal);

    [Fact]
    public void Text_that_is_not_UTF8_is_an_error() =>
        Assert.Contains("byte 2 is not UTF-8", Assert.Throws<InputException>(() => ConfigSource.ReadAll("-", new MemoryStream([(byte)'{', 0xff]))).Message, StringComparison.Ordinal);

    private static void Read(string text) => ConfigSource.ReadAll("-", new MemoryStream(Encoding.UTF8.GetBytes(text)));
}
