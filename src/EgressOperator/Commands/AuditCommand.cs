using CommandLine;
using EgressRouter.Tools;
using EgressRouter.Tools.Audit;

namespace EgressOperator.Commands;

[Verb("audit",
    HelpText = "Tell who has used a port of an egress address at a time, from the audit logs of agents and of egress-routerctl audit.")]
[Examples("egress-operator audit --address 192.0.2.100 --port 45231 --at 2026-11-27T12:03Z audit.json.1 audit.json",
    "kubectl -n kube-system logs -l app=egress-agent --tail=-1 | "
        + "egress-operator audit --address 192.0.2.100 --port 45231 --at 2026-11-27T12:03Z")]
internal sealed class AuditCommand : Command
{
    [Value(0, MetaName = "[FILE]...", HelpText = "The logs, the oldest first; - or none for the standard input.")]
    public IEnumerable<string> Files { get; set; } = [];

    [Option("address", MetaValue = "IP", Required = true, HelpText = "The egress address.")]
    public string Address { get; set; } = "";

    [Option("port", MetaValue = "PORT", Required = true, HelpText = "Its port, as the server saw it.")]
    public int Port { get; set; }

    [Option("at", MetaValue = "TIME", Required = true,
        HelpText = "A time with its zone, such as 2026-11-27T12:03:04Z. Without seconds, the whole minute.")]
    public string At { get; set; } = "";

    [Option("protocol", MetaValue = "NAME", HelpText = "Such as tcp or udp. Without it: any.")]
    public string? Protocol { get; set; }

    protected override int Run(CommandContext context)
    {
        (DateTimeOffset from, DateTimeOffset to) = AuditOptions.ReadTime(At);
        var question = new AuditQuestion(
            AuditOptions.ReadAddress(Address), (ushort)InRange("port", Port, 1, ushort.MaxValue), AuditOptions.ReadProtocol(Protocol),
            from, to);
        bool isFound = false;
        var search = new AuditSearch(question, match =>
        {
            isFound = true;
            context.Screen.Line(AuditText.Of(match));
        });
        foreach (string file in Files.DefaultIfEmpty("-"))
        {
            Read(search, file, context.Stdin);
        }

        search.End();
        if (!isFound)
        {
            context.Screen.Line(AuditText.OfNobody(question, search));
        }

        return isFound ? ExitCode.Ok : ExitCode.ProblemsFound;
    }

    private static void Read(AuditSearch search, string file, Stream stdin)
    {
        try
        {
            using Stream stream = file == "-" ? stdin : File.OpenRead(file);
            search.Read(stream);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{file}: {unreadable.Message}");
        }
    }
}
