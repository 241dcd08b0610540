using System.Collections.Immutable;
using System.Net;
using Cni;
using EgressRouter.Config;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;
using Netlink.Routing;
using Serilog;

namespace EgressRouter.Commands;

/// <summary>CHECK: succeeds if the pod is as ADD left it, else fails with one error that lists all differences.</summary>
internal static class CheckCommand
{
    public static void Run(CniRequest request, ILogger log)
    {
        RouterConfig config = CommandSteps.ParseConfig(request, log);
        // Never null: a CHECK request without prevResult is rejected.
        CniResult previous = CommandSteps.PreviousResult(request)!;
        CniInterface told = previous.Interfaces.FirstOrDefault(item => item.Name == request.IfName && !string.IsNullOrEmpty(item.Sandbox))
            ?? throw new CniException(PluginErrorCode.StateDiffers, $"prevResult has no interface {request.IfName} of the pod");
        ImmutableArray<CniIp> ips = [.. previous.Ips.Where(ip => ip.Interface == previous.Interfaces.IndexOf(told))];
        if (config.IpamType is string type)
        {
            config = CommandSteps.With(config, ips, log);
            IpamDelegate.Find(type, request.PluginPath).Forward(CniCommand.Check, request);
        }

        using NetNamespace pod = CommandSteps.OpenPod(request);
        using NetlinkSocket node = NetlinkSocket.OpenRoute();
        ImmutableArray<Difference> differences = pod.Run(() => Differences(request, config, previous, told, ips, node, log));
        if (!differences.IsEmpty)
        {
            throw new CniException(
                PluginErrorCode.StateDiffers,
                $"{differences.Length} difference{(differences.Length == 1 ? "" : "s")} from the configuration: {string.Join("; ", ShortList.Short(differences))}");
        }
    }

    /// <summary>Must run in the pod's namespace.</summary>
    private static ImmutableArray<Difference> Differences(
        CniRequest request, RouterConfig config, CniResult previous, CniInterface told, ImmutableArray<CniIp> ips,
        NetlinkSocket node, ILogger log)
    {
        using PodNetwork network = PodNetwork.Open();
        var names = new AttachmentNames(request.IfName);
        PodDump dump = network.Read(names);
        NetworkState observed = InferredValues.NameParent(network.Observe(names, [], dump), node);
        Attachment attachment = Resolve(request, config, observed, ips, node);
        NetworkState desired = StateBuilder.Present(attachment, CommandSteps.Facts(config, previous, attachment.Names, network, dump));
        observed = observed with
        {
            Sysctls = dump.ReadSysctls(desired.Sysctls.Keys),
            Conflicts = ConflictPolicy.Observe(config, attachment, observed, network, node, log),
        };
        desired = LaterPlugins.Accept(ApplyPrevResult(desired, observed, previous, told), observed, attachment, network, dump);
        if (SharedAddresses.Of(observed) is { Any: true } shared)
        {
            log.Information("high availability: {State:l}", [shared]);
        }

        HashSet<IPAddress> toldAddresses = [.. ips.Select(ip => ip.Address)];
        return
        [
            .. desired.Addresses.Where(address => !toldAddresses.Contains(address.Address))
                .Select(address => new MissingFromPrevResult(address)),
            .. Difference.Between(desired, observed),
        ];
    }

    /// <summary>
    /// ADD's inferred values are in its result, except the parent, which the kernel reports; with high availability they are in the kernel.
    /// </summary>
    private static Attachment Resolve(
        CniRequest request, RouterConfig config, NetworkState observed, ImmutableArray<CniIp> ips, NetlinkSocket node)
    {
        InferredValues inferred = config.HighAvailability ? InferredValues.Of(observed, new AttachmentNames(request.IfName)) : new(
            [.. ips.Select(ip => new EgressAddress(ip.Address, ip.PrefixLength))],
            [.. ips.Select(ip => ip.Gateway).OfType<IPAddress>()],
            observed.Link?.Parent?.Name);
        try
        {
            return CommandSteps.Resolve(request, inferred.Complete(config), node);
        }
        catch (CniException unknown) when (observed.Link is null)
        {
            // Usually the parent was deleted, and the interface with it: report the missing interface.
            throw new CniException(PluginErrorCode.StateDiffers, $"link {request.IfName} is missing; {unknown.Message}");
        }
    }

    /// <summary>
    /// The result takes precedence over the configuration, because later plugins of the chain changed it: for example, tuning the
    /// hardware address, and Multus the default routes.
    /// </summary>
    private static NetworkState ApplyPrevResult(NetworkState desired, NetworkState observed, CniResult previous, CniInterface told)
    {
        LinkState link = desired.Link!;
        // No result reports an MTU that tuning has lowered, or that the kernel lowered with the parent's, which may have grown since.
        int? limit = told.Mtu is int mtu and > 0 ? mtu : link.Settings.Mtu;
        return desired with
        {
            Link = link with
            {
                Settings = link.Settings with
                {
                    HardwareAddress = MacAddress.TryParse(told.Mac) ?? link.Settings.HardwareAddress,
                    Mtu = observed.Link?.Settings.Mtu is int there && there < limit ? there : limit,
                },
            },
            Routes = desired.Routes.RemoveAll(route => IsMainDefault(route) && !IsTold(route, previous)),
        };
    }

    private static bool IsMainDefault(RouteState route) => route.IsDefault && route.Table == Route.MainTable;

    /// <summary>Whether the result has this default route and no other one of its family.</summary>
    private static bool IsTold(RouteState route, CniResult result)
    {
        CniRoute[] told = [.. result.Routes.Where(other => other.IsMainDefault && other.Destination.AddressFamily == route.Family)];
        return told.Length > 0 && told.All(other => Equals(other.Gateway, route.Gateway));
    }
}
