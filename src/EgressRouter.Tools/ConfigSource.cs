using System.Collections.Immutable;
using System.Text;
using Cni;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Tools;

/// <summary>A place in a file, as editors count.</summary>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1, in characters.</param>
internal readonly record struct SourcePosition(int Line, int Column);

/// <summary>A network configuration, or a list of them, and where it stands: a JSON file, or a text within YAML.</summary>
internal sealed class ConfigSource
{
    /// <summary>More is a mistake or an attack: etcd stores no object of that size.</summary>
    private const int MaxBytes = 16 * 1024 * 1024;

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

    /// <summary>Whether it is the <c>config</c> of a NetworkAttachmentDefinition.</summary>
    public bool IsDefinition { get; }

    /// <summary>The NetworkAttachmentDefinition's name; null in a JSON file.</summary>
    public string? Name { get; }

    /// <summary>The NetworkAttachmentDefinition's namespace; null where it names none.</summary>
    public string? Namespace { get; }

    /// <summary>The JSON text; it may be no JSON at all.</summary>
    public ReadOnlyMemory<byte> Json { get; }

    /// <summary>
    /// All configurations of a file. Definitions without <c>spec.config</c>, whose configuration is on the nodes, are passed over where
    /// there are others.
    /// </summary>
    /// <param name="file">Its path, or <c>-</c> for the standard input.</param>
    /// <exception cref="UsageException">It cannot be read, or there is none in it.</exception>
    public static ImmutableArray<ConfigSource> ReadAll(string file, Stream stdin)
    {
        (string name, string text) = ReadText(file, stdin);
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

    /// <summary>The text of a file, which has to be UTF-8, and the name to show for it.</summary>
    /// <param name="file">Its path, or <c>-</c> for the standard input.</param>
    /// <exception cref="UsageException">It cannot be read.</exception>
    public static (string Name, string Text) ReadText(string file, Stream stdin)
    {
        string name = file switch { "-" => "standard input", "" => "FILE", _ => file };
        try
        {
            using Stream stream = file == "-" ? stdin : System.IO.File.OpenRead(file);
            var bytes = new MemoryStream();
            var buffer = new byte[64 * 1024];
            for (int count = stream.Read(buffer); count > 0; count = stream.Read(buffer))
            {
                bytes.Write(buffer, 0, count);
                if (bytes.Length > MaxBytes)
                {
                    throw new UsageException($"{name}: it is longer than {MaxBytes} bytes");
                }
            }

            return (name, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true)
                .GetString(bytes.GetBuffer(), 0, (int)bytes.Length));
        }
        catch (DecoderFallbackException fault)
        {
            throw new UsageException($"{name}: byte {fault.Index + 1} is not UTF-8");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UsageException($"{name}: {unreadable.Message}");
        }
    }

    /// <summary>Where a byte of the JSON text stands in the file. Asked for in ascending order, it costs little.</summary>
    public SourcePosition PlaceOf(int offset) => _places.Of(offset);
}
