using CommandLine;

namespace EgressRouterCtl.Commands;

/// <summary>The options of commands that inspect pods without changing them.</summary>
internal abstract class PodCommand : NamespaceCommand
{
    // repair must not have this option: a pod can claim another container's ID, and would get its address.
    [Option("container", MetaValue = "ID",
        HelpText = "The network namespace of this container's router. The first characters of the ID suffice.")]
    public string? Container { get; set; }

    protected override string? ContainerId => Container;
}
