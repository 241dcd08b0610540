using System.Collections;
using EgressRouter.Config;
using EgressRouter.Legacy;
using EgressRouter.Tools;

namespace EgressRouterCni.CommandLine;

/// <summary><c>egress-router convert</c>.</summary>
internal static class ConvertVerb
{
    public static int Run(Arguments arguments, Screen screen, Stream stdin)
    {
        bool isEnvironment = arguments.Has("from-env");
        string name = arguments.Text("name") ?? "egress-router";
        string? image = arguments.Text("image");
        string? space = arguments.Text("namespace");
        if (image?.Any(letter => letter is <= ' ' or '#' or '"' or '\'') == true || (space is not null && !LegacyResult.IsNamespace(space)))
        {
            throw new InputException($"--image {image} or --namespace {space} is no such name");
        }

        bool isOwn = isEnvironment && arguments.Operands.Count == 0;
        (string file, string text) = isOwn
            ? ("environment", "") : ConfigSource.ReadText(arguments.Operand("FILE"), stdin);
        LegacyResult result = isOwn ? LegacyReader.FromEnvironment(OwnEnvironment(), name)
            : isEnvironment ? LegacyReader.FromEnvironment(text, name) : LegacyReader.FromYaml(text, file);
        if (result.Routers.IsEmpty && result.Faults.IsEmpty)
        {
            throw new InputException($"{file}: it holds neither a legacy egress router nor an EgressRouter object; an environment is read with --from-env");
        }

        foreach (LegacyFault fault in result.Faults)
        {
            OperatorTools.WriteError($"{file}:{(fault.Line > 0 && !isOwn ? $"{fault.Line}:" : "")} {Shown.Whole(fault.Reason)}");
        }

        if (result.Faults.Length > 0)
        {
            return OperatorTools.Found;
        }

        foreach (LegacyFault note in result.Notes)
        {
            OperatorTools.WriteError($"{file}:{(note.Line > 0 ? $"{note.Line}:" : "")} note: {Shown.Whole(note.Reason)}");
        }

        screen.Lines(string.Join("---\n", result.Routers.Select(router => LegacyManifest.Of(router, space, image))).TrimEnd('\n'));
        return OperatorTools.Fine;
    }

    private static Dictionary<string, string> OwnEnvironment() => Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
        .Where(variable => ((string)variable.Key).StartsWith("EGRESS_", StringComparison.Ordinal))
        .ToDictionary(variable => (string)variable.Key, variable => (string?)variable.Value ?? "");
}
