using System.Text.Json;
using EgressRouter.Config;
using Shared;

namespace EgressRouter.Tests.Config;

/// <summary>The configurations in the manifests are valid, and name nothing that is not known.</summary>
public class ManifestTests
{
    private const string Start = "  config: '";

    public static TheoryData<string> Manifests =>
        [.. Directory.GetFiles(Repository.PathOf("packaging", "manifests"), "*.yaml").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Manifests))]
    public void The_configuration_of_a_manifest_is_valid(string file)
    {
        string[] configs = [.. File.ReadAllText(Repository.PathOf("packaging", "manifests", file))
            .Split(Start).Skip(1).Select(rest => rest[..rest.IndexOf('\'', StringComparison.Ordinal)])];
        Assert.NotEmpty(configs);
        Assert.All(configs, config =>
        {
            using JsonDocument document = JsonDocument.Parse(config);
            ConfigResult result = RouterConfig.Parse(document.RootElement);
            Assert.Empty(result.Faults);
            Assert.Empty(result.Warnings);
        });
    }
}
