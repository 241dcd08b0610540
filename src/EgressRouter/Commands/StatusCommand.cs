using System.Collections.Immutable;
using Cni;
using EgressRouter.Config;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;
using Netlink.Neighbors;
using Netlink.Routing;
using Serilog;

namespace EgressRouter.Commands;

/// <summary>
/// STATUS: succeeds if ADD would work now. It tries the kernel features that ADD needs in a temporary namespace; nothing on the
/// node changes.
/// </summary>
internal static class StatusCommand
{
    public static void Run(CniRequest request, ILogger log)
    {
        RouterConfig config = CommandSteps.ParseConfig(request, log);
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

    /// <summary>The attachments that ADD would create for every entry of <c>podIP</c>.</summary>
    private static ImmutableArray<Attachment> Resolve(CniRequest request, RouterConfig config)
    {
        using NetlinkSocket node = NetlinkSocket.OpenRoute();
        return [.. new[] { config }.Concat(config.OtherPods).Select(one => Resolve(request, one, node))];
    }

    private static Attachment Resolve(CniRequest request, RouterConfig config, NetlinkSocket node)
    {
        Attachment? attachment = AttachmentResolver.Resolve(
            config, new AttachmentNames("net1"), new Owner(request.NetworkName, ""), node, isNew: true,
            out ImmutableArray<ConfigError> errors);
        if (attachment is null)
        {
            // Without the parent, existing routers have no connectivity either.
            bool isParent = errors.Any(fault => fault.Path == InterfaceParser.MasterPath);
            throw new CniException(
                isParent ? CniErrorCode.LimitedConnectivity : CniErrorCode.PluginNotAvailable,
                string.Join("; ", ShortList.Short([.. errors.Select(fault => fault.ToString())])));
        }

        string? missing = node.GetLink(attachment.Parent.Name) is not { IsUp: true } ? "is down"
            : config.ConflictDetection == ConflictDetection.On && node.GetLink(attachment.Parent.Index) is not { IsRunning: true }
            ? "has no carrier"
            : null;
        return missing is null
            ? attachment
            : throw new CniException(CniErrorCode.LimitedConnectivity, $"the parent {attachment.Parent.Name} {missing}");
    }

    /// <summary>Tries all of ADD that needs no parent, in an empty namespace.</summary>
    private static void Try(Attachment attachment, RouterConfig config)
    {
        using NetNamespace here = NetNamespace.OpenCurrent();
        using PodNetwork network = PodNetwork.Open();
        using NetlinkSocket route = NetlinkSocket.OpenRoute();
        PodDump dump = network.Read();
        PodFacts facts = network.Snapshot(attachment.Names, dump).Facts(attachment.Names, dump.ReadSysctl);
        NetworkState desired = StateBuilder.Present(attachment, facts);
        network.Apply([new CreateTable(desired.Table!), new SetSysctl(Sysctl.Ipv4AllForwarding, 1)]);
        try
        {
            network.Create(
                new CreateLink(desired.Link! with { Parent = new ParentLink(int.MaxValue, null) }), attachment.Names, route, here, here);
        }
        catch (NetlinkException expected) when (expected.Number == Errno.ENODEV)
        {
            // The kernel supports the link kind, and failed only at the nonexistent parent.
        }

        if (config.ConflictDetection == ConflictDetection.On && route.GetLink("lo") is Link loopback)
        {
            NeighborSocket.Open(loopback.Name, loopback.Index, listen: true).Dispose();
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
