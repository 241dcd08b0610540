using CommandLine;
using EgressRouter.Tools;

namespace EgressRouterCtl.Commands;

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
