using System.Collections.Immutable;
using System.Text;
using Cni;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Tools;

/// <summary>A position in a file, as editors count.</summary>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1, in characters.</param>
internal readonly record struct SourcePosition(int Line, int Column);

/// <summary>A network configuration or configuration list, and its position: a JSON file, or a text within YAML.</summary>
internal sealed class ConfigSource
{
    private const string Kind = "NetworkAttachmentDefinition";

    private readonly SourceMap _places;

    private ConfigSource(string file, string text, string json, YamlNode? definition, YamlScalarNode? scalar)
    {
        (File, Json) = (file, Encoding.UTF8.GetBytes(json));
        _places = new SourceMap(text, Json, scalar);
        Name = definition.Text("metadata", "name");
        Namespace = definition.Text("metadata", "namespace");
        IsDefinition = definition is not null;
    }

    /// <summary>The file's name as the operator gave it.</summary>
    public string File { get; }

    /// <summary>Whether the text is the <c>config</c> of a NetworkAttachmentDefinition.</summary>
    public bool IsDefinition { get; }

    /// <summary>The NetworkAttachmentDefinition's name, or null if the file is JSON.</summary>
    public string? Name { get; }

    /// <summary>The NetworkAttachmentDefinition's namespace, or null if it sets none.</summary>
    public string? Namespace { get; }

    /// <summary>The text of the configuration, which may be invalid JSON.</summary>
    public ReadOnlyMemory<byte> Json { get; }

    /// <summary>
    /// Reads all configurations of a file. A definition without <c>spec.config</c>, whose configuration is on the nodes, is skipped if
    /// the file has others.
    /// </summary>
    /// <param name="file">The file's path, or <c>-</c> for standard input.</param>
    /// <exception cref="UsageException">The file cannot be read, or holds no configuration.</exception>
    public static ImmutableArray<ConfigSource> ReadAll(string file, Stream stdin)
    {
        (string name, string text) = TextFile.Read(file, stdin);
        if (text.AsSpan().TrimStart() is ['{', ..])
        {
            return [new ConfigSource(name, text, text, null, null)];
        }

        YamlNode[] definitions = [.. YamlText.Read(text, name).Where(node => node.Text("kind") == Kind)];
        ImmutableArray<ConfigSource> found = [.. definitions.Select(node => node.Child("spec", "config") switch
        {
            null => null,
            YamlScalarNode config => new ConfigSource(name, text, config.Value ?? "", node, config),
            _ => throw WithoutText(name, node),
        }).OfType<ConfigSource>()];
        return !found.IsEmpty ? found
            : throw (definitions.Length > 0 ? WithoutText(name,
                definitions[0]) : new UsageException($"{name}: it holds neither a network configuration in JSON nor a {Kind}"));
    }

    private static UsageException WithoutText(string file, YamlNode definition) =>
        new($"{file}:{definition.Line()}: {Kind} {SafeText.Short(definition.Text("metadata", "name"))} has no text spec.config");

    /// <summary>The file position of a byte of the JSON text. Calls in ascending order are cheap.</summary>
    public SourcePosition PlaceOf(int offset) => _places.Of(offset);
}
