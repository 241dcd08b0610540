using System.Collections;
using Cni;
using CommandLine;
using EgressRouter.Config;
using EgressRouter.Legacy;
using EgressRouter.Tools;

namespace EgressRouterCtl.Commands;

[Verb("convert",
    HelpText =
        "Write NetworkAttachmentDefinition, Deployment and Service of each legacy egress router (a Pod, or KEY=VALUE) or EgressRouter object in FILE.")]
[Examples("egress-routerctl convert legacy-pod.yaml | kubectl apply -f -",
    "kubectl get egressrouters -A -o yaml | egress-routerctl convert - > routers.yaml",
        "egress-routerctl convert --from-env --name db legacy.env")]
internal sealed class ConvertCommand : Command
{
    [Value(0, MetaName = "[FILE]", HelpText = "The manifests, or, with --from-env, the environment; - for the standard input.")]
    public string? File { get; set; }

    [Option("from-env",
        HelpText = "FILE has lines KEY=VALUE, the environment of a legacy image; without FILE the environment of this program is read.")]
    public bool FromEnvironment { get; set; }

    [Option("name", MetaValue = "NAME", Default = "egress-router", HelpText = "The router's name, for --from-env.")]
    public string Name { get; set; } = "";

    [Option("namespace", MetaValue = "NAME", HelpText = "The namespace, if the input names none.")]
    public string? Namespace { get; set; }

    [Option("image", MetaValue = "IMAGE",
        HelpText =
            "The pod's image: for a redirecting router one that only stays up (default registry.k8s.io/pause:3.10), for a proxy the proxy's.")]
    public string? Image { get; set; }

    [Option("replicas", MetaValue = "1|2", Default = 1,
        HelpText = "2: a pair of pods, of which one holds the addresses and the other takes over in about a second.")]
    public int Replicas { get; set; } = 1;

    [Option("hold-image", MetaValue = "IMAGE", HelpText = "The image of egress-operator, for --replicas 2.")]
    public string? HoldImage { get; set; }

    protected override int Run(CommandContext context)
    {
        Screen screen = context.Screen;
        if (Replicas is not (1 or 2))
        {
            throw new UsageException($"--replicas {Replicas}: it must be 1 or 2");
        }

        if (new[] { Image, HoldImage }.Any(image => image?.Any(letter => letter is <= ' ' or '#' or '"' or '\'') == true)
            || (Namespace is not null && !LegacyResult.IsNamespace(Namespace)))
        {
            throw new UsageException($"--image {Image}, --hold-image {HoldImage} or --namespace {Namespace} is not a valid name");
        }

        bool isOwn = FromEnvironment && File is null;
        (string file, string text) = isOwn
            ? ("environment", "") : TextFile.Read(File ?? throw new UsageException("FILE is missing"), context.Stdin);
        LegacyResult result;
        string[] manifests;
        using (var progress = new ProgressLine())
        {
            progress.Report("convert: reading");
            result = isOwn ? LegacyReader.FromEnvironment(OwnEnvironment(), Name)
                : FromEnvironment ? LegacyReader.FromEnvironment(text, Name) : LegacyReader.FromYaml(text, file, Namespace, progress);
            result = result.Faults.IsEmpty ? result.WithReplicas(Replicas) : result;
            manifests = result.Faults.IsEmpty ? Manifests(result, progress) : [];
        }

        if (result.Routers.IsEmpty && result.Faults.IsEmpty)
        {
            throw new UsageException(
                $"{file}: it holds neither a legacy egress router nor an EgressRouter object; an environment is read with --from-env");
        }

        foreach (LegacyFault fault in result.Faults)
        {
            StandardError.Write($"{file}:{(fault.Line > 0 && !isOwn ? $"{fault.Line}:" : "")} {SafeText.Escape(fault.Reason)}");
        }

        if (result.Faults.Length > 0)
        {
            return ExitCode.ProblemsFound;
        }

        foreach (LegacyFault note in result.Notes)
        {
            StandardError.Write($"{file}:{(note.Line > 0 ? $"{note.Line}:" : "")} note: {SafeText.Escape(note.Reason)}");
        }

        screen.Document(string.Join("---\n", manifests));
        return ExitCode.Ok;
    }

    private string[] Manifests(LegacyResult result, ProgressLine progress) => [.. result.Routers.Select((router, index) =>
    {
        progress.Report($"convert: {index} of {result.Routers.Length} routers written");
        return LegacyManifest.Of(router, Namespace, Image, HoldImage);
    })];

    private static Dictionary<string, string> OwnEnvironment() => Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
        .Where(variable => ((string)variable.Key).StartsWith("EGRESS_", StringComparison.Ordinal))
        .ToDictionary(variable => (string)variable.Key, variable => (string?)variable.Value ?? "");
}
