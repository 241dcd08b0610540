using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Cni;
using CommandLine;
using EgressDataPath.Kernel;
using EgressIp;
using EgressOperator.Trace;
using EgressRouter.Logging;
using EgressRouter.Tools;
using Kubernetes;
using Netlink;
using Netlink.NetFilter;
using Netlink.Routing;
using Serilog.Events;
using Settings = EgressDataPath.Settings;

namespace EgressOperator.Commands;

[Verb("trace",
    HelpText = "Tell what becomes of new connections of a pod of this node to an address, and why: which EgressIP, which address, which "
        + "node. It asks the API and, as root, the kernel, and tells where they differ. Changes nothing, and sends no packet.")]
[Examples("egress-operator trace --node node1 prod/web-0 198.51.100.10",
    "egress-operator trace --node node1 10.244.1.5 [2001:db8::10]:443 -o json")]
internal sealed class TraceCommand : ClusterCommand
{
    [Value(0, MetaName = "POD")]
    public string? Pod { get; set; }

    [Value(1, MetaName = "DEST")]
    public string? Destination { get; set; }

    [Option("node", MetaValue = "NAME", Required = true, HelpText = "The name of this node in the API.")]
    public string Node { get; set; } = "";

    [Option("netns", MetaValue = "PATH", HelpText = "The network namespace of the node. Without it: that of this process.")]
    public string? Namespace { get; set; }

    [Option('o', "output", MetaValue = "table|json", Default = OutputFormat.Table, HelpText = "For people or for programs.")]
    public OutputFormat Output { get; set; }

    protected override int Run(CommandContext context)
    {
        if (Pod is null || Destination is null)
        {
            throw new UsageException("POD or DEST is missing: a pod, as NAMESPACE/NAME or its address, and the address of a destination");
        }

        PodTrace trace = RunAsync(ReadDestination(Destination)).GetAwaiter().GetResult();
        if (Output == OutputFormat.Json)
        {
            context.Screen.Json(trace.Write);
        }
        else
        {
            trace.Write(context.Screen);
        }

        return trace.IsWell ? ExitCode.Ok : ExitCode.ProblemsFound;
    }

    private async Task<PodTrace> RunAsync((IPAddress Address, int Port) destination)
    {
        using NetNamespace space = Namespace is null ? NetNamespace.OpenCurrent() : NetNamespace.Open(Namespace);
        (ObservedState observed, NodeNetworks networks) = ReadKernel(space);
        using var api = new KubernetesApi(Configuration(), BuildInfo.Name);
        TracedCluster cluster = await ReadAsync(api, cache => TracedCluster.Of(cache, Node, networks));
        Pod pod = cluster.FindPod(Pod!);
        string name = $"{pod.Namespace}/{pod.Name}";
        Table table = observed.Table ?? throw new UsageException(
            $"node {Node} has no nftables table inet {Settings.Table}: its agent does not run, or has just started");
        IPAddress source = pod.IPs.FirstOrDefault(address => address.AddressFamily == destination.Address.AddressFamily)
            ?? throw new UsageException(pod.IPs.IsEmpty ? $"pod {name} has no address yet"
                : $"pod {name} has no address of the family of {destination.Address}: {string.Join(", ", pod.IPs)}");
        Service? service = await FindServiceAsync(api, destination.Address);
        using NetlinkSocket routes = space.Run(() => NetlinkSocket.OpenRoute());
        var node = new TracedNode(
            table, observed.Links, [.. observed.Addresses.Select(address => address.Address)],
            (address, mark) => routes.GetRoute(address, mark: mark == 0 ? null : mark));
        string? owner = cluster.OwnerOf(pod)?.Source.Name;
        ImmutableArray<IPAddress> ends = service?.Endpoints ?? [destination.Address];
        return new PodTrace(
            name, source, Node, owner, cluster.Selection(pod), destination.Address, service?.Name,
            [.. ends.Select(end => PathTrace.Of(node, cluster, owner, source, end, destination.Port))]);
    }

    private static (ObservedState Observed, NodeNetworks Networks) ReadKernel(NetNamespace space)
    {
        try
        {
            using var kernel = new NodeKernel(space, new Settings(), TextLog.Create(LogEventLevel.Warning, Console.Error));
            return (kernel.Observe(), kernel.ReadNetworks());
        }
        catch (NetlinkException refused) when (refused.Number is Errno.EPERM or Errno.EACCES)
        {
            throw new UsageException($"only root may read the kernel of the node: {refused.Message}");
        }
    }

    /// <summary>Who may not ask for Services still gets the rest.</summary>
    private static async Task<Service?> FindServiceAsync(KubernetesApi api, IPAddress address)
    {
        try
        {
            return await Service.FindAsync(api, address, CancellationToken.None);
        }
        catch (ApiException failure) when (failure.Code is HttpStatusCode.Forbidden or HttpStatusCode.NotFound)
        {
            StandardError.Write($"note: whether {address} is a Service is not known: {failure.Message}");
            return null;
        }
    }

    private static (IPAddress Address, int Port) ReadDestination(string text)
    {
        int colon = text.LastIndexOf(':');
        bool hasBrackets = text.StartsWith('[') && colon > 0 && text[colon - 1] == ']';
        return StrictAddress.Parse(text) is IPAddress alone ? (alone, 0)
            : colon > 0 && StrictAddress.Parse(hasBrackets ? text[1..(colon - 1)] : text[..colon]) is IPAddress address
                && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port)
                && hasBrackets == address.ToString().Contains(':', StringComparison.Ordinal) ? (address, port)
            : throw new UsageException(
                $"DEST {text}: it must be an address, or one with a port such as 198.51.100.10:443 or [2001:db8::10]:443");
    }
}
