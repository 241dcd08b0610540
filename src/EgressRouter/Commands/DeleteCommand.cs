using System.Text.Json;
using Cni;
using EgressRouter.Config;
using EgressRouter.State;
using Netlink;
using Serilog;

namespace EgressRouter.Commands;

/// <summary>
/// DEL: removes any remainder of an attachment and restores the pod's original state. It needs neither the parent nor the rest of
/// the configuration, and succeeds if there is nothing to do.
/// </summary>
internal static class DeleteCommand
{
    public static void Run(CniRequest request, ILogger log)
    {
        string? ipam = IpamSettings.TypeOf(request.Config);
        if (request.ConfigError is CniException error)
        {
            log.Error(
                "invalid configuration: {Interface:l} is removed by name{Rest:l}: {Message:l} {Details:l}",
                [request.IfName,
                ipam is null ? ", and no IPAM address is released" : "",
                error.Message,
                error.Details]);
        }

        var names = new AttachmentNames(request.IfName);
        // The runtime has the result of a completed ADD: the interface is this container's, whatever is saved in the pod.
        bool wasMade = request.PrevResult is not null;
        using NetNamespace? pod = Open(request, log);
        if (!wasMade && pod?.Run(() => Removal.OtherOwner(names, request.ContainerId)) is string other)
        {
            // This container's ADD failed because of that interface, before the IPAM plugin was called. Deleting it would break the other
            // container's router.
            log.Warning("interface {Interface:l} is that of container {Container:l}, and stays", [request.IfName, other]);
            return;
        }

        var removal = new Removal(names, log) { IsOurs = wasMade, Mac = MacOf(request) };

        CniException? refusal = null;
        ErrorCollector failures = Removal.RemoveAndRelease(
            ipam,
            () =>
            {
                IReadOnlyList<Exception>? left = pod?.Run(removal.Run);
                wasMade |= left is not null;
                return left ?? [];
            },
            // An address is not released while an interface may still have it.
            () => refusal = ipam is null || removal.InterfaceStays ? null : Release(ipam, request));
        if (refusal is not null && (wasMade || failures.Any()))
        {
            // An address was assigned: the runtime must retry until it is released.
            failures.AddRange([refusal]);
        }
        else if (refusal is not null)
        {
            log.Error("no address is released, because nothing of ADD exists: {Message:l} {Details:l}", [refusal.Message, refusal.Details]);
        }

        failures.ThrowIfAny();
    }

    /// <summary>The hardware address of the interface, or null if no result has it.</summary>
    private static MacAddress? MacOf(CniRequest request)
    {
        try
        {
            return request.PrevResult is JsonElement result
                ? MacAddress.TryParse(
                    CniResult.Read(result, "prevResult").Interfaces.FirstOrDefault(
                        made => made.Name == request.IfName && made.Sandbox is not null)?.Mac)
                : null;
        }
        catch (CniException)
        {
            // An invalid prevResult must not make DEL fail.
            return null;
        }
    }

    /// <summary>Releases addresses that the IPAM plugin may have assigned.</summary>
    /// <returns>The error if the plugin cannot run or rejects the configuration, as it did for ADD; null on success.</returns>
    /// <exception cref="CniException">The plugin failed.</exception>
    private static CniException? Release(string type, CniRequest request)
    {
        IpamDelegate? plugin = null;
        try
        {
            plugin = IpamDelegate.Find(type, request.PluginPath);
            plugin.Forward(CniCommand.Delete, request);
            return null;
        }
        catch (CniException refusal) when (plugin is not { WasRun: true } || refusal.Code
            is CniErrorCode.IncompatibleVersion or CniErrorCode.UnsupportedField or CniErrorCode.DecodingFailure
                or CniErrorCode.InvalidConfig)
        {
            return refusal;
        }
    }

    /// <summary>The pod's namespace, or null if there is nothing to clean.</summary>
    private static NetNamespace? Open(CniRequest request, ILogger log)
    {
        if (request.NetNs.Length == 0)
        {
            log.Information("DEL without CNI_NETNS: the namespace is gone, and with it all that was in it");
            return null;
        }

        try
        {
            NetNamespace pod = NetNamespace.Open(request.NetNs);
            if (!CommandSteps.IsOwn(pod))
            {
                return pod;
            }

            // ADD refuses this namespace, so it has no attachment.
            log.Warning("CNI_NETNS {Path:l} is the network namespace of the plugin itself: nothing is removed", [request.NetNs]);
            pod.Dispose();
        }
        catch (NetlinkException gone) when (gone.IsNamespaceGone)
        {
            // An unmounted namespace leaves an empty file at its path.
            log.Information("the namespace is gone: {Message:l}", [gone.Message]);
        }

        return null;
    }
}
