using System.Collections.Immutable;
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Tools;

/// <summary>A place in a file, as editors count.</summary>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1, in characters.</param>
public readonly record struct TextPlace(int Line, int Column);

/// <summary>A network configuration, or a list of them, and where it stands: a JSON file, or a text within YAML.</summary>
public sealed class ConfigSource
{
    /// <summary>More is a mistake or an attack: etcd stores no object of that size.</summary>
    private const int MaxBytes = 16 * 1024 * 1024;

    private const string Kind = "NetworkAttachmentDefinition";

    private readonly string _text;
    private readonly YamlScalarNode? _scalar;

    private ConfigSource(string file, string text, string json, YamlNode? definition, YamlScalarNode? scalar)
    {
        (File, _text, _scalar, Json) = (file, text, scalar, Encoding.UTF8.GetBytes(json));
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

    /// <summary>All configurations of a file.</summary>
    /// <param name="file">Its path, or <c>-</c> for the standard input.</param>
    /// <param name="stdin">The standard input.</param>
    /// <exception cref="InputException">It cannot be read, or there is none in it.</exception>
    public static ImmutableArray<ConfigSource> ReadAll(string file, Stream stdin)
    {
        (string name, string text) = ReadText(file, stdin);
        if (text.AsSpan().TrimStart() is ['{', ..])
        {
            return [new ConfigSource(name, text, text, null, null)];
        }

        ImmutableArray<ConfigSource> found =
        [
            .. YamlText.Read(text, name).Where(node => node.Text("kind") == Kind).Select(node => node.Child("spec", "config") is YamlScalarNode config
                ? new ConfigSource(name, text, config.Value ?? "", node, config)
                : throw new InputException($"{name}:{node.Line()}: {Kind} {node.Text("metadata", "name")} has no text spec.config")),
        ];
        return found.IsEmpty ? throw new InputException($"{name}: it holds neither a network configuration in JSON nor a {Kind}") : found;
    }

    /// <summary>The text of a file, which has to be UTF-8, and the name to show for it.</summary>
    /// <param name="file">Its path, or <c>-</c> for the standard input.</param>
    /// <param name="stdin">The standard input.</param>
    /// <exception cref="InputException">It cannot be read.</exception>
    public static (string Name, string Text) ReadText(string file, Stream stdin)
    {
        ArgumentNullException.ThrowIfNull(stdin);
        string name = file == "-" ? "standard input" : file;
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
                    throw new InputException($"{name}: it is longer than {MaxBytes} bytes");
                }
            }

            return (name, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(bytes.GetBuffer(), 0, (int)bytes.Length));
        }
        catch (DecoderFallbackException fault)
        {
            throw new InputException($"{name}: byte {fault.Index + 1} is not UTF-8");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{name}: {unreadable.Message}");
        }
    }

    /// <summary>Where a byte of the JSON text stands in the file.</summary>
    public TextPlace PlaceOf(int offset)
    {
        int character = Encoding.UTF8.GetCharCount(Json.Span[..offset]);
        int index = _scalar is null ? character : IndexInFile(_scalar, character);
        ReadOnlySpan<char> before = _text.AsSpan(0, index);
        return new TextPlace(before.Count('\n') + 1, index - before.LastIndexOf('\n'));
    }

    /// <summary>
    /// YAML folds lines, indents and escapes, but keeps the order of everything visible: the text and what YAML made of
    /// it are walked side by side.
    /// </summary>
    private int IndexInFile(YamlScalarNode scalar, int character)
    {
        string value = scalar.Value!;
        int at = (int)scalar.Start.Index;
        at = scalar.Style is ScalarStyle.Literal or ScalarStyle.Folded ? _text.IndexOf('\n', at) + 1
            : scalar.Style is ScalarStyle.SingleQuoted or ScalarStyle.DoubleQuoted ? at + 1
            : at;
        for (int i = 0; i <= character && i < value.Length; i++)
        {
            if (char.IsWhiteSpace(value[i]))
            {
                continue;
            }

            int found = _text.IndexOf(value[i], at);
            if (i == character || found < 0)
            {
                return found < 0 ? at : found;
            }

            at = found + (scalar.Style == ScalarStyle.SingleQuoted && value[i] == '\'' ? 2 : 1);
        }

        return at;
    }
}
