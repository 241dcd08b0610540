using CommandLine;
using EgressOperator.Agent.Audit;
using EgressRouter.Tools;
using EgressRouter.Tools.Audit;

namespace EgressOperator.Commands;

/// <summary>A command that writes an audit log.</summary>
internal abstract class AuditedCommand : ServiceCommand
{
    [Option("audit", MetaValue = "off|end|both", Default = AuditMode.Off,
        HelpText = "The audit log: one line of JSON for each connection that leaves the node with an egress address, at its end, or also "
            + "at its start.")]
    public AuditMode Audit { get; set; }

    [Option("audit-file", MetaValue = "PATH", HelpText = "The file of the audit log. Without it: the standard output.")]
    public string? AuditFile { get; set; }

    [Option("audit-file-size", MetaValue = "MIB", Default = AuditOptions.DefaultMebibytes,
        HelpText = AuditOptions.FileSizeHelp)]
    public int AuditFileSize { get; set; } = AuditOptions.DefaultMebibytes;

    [Option("audit-labels", MetaValue = "NAME,...", HelpText = "The labels of pods that lines have.")]
    public string? AuditLabels { get; set; }

    [Option("audit-rate", MetaValue = "LINES", Default = AuditOptions.DefaultRate,
        HelpText = AuditOptions.RateHelp)]
    public int AuditRate { get; set; } = AuditOptions.DefaultRate;

    /// <summary>Null: no audit log is wanted.</summary>
    /// <exception cref="UsageException">A value is wrong, or is for an audit log that is off.</exception>
    protected AuditRequest? ReadAudit()
    {
        long bytes = InRange("audit-file-size", AuditFileSize, 1, AuditOptions.MostMebibytes) * 1024L * 1024;
        int rate = InRange("audit-rate", AuditRate, 1, AuditOptions.MostRate);
        return Audit != AuditMode.Off ? new AuditRequest(Audit == AuditMode.Both, AuditFile, bytes, rate)
            : AuditFile is not null ? throw new UsageException("--audit-file: --audit is off; it must be end or both")
            : AuditLabels is not null ? throw new UsageException("--audit-labels: --audit is off; it must be end or both")
            : null;
    }
}
