using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Cni;
using CommandLine;
using EgressOperator.Heartbeats;
using EgressOperator.Hold;
using EgressRouter.Legacy;
using EgressRouter.Tools;
using Kubernetes;
using Netlink;
using Netlink.Routing;
using Serilog;

namespace EgressOperator.Commands;

[Verb("hold",
    HelpText = "Hold the egress addresses of a pair of router pods, or stand by. Runs in both pods; one of them holds all addresses, and "
        + "is the endpoint of their Service.")]
[Examples("egress-operator hold --service er --address 192.0.2.100/24 --gateway 192.0.2.1 --selector app=er "
    + "--key-file /etc/egress-pair/key")]
internal sealed class HoldCommand : ServiceCommand
{
    [Option("address", MetaValue = "CIDR", Required = true,
        HelpText = "A shared egress address with its prefix length, such as 192.0.2.100/24. May be given more than once, or as a list with "
            + "commas.")]
    public IEnumerable<string> Address { get; set; } = [];

    [Option("service", MetaValue = "NAME", Required = true,
        HelpText = "The Service of the clients, without a selector: this program writes its EndpointSlices.")]
    public string Service { get; set; } = "";

    [Option("selector", MetaValue = "LABELS", Required = true, HelpText = "The labels of both pods, such as app=er, and of no other pod.")]
    public string Selector { get; set; } = "";

    [Option("key-file", MetaValue = "FILE", Required = true,
        HelpText = "A file with a key by which the pods know each other: 16 bytes or more.")]
    public string KeyFile { get; set; } = "";

    [Option("gateway", MetaValue = "ADDRESS",
        HelpText = "A gateway of the egress network. If none answers, the other pod takes over. May be given more than once. Without it: "
            + "those of the routes that the plugin has made.")]
    public IEnumerable<string> Gateway { get; set; } = [];

    [Option("interface", MetaValue = "NAME", Default = "net1", HelpText = "The interface in the egress network.")]
    public string Interface { get; set; } = "net1";

    [Option("name", MetaValue = "NAME",
        HelpText = "The name of the Lease, and the beginning of those of the EndpointSlices. Without it: the Service's.")]
    public string? Name { get; set; }

    [Option("namespace", MetaValue = "NAME",
        HelpText = "The namespace of the pods and the Service. Without it: that of the service account.")]
    public string? Namespace { get; set; }

    [Option("pod", MetaValue = "NAME", HelpText = "The name of this pod. Without it: $POD_NAME, or the name of the host.")]
    public string? Pod { get; set; }

    [Option("lease-seconds", MetaValue = "SECONDS", Default = 1,
        HelpText = "How long the Lease lasts, from 1 to 10. With a longer one a takeover takes longer, and a slow API server "
            + "matters less.")]
    public int LeaseSeconds { get; set; } = 1;

    [Option("peer-port", MetaValue = "PORT", Default = PairText.PeerPort, HelpText = "The UDP port by which the pods speak to each other.")]
    public int PeerPort { get; set; } = PairText.PeerPort;

    [Option("netns", MetaValue = "PATH", HelpText = "The network namespace of the pod. Without it: that of this process.")]
    public string? NetworkNamespace { get; set; }

    [Option("port", MetaValue = "PORT", Default = PairText.HealthPort, HelpText = "The port of /healthz, /readyz and /metrics.")]
    public int Port { get; set; }

    protected override async Task<int> RunAsync()
    {
        InRange("port", Port, 0, ushort.MaxValue);
        InRange("peer-port", PeerPort, 1, ushort.MaxValue);
        InRange("lease-seconds", LeaseSeconds, 1, PairTiming.MaxLeaseSeconds);
        ILogger log = CreateLog();
        ImmutableArray<SharedAddress> addresses = [.. Address.SelectMany(list => list.Split(',')).Select(ReadAddress)];
        ImmutableArray<IPAddress> gateways = [.. Gateway.Select(text =>
            StrictAddress.Parse(text) ?? throw new UsageException($"--gateway {text}: it must be an address such as 192.0.2.1"))];
        byte[] key = HeartbeatOptions.ReadKey(KeyFile);
        if (LinkName.WhyNot(Interface) is string fault)
        {
            throw new UsageException($"--interface {Interface}: {fault}");
        }

        string pod = Pod ?? Environment.GetEnvironmentVariable("POD_NAME") ?? Environment.MachineName;
        string space = Namespace ?? NamespaceOfPod() ?? "default";
        using NetNamespace network = NetworkNamespace is null ? NetNamespace.OpenCurrent() : NetNamespace.Open(NetworkNamespace);
        if (network.Run(LinkOfPod) is { Kind: Ipvlan })
        {
            throw new UsageException($"--interface {Interface}: an ipvlan gets no answers, so nobody knows who has an address");
        }

        using var api = new KubernetesApi(
            Configuration(), $"{BuildInfo.Name} ({pod})", isUrgent: true,
            // In another network namespace than the pod's, the mark could have another meaning.
            prepare: NetworkNamespace is null ? socket => ClusterRoute.Take(socket, Interface) : null);
        var context = new HoldContext(
            api, space, Name ?? Service, Service, pod, TimeSpan.FromSeconds(LeaseSeconds), network, Interface, addresses, gateways,
            new PairMetrics(), log, TimeProvider.System);
        using var stop = new CancellationTokenSource();
        using PosixSignalRegistration term = On(PosixSignal.SIGTERM, stop.Cancel);
        using PosixSignalRegistration interrupt = On(PosixSignal.SIGINT, stop.Cancel);
        await new HoldService(context, Selector, PeerPort, key, Port).RunAsync(stop.Token);
        log.Information("{Program:l} ends", [BuildInfo.Name]);
        return ExitCode.Ok;
    }

    private Link? LinkOfPod()
    {
        using NetlinkSocket socket = NetlinkSocket.OpenRoute();
        return socket.GetLink(Interface);
    }

    private static SharedAddress ReadAddress(string text) =>
        text.Split('/') is [string address, string length] && StrictAddress.Parse(address) is IPAddress parsed
            && int.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out int bits) && bits > 0
            && bits <= (parsed.AddressFamily == AddressFamily.InterNetwork ? 32 : 128)
            ? new SharedAddress(parsed, bits)
            : throw new UsageException($"--address {text}: it must be an address with its prefix length, such as 192.0.2.100/24");
}
