using CommandLine;
using EgressRouter.Tools;
using Netlink;

namespace EgressRouterCtl.Commands;

/// <summary>A command's output format.</summary>
internal enum OutputFormat
{
    Text,
    Json,
}

/// <summary>The options of commands that compare a router with a configuration.</summary>
internal abstract class ConfiguredCommand : Command
{
    protected const string ConfigurationHelp =
        "The configuration: a NetworkAttachmentDefinition, a network configuration or a list of them, in YAML or JSON; - for the standard input.";

    [Value(0, MetaName = "FILE", HelpText = ConfigurationHelp)]
    public virtual string? File { get; set; }

    [Option("interface", MetaValue = "NAME", HelpText = "Name of the egress interface in the pod; the default is net1.")]
    public string? Interface { get; set; }

    [Option("network", MetaValue = "NAME", HelpText = "The network, if FILE has several.")]
    public string? Network { get; set; }

    [Option("args", MetaValue = "KEY=VALUE;...",
        HelpText = "CNI_ARGS as the runtime sets it: K8S_POD_NAME=web-0 selects an entry of podIP, IP=192.168.12.99 an address.")]
    public string? Args { get; set; }

    protected string InterfaceName => Interface ?? "net1";

    /// <exception cref="UsageException">No file is given.</exception>
    protected string RequiredFile => File ?? throw new UsageException("FILE is missing");

    /// <exception cref="UsageException">No file is given, or it cannot be read.</exception>
    protected RouterDefinition ReadFile(Stream stdin) => RouterDefinition.Read(RequiredFile, stdin, Args, Network);
}

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

/// <summary>The options of commands that inspect pods without changing them.</summary>
internal abstract class PodCommand : NamespaceCommand
{
    // repair must not have this option: a pod can claim another container's ID, and would get its address.
    [Option("container", MetaValue = "ID",
        HelpText = "The network namespace of this container's router. The first characters of the ID suffice.")]
    public string? Container { get; set; }

    protected override string? ContainerId => Container;
}
