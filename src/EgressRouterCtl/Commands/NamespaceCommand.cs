using CommandLine;
using EgressRouter.Tools;
using Netlink;

namespace EgressRouterCtl.Commands;

/// <summary>The options of commands that enter one network namespace.</summary>
internal abstract class NamespaceCommand : ConfiguredCommand
{
    [Option("netns", MetaValue = "PATH", HelpText = "The pod's network namespace, such as /run/netns/NAME.")]
    public string? NetNs { get; set; }

    [Option("pid", MetaValue = "N", HelpText = "The network namespace of this process.")]
    public int? ProcessId { get; set; }

    protected virtual string? ContainerId => null;

    /// <summary>Opens the namespaces that the options select; without an option, all that have routers.</summary>
    protected IReadOnlyList<NetNamespace> Pods() =>
        PodNamespaces.Find(NetNs, ProcessId is int id ? InRange("pid", id, 1, int.MaxValue) : null, ContainerId);

    /// <exception cref="UsageException">The options select no namespace, or several.</exception>
    protected NetNamespace Pod()
    {
        IReadOnlyList<NetNamespace> found = Pods();
        return found is [NetNamespace one] ? one
            : throw new UsageException(
                $"{found.Count} namespaces have egress routers; choose one with --netns: {string.Join(", ", found.Select(pod => pod.Path))}");
    }
}
