using System.Collections.Immutable;
using Cni;
using EgressRouter.Config;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;
using Netlink.Neighbours;
using Netlink.Routing;
using Serilog;

namespace EgressRouter.Commands;

/// <summary>
/// STATUS: silent when ADD could be served now. What ADD needs of the kernel is tried in a namespace made for it, which
/// goes away again; nothing of the node is touched.
/// </summary>
internal static class StatusCommand
{
    public static void Run(CniRequest request, ILogger log)
    {
        RouterConfig config = RequestContext.ParseConfig(request, log);
        ImmutableArray<Attachment> attachments = Resolve(request, config);
        try
        {
            NetNamespace.RunInNew(() => Try(attachments[0], config));
        }
        catch (Exception missing) when (missing is NetlinkException or IOException or UnauthorizedAccessException)
        {
            throw new CniException(CniErrorCode.PluginNotAvailable, missing.Message);
        }

        if (config.IpamType is string type)
        {
            Find(type, request).Forward(CniCommand.Status, request);
        }
    }

    /// <summary>What ADD would make, for every entry of <c>podIP</c>.</summary>
    private static ImmutableArray<Attachment> Resolve(CniRequest request, RouterConfig config)
    {
        using NetlinkSocket node = NetlinkSocket.OpenRoute();
        return [.. new[] { config }.Concat(config.OtherPods).Select(one => Resolve(request, one, node))];
    }

    private static Attachment Resolve(CniRequest request, RouterConfig config, NetlinkSocket node)
    {
        Attachment? attachment = AttachmentResolver.Resolve(
            config, new AttachmentNames("net1"), new Owner(request.NetworkName, ""), node, isNew: true,
            out ImmutableArray<ConfigError> faults);
        if (attachment is null)
        {
            // Without the parent the routers that are there have no connection either.
            bool isParent = faults.Any(fault => fault.Path == AttachmentResolver.ParentPath);
            throw new CniException(
                isParent ? CniErrorCode.LimitedConnectivity : CniErrorCode.PluginNotAvailable,
                string.Join("; ", Listing.Short([.. faults.Select(fault => fault.ToString())])));
        }

        string? missing = node.GetLink(attachment.Parent.Name) is not { IsUp: true } ? "is down"
            : config.ConflictDetection == ConflictDetection.On && node.GetLink(attachment.Parent.Index) is not { IsRunning: true }
            ? "has no carrier"
            : null;
        return missing is null
            ? attachment
            : throw new CniException(CniErrorCode.LimitedConnectivity, $"the parent {attachment.Parent.Name} {missing}");
    }

    /// <summary>All of ADD that needs no parent, in an empty namespace.</summary>
    private static void Try(Attachment attachment, RouterConfig config)
    {
        using NetNamespace here = NetNamespace.OpenCurrent();
        using PodNetwork network = PodNetwork.Open();
        using NetlinkSocket route = NetlinkSocket.OpenRoute();
        PodDump reading = network.Read();
        OriginalPodState facts = network.Snapshot(attachment.Names, reading).Facts(attachment.Names, reading.ReadSysctl);
        NetworkState desired = StateBuilder.Present(attachment, facts);
        network.Apply([new CreateTable(desired.Table!), new SetSysctl(Sysctl.Ipv4AllForwarding, 1)]);
        try
        {
            network.Create(
                new CreateLink(desired.Link! with { Parent = new ParentLink(int.MaxValue, null) }), attachment.Names, route, here, here);
        }
        catch (NetlinkException expected) when (expected.Number == Errno.ENODEV)
        {
            // The kernel knows the kind, and looked for the parent, which is no link.
        }

        if (config.ConflictDetection == ConflictDetection.On && route.GetLink("lo") is Link loopback)
        {
            NeighbourSocket.Open(loopback.Name, loopback.Index, listen: true).Dispose();
        }
    }

    private static IpamDelegate Find(string type, CniRequest request)
    {
        try
        {
            return IpamDelegate.Find(type, request.PluginPath);
        }
        catch (CniException missing)
        {
            throw new CniException(CniErrorCode.PluginNotAvailable, missing.Message);
        }
    }
}
