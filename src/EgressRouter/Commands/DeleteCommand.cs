using System.Text.Json;
using Cni;
using EgressRouter.Config;
using EgressRouter.State;
using Netlink;
using Serilog;

namespace EgressRouter.Commands;

/// <summary>
/// DEL: removes whatever is there of an attachment and puts back what it had changed. It needs neither the parent nor
/// the rest of the configuration, and succeeds when there is nothing left to do.
/// </summary>
internal static class DeleteCommand
{
    public static void Run(CniRequest request, ILogger log)
    {
        string? ipam = IpamSettings.TypeOf(request.Config);
        if (request.ConfigError is CniException error)
        {
            log.Error(
                "the configuration is not understood: interface {Interface:l} is removed by its name{Rest:l}: {Message:l} {Details:l}",
                [request.IfName,
                ipam is null ? ", and no IPAM plugin is known to give an address back to" : "",
                error.Message,
                error.Details]);
        }

        var names = new AttachmentNames(request.IfName);
        // The runtime has the result of an ADD that came to its end: then the interface is this container's, whatever the pod says.
        bool wasMade = request.PrevResult is not null;
        using NetNamespace? pod = Open(request, log);
        if (!wasMade && pod?.Run(() => Removal.OtherOwner(names, request.ContainerId)) is string other)
        {
            // ADD of this container was refused because of it, before an IPAM plugin was asked. Without its interface the other would be
            // none.
            log.Warning("interface {Interface:l} is that of container {Container:l}, and stays", [request.IfName, other]);
            return;
        }

        var removal = new Removal(names, log) { IsOurs = wasMade, Mac = MacOf(request) };

        CniException? refusal = null;
        ErrorCollector failures = Undo(
            ipam,
            () =>
            {
                IReadOnlyList<Exception>? left = pod?.Run(removal.Run);
                wasMade |= left is not null;
                return left ?? [];
            },
            // An address that an interface may still have is not given back.
            () => refusal = ipam is null || removal.InterfaceStays ? null : Release(ipam, request));
        if (refusal is not null && (wasMade || failures.Any()))
        {
            // An address was given: the runtime has to try again until it is given back.
            failures.AddRange([refusal]);
        }
        else if (refusal is not null)
        {
            log.Error("no address is given back, since ADD cannot have got one: {Message:l} {Details:l}", [refusal.Message, refusal.Details]);
        }

        failures.ThrowIfAny();
    }

    /// <summary>The hardware address of the interface; null where no result tells it.</summary>
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
            // What a runtime remembers is no reason for DEL to fail.
            return null;
        }
    }

    /// <summary>Gives back what the IPAM plugin may have given.</summary>
    /// <returns>Why the plugin cannot be asked, or refuses the configuration, which holds for ADD as well; null if it was asked.</returns>
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

    /// <summary>
    /// Takes an attachment away and gives its addresses back, in the right order: an address goes back when nobody holds it
    /// any more, and not where the interface may have stayed; but a lease is given back by the interface that has it.
    /// </summary>
    /// <param name="ipam">The IPAM plugin, or null.</param>
    /// <param name="remove">Takes away, as far as possible; returns what failed.</param>
    /// <param name="release">Gives back.</param>
    /// <returns>What failed.</returns>
    public static ErrorCollector Undo(string? ipam, Func<IReadOnlyList<Exception>> remove, Action release)
    {
        var failures = new ErrorCollector();
        if (ipam == "dhcp")
        {
            failures.Of(release);
        }

        failures.Of(() => failures.AddRange(remove()));
        if (ipam != "dhcp" && !failures.Any())
        {
            failures.Of(release);
        }

        return failures;
    }

    /// <summary>Whether a path could not be opened because no namespace is there.</summary>
    public static bool IsNoNamespace(NetlinkException failure) =>
        failure.Number is Errno.ENOENT or Errno.EINVAL or Errno.ENOTDIR or Errno.ELOOP or Errno.ENAMETOOLONG or Errno.ENXIO;

    /// <summary>The pod's namespace, or null when there is none to clean.</summary>
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
            if (!RequestContext.IsOwn(pod))
            {
                return pod;
            }

            // ADD refuses this namespace, so nothing in it is ours.
            log.Warning("CNI_NETNS {Path:l} is the network namespace of the plugin itself: nothing is removed", [request.NetNs]);
            pod.Dispose();
        }
        catch (NetlinkException gone) when (IsNoNamespace(gone))
        {
            // A namespace that was unmounted leaves an empty file at its path.
            log.Information("the namespace is gone: {Message:l}", [gone.Message]);
        }

        return null;
    }
}
