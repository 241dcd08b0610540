using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Cni;
using EgressRouter.Config;
using EgressRouter.Kernel;
using EgressRouter.State;
using Netlink;
using Serilog;

namespace EgressRouter.Commands;

/// <summary>Steps that several commands share.</summary>
internal static class CommandSteps
{
    /// <summary>The configuration of a request. Fails with code 7 (code 2 for known but unsupported values) and all errors.</summary>
    public static RouterConfig ParseConfig(CniRequest request, ILogger log)
    {
        RouterConfig config = Checked(
            RouterConfig.Parse(request.Config, request.Args, forAnyPod: request.Command == CniCommand.Status), log);
        DestinationLog.Write(config.Destinations, log);
        return config;
    }

    /// <summary>The configuration with the IPAM plugin's addresses. Fails with code 7 and all their errors.</summary>
    public static RouterConfig With(RouterConfig config, ImmutableArray<CniIp> ips, ILogger log) => Checked(config.With(ips), log);

    private static RouterConfig Checked(ConfigResult result, ILogger log)
    {
        foreach (string warning in ShortList.Short([.. result.Warnings.Select(fault => fault.ToString())]))
        {
            log.Warning("configuration warning: {Warning:l}", [warning]);
        }

        return result.Config ?? throw FaultsError(result.Errors);
    }

    /// <summary>The attachment of the configuration on this node. Fails with code 7 and all values that cannot be inferred.</summary>
    public static Attachment Resolve(CniRequest request, RouterConfig config, NetlinkSocket node) =>
        AttachmentResolver.Resolve(
            config, new AttachmentNames(request.IfName), new Owner(request.NetworkName, request.ContainerId), node,
            isNew: request.Command != CniCommand.Check, out ImmutableArray<ConfigError> errors) ?? throw FaultsError(errors);

    /// <summary>The result of the previous plugins, or of the whole chain in CHECK; null if there is none.</summary>
    /// <exception cref="CniException">Code 7: it is not a valid result.</exception>
    public static CniResult? PreviousResult(CniRequest request) =>
        request.PrevResult is JsonElement result ? CniResult.Read(result, "prevResult") : null;

    /// <summary>The pod's original state. Fails with code 7 if the configured cluster interface does not exist.</summary>
    public static PodFacts Facts(
        RouterConfig config, CniResult? previous, AttachmentNames names, PodNetwork network, PodDump dump)
    {
        PodSnapshot snapshot = network.Snapshot(names, dump);
        if (snapshot.SameNumbersAs(names) is string other)
        {
            throw new CniException(
                PluginErrorCode.InterfaceExists,
                $"interface {names.Interface} would use the same marks and tables as the existing {other}: choose another name");
        }

        if (config.ClusterInterface is string wanted && snapshot.Links.All(link => link.Name != wanted))
        {
            throw FaultsError([new ConfigError("clusterInterface", wanted, "the pod has no interface of this name")]);
        }

        return snapshot.Facts(names, dump.ReadSysctl, config.ClusterInterface, GatewaysOf(previous));
    }

    /// <summary>Rejects addresses of the pod's other interfaces: both interfaces would answer for them.</summary>
    /// <exception cref="CniException">Code 7, with the address and the interface.</exception>
    public static void RefuseAddressesOfPod(RouterConfig config, PodFacts facts)
    {
        Dictionary<IPAddress, LocalAddress> local = facts.LocalAddresses.DistinctBy(local => local.Address)
            .ToDictionary(local => local.Address);
        ImmutableArray<ConfigError> errors =
        [
            .. config.Addresses.Select((address, index) => (address, index, Holder: local.GetValueOrDefault(address.Address)))
                .Where(found => found.Holder is not null)
                .Select(
                    found => new ConfigError(
                        $"{config.AddressesPath}[{found.index}]", $"{found.address}",
                        $"interface {found.Holder!.Link} of the pod has this address already")),
        ];
        if (!errors.IsEmpty)
        {
            throw FaultsError(errors);
        }
    }

    /// <summary>
    /// Deletes older connections that the router would redirect: a client with a fixed source port would otherwise keep its
    /// connection to the pod.
    /// </summary>
    public static void ForgetConnections(Attachment attachment, PodNetwork network, ILogger log)
    {
        try
        {
            network.Apply(attachment.Destinations.IsEmpty ? [] : [ForgetStaleConnections.Of(attachment)]);
        }
        catch (NetlinkException unable)
        {
            // They expire by themselves.
            log.Warning("older connections are not redirected: {Message:l}", [unable.Message]);
        }
    }

    /// <summary>
    /// The gateways in the results of earlier plugins: those of default routes first, then those of addresses (CNI specification,
    /// "ADD Success").
    /// </summary>
    private static IEnumerable<IPAddress> GatewaysOf(CniResult? previous) => previous is null
        ? []
        : previous.Routes.Where(route => route.PrefixLength == 0).Select(route => route.Gateway)
            .Concat(previous.Ips.Select(ip => ip.Gateway)).OfType<IPAddress>();

    /// <summary>The pod's namespace. Fails with code 8 if it cannot be opened.</summary>
    public static NetNamespace OpenPod(CniRequest request)
    {
        try
        {
            NetNamespace pod = NetNamespace.Open(request.NetNs);
            if (!IsOwn(pod))
            {
                return pod;
            }

            pod.Dispose();
            throw new CniException(
                CniErrorCode.InvalidNetNs, $"CNI_NETNS {request.NetNs} is the network namespace of the plugin itself, not that of a pod");
        }
        catch (NetlinkException unusable)
        {
            throw new CniException(CniErrorCode.InvalidNetNs, $"CNI_NETNS: {unusable.Message}");
        }
    }

    /// <summary>Whether it is this process's own namespace: the node's.</summary>
    public static bool IsOwn(NetNamespace pod)
    {
        using NetNamespace own = NetNamespace.OpenCurrent();
        return own.Identity == pod.Identity;
    }

    public static CniException FaultsError(ImmutableArray<ConfigError> errors)
    {
        CniErrorCode code = errors.All(fault => fault.UnsupportedValue) ? CniErrorCode.UnsupportedField : CniErrorCode.InvalidConfig;
        string count = errors.Length == 1 ? "" : $"{errors.Length} faults in the configuration: ";
        return new CniException(code, count + string.Join("; ", ShortList.Short([.. errors.Select(fault => fault.ToString())])));
    }
}
