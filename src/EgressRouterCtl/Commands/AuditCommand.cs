using CommandLine;
using EgressRouter.Tools;
using EgressRouter.Tools.Audit;
using Netlink;
using Netlink.NetFilter;

namespace EgressRouterCtl.Commands;

[Verb("audit",
    HelpText = "Write one line of JSON for each connection that leaves with an egress address of the routers of a network namespace, at "
        + "its end: client, destination, address and port, packets and bytes. Runs in or beside the pod until it is ended.")]
[Examples("egress-routerctl audit", "egress-routerctl audit --netns /run/netns/cni-4f1d --file /var/log/egress-audit.json")]
internal sealed class AuditCommand : Command
{
    [Option("netns", MetaValue = "PATH", HelpText = "The pod's network namespace. Without it: that of this process.")]
    public string? NetNs { get; set; }

    [Option("lines", MetaValue = "end|both", Default = AuditMode.End,
        HelpText = "A line at the end of a connection, or also at its start.")]
    public AuditMode Lines { get; set; } = AuditMode.End;

    [Option("file", MetaValue = "PATH", HelpText = "Append to this file. Without it: the standard output.")]
    public string? File { get; set; }

    [Option("file-size", MetaValue = "MIB", Default = AuditOptions.DefaultMebibytes,
        HelpText = AuditOptions.FileSizeHelp)]
    public int FileSize { get; set; } = AuditOptions.DefaultMebibytes;

    [Option("rate", MetaValue = "LINES", Default = AuditOptions.DefaultRate,
        HelpText = AuditOptions.RateHelp)]
    public int Rate { get; set; } = AuditOptions.DefaultRate;

    protected override int Run(CommandContext context)
    {
        if (Lines == AuditMode.Off)
        {
            throw new UsageException("--lines: the value must be end|both");
        }

        int rate = InRange("rate", Rate, 1, AuditOptions.MostRate);
        long size = InRange("file-size", FileSize, 1, AuditOptions.MostMebibytes) * 1024L * 1024;
        using NetNamespace pod = NetNs is null ? NetNamespace.OpenCurrent() : NetNamespace.Open(NetNs);
        using RouterAddresses addresses = pod.Run(() => new RouterAddresses());
        foreach (string note in pod.Run(AuditSysctls.TurnOn))
        {
            StandardError.Write($"note: {note}");
        }

        using ChangeMonitor<ConnectionChange> monitor = pod.Run(
            () => ConnectionChange.OpenLog((_, source) => addresses.Contains(source), Lines == AuditMode.Both));
        using RotatingFile? file = File is null ? null : new RotatingFile(File, size);
        using Stream stdout = AuditLog.OpenStandardOutput();
        // As the downward API gives them to a container.
        string? node = Variable("NODE_NAME");
        AuditPod? router = Variable("POD_NAME") is string name ? new AuditPod(Variable("POD_NAMESPACE") ?? "", name, []) : null;
        var log = new AuditLog(file is null ? stdout.Write : file.Write, rate, node, TimeProvider.System);
        using var end = new ShutdownSignal();
        new AuditTrail(monitor, log, change => AuditRecord.Of(change, DateTimeOffset.UtcNow, node, router)).Run(end.Wait, failure =>
        {
            if (file is null)
            {
                throw new IOException($"standard output: {failure}");
            }

            StandardError.WriteError($"lines are missing: {failure}");
        });
        return ExitCode.Ok;
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
