using EgressRouter.Tools;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Legacy;

/// <summary>Finds legacy routers in an environment, in the YAML of pods, and in EgressRouter objects.</summary>
internal static class LegacyReader
{
    private const string EgressRouterGroup = "network.operator.openshift.io/";

    /// <summary>
    /// Reads a router from lines KEY=VALUE. A value ends at the next such line, or at its closing quote.
    /// </summary>
    public static LegacyResult FromEnvironment(string text, string name)
    {
        var variables = new Dictionary<string, LocatedText>();
        string? last = null;
        char? quote = null;
        var lines = new List<string>();
        foreach ((int index, string line) in text.Replace("\r\n", "\n", StringComparison.Ordinal).TrimEnd('\n').Split('\n').Index())
        {
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (quote is null && equals > 0 && IsVariable(line[..equals]))
            {
                Join();
                last = line[..equals];
                variables[last] = new LocatedText(index + 1, "");
                string value = line[(equals + 1)..];
                quote = value is ['"' or '\'', ..] ? value[0] : null;
                lines.Add(quote is null ? value : value[1..]);
            }
            else
            {
                lines.Add(line);
            }

            if (quote is char mark && lines[^1].TrimEnd() is string soFar && soFar.EndsWith(mark))
            {
                lines[^1] = soFar[..^1];
                quote = null;
            }
        }

        Join();
        void Join()
        {
            if (last is not null)
            {
                variables[last] = variables[last] with { Text = string.Join('\n', lines) };
            }

            lines.Clear();
        }

        return FromVariables(variables, name);
    }

    /// <summary>Reads a router from a process environment.</summary>
    public static LegacyResult FromEnvironment(IReadOnlyDictionary<string, string> variables, string name)
    {
        return FromVariables(variables.ToDictionary(variable => variable.Key, variable => new LocatedText(0, variable.Value)), name);
    }

    private static LegacyResult FromVariables(Dictionary<string, LocatedText> variables, string name)
    {
        var faults = new List<LegacyFault>();
        LegacyRouter router = LegacyEnvironment.Read(variables, new LegacyRouter { Name = new LocatedText(0, name) }, faults);
        return Complete([router], faults);
    }

    /// <summary>Reads all routers of a YAML text.</summary>
    /// <param name="file">The file's name, for errors.</param>
    /// <param name="space">The namespace of objects that have none, or null.</param>
    /// <param name="progress">Receives the number of objects that are read, or null.</param>
    /// <exception cref="UsageException">The text is not YAML.</exception>
    public static LegacyResult FromYaml(string text, string file, string? space = null, IProgress<string>? progress = null)
    {
        IReadOnlyList<YamlNode> documents = [.. YamlText.Read(text, file).Where(document => !PodOrigin.IsNothing(document))];
        if (documents.Any(document => !AliasBound.Holds(document)))
        {
            throw new UsageException($"{file}: with its anchors written out it has more than {AliasBound.MaxNodes:N0} nodes");
        }

        var faults = new List<LegacyFault>();
        var routers = new List<LegacyRouter>();
        var pods = new LegacyPods(documents, space);
        foreach ((int index, YamlNode document) in documents.Index())
        {
            progress?.Report($"convert: {index} of {documents.Count} objects read");
            if (document.Text("kind") == "EgressRouter"
                && document.Text("apiVersion")?.StartsWith(EgressRouterGroup, StringComparison.Ordinal) == true)
            {
                routers.Add(EgressRouterObject.Read(document, faults) with { Namespace = document.Text("metadata", "namespace") ?? space });
            }
            else if (pods.Read(document, faults) is LegacyRouter router)
            {
                routers.Add(router);
            }
        }

        var others = new OtherObjects(documents, routers, space);
        others.Check(faults);
        LegacyResult result = Complete(routers, faults);
        return result.Faults.IsEmpty ? result with { Notes = others.Notes() } : result;
    }

    /// <summary>Returns a scalar and the line of its text: a block scalar's text begins on the next line.</summary>
    internal static LocatedText? Locate(this YamlNode? node, params ReadOnlySpan<string> keys) =>
        node.Child(keys) is YamlScalarNode { Value: string value } scalar
            ? new LocatedText(scalar.Line() + (scalar.Style is ScalarStyle.Literal or ScalarStyle.Folded ? 1 : 0), value) : null;

    private static LegacyResult Complete(List<LegacyRouter> routers, List<LegacyFault> faults)
    {
        if (faults.Count == 0)
        {
            faults.AddRange(routers.SelectMany(router => LegacyResult.Check(router)));
        }

        return new LegacyResult([.. routers], [.. faults.OrderBy(fault => fault.Line)]);
    }

    private static bool IsVariable(string name) =>
        name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '_') && !char.IsAsciiDigit(name[0]);
}
