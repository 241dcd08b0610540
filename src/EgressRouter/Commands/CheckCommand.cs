using System.Collections.Immutable;
using Cni;
using EgressRouter.Config;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;
using Netlink.Routing;
using Serilog;

namespace EgressRouter.Commands;

/// <summary>CHECK: silent when the pod is as ADD left it, else one error with everything that differs.</summary>
internal static class CheckCommand
{
    public static void Run(CniRequest request, ILogger log)
    {
        RouterConfig config = Preparation.ParseConfig(request, log);
        // Required of CHECK: the request has it.
        CniResult previous = Preparation.PreviousResult(request)!;
        CniInterface told = previous.Interfaces.FirstOrDefault(item => item.Name == request.IfName && !string.IsNullOrEmpty(item.Sandbox))
            ?? throw new CniException(CniErrorCode.StateDiffers, $"prevResult has no interface {request.IfName} of the pod");
        ImmutableArray<CniIp> ips = [.. previous.Ips.Where(ip => ip.Interface == previous.Interfaces.IndexOf(told))];
        if (config.IpamType is string type)
        {
            config = Preparation.With(config, ips, log);
            IpamDelegate.Find(type, request.PluginPath).Forward(CniCommand.Check, request);
        }

        using NetNamespace pod = Preparation.OpenPod(request);
        using NetlinkSocket node = NetlinkSocket.OpenRoute();
        Attachment attachment = Told(Preparation.Resolve(request, config, node), told);
        ImmutableArray<Difference> differences =
        [
            .. attachment.Addresses.Where(address => ips.All(ip => !ip.Address.Equals(address.Address))).Select(address => new UntoldDifference(address)),
            .. pod.Run(() => Differences(config, previous, attachment, told, node, log)),
        ];
        if (!differences.IsEmpty)
        {
            throw new CniException(
                CniErrorCode.StateDiffers,
                $"{differences.Length} difference{(differences.Length == 1 ? "" : "s")} from the configuration: {string.Join("; ", differences)}");
        }
    }

    private static ImmutableArray<Difference> Differences(
        RouterConfig config, CniResult previous, Attachment attachment, CniInterface told, NetlinkSocket node, ILogger log)
    {
        using PodNetwork network = PodNetwork.Open();
        PodReading reading = network.Read();
        NetworkState desired = StateBuilder.Present(attachment, Preparation.Facts(config, previous, attachment.Names, network, reading));
        NetworkState observed = network.Observe(attachment.Names, desired.Sysctls.Keys, reading);
        if (told.Mtu is null && observed.Link is LinkState there)
        {
            // Before 1.1.0 a result has no MTU, and a later plugin that changed it could not tell.
            desired = desired with { Link = desired.Link! with { Mtu = there.Mtu } };
        }

        // Multus replaces default routes of the pod, or takes them away, and edits the result.
        desired = desired with { Routes = desired.Routes.RemoveAll(route => IsMainDefault(route) && !IsTold(route, previous)) };
        return Difference.Between(desired, observed with { Conflicts = Conflicts.Observe(config, attachment, network, node, log) });
    }

    private static bool IsMainDefault(RouteState route) => route.IsDefault && route.Table == Route.MainTable;

    /// <summary>Whether the result has this default route, and no other one of its family.</summary>
    private static bool IsTold(RouteState route, CniResult result)
    {
        CniRoute[] told = [.. result.Routes.Where(other => other.IsMainDefault && other.Destination.AddressFamily == route.Family)];
        return told.Length > 0 && told.All(other => Equals(other.Gateway, route.Gateway));
    }

    /// <summary>
    /// What the result tells of the interface counts before the configuration: a later plugin of the chain, such as
    /// tuning, may have changed it, and says so there.
    /// </summary>
    private static Attachment Told(Attachment attachment, CniInterface told) => attachment with
    {
        Mac = MacAddress.TryParse(told.Mac) ?? attachment.Mac,
        Mtu = told.Mtu is int mtu and > 0 ? Math.Min(mtu, attachment.Parent.Mtu) : attachment.Mtu,
    };
}
