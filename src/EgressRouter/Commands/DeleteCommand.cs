using System.Collections.Immutable;
using Cni;
using EgressRouter.Config;
using EgressRouter.Kernel;
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
                request.IfName,
                ipam is null ? ", and no IPAM plugin is known to give an address back to" : "",
                error.Message,
                error.Details);
        }

        // The runtime has the result of an ADD that came to its end.
        bool wasMade = request.PrevResult is not null;
        CniException? refusal = null;
        Failures failures = Undo(
            ipam,
            () =>
            {
                using NetNamespace? pod = Open(request, log);
                IReadOnlyList<Exception>? left = pod?.Run(() => RemoveFromHere(new AttachmentNames(request.IfName), request.ContainerId, log));
                wasMade |= left is not null;
                return left ?? [];
            },
            () => refusal = ipam is null ? null : Release(ipam, request));
        if (refusal is not null && (wasMade || failures.Any()))
        {
            // An address was given: the runtime has to try again until it is given back.
            failures.AddRange([refusal]);
        }
        else if (refusal is not null)
        {
            log.Error("no address is given back, since ADD cannot have got one: {Message:l} {Details:l}", refusal.Message, refusal.Details);
        }

        failures.ThrowIfAny();
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
            is CniErrorCode.IncompatibleVersion or CniErrorCode.UnsupportedField or CniErrorCode.DecodingFailure or CniErrorCode.InvalidConfig)
        {
            return refusal;
        }
    }

    /// <summary>
    /// Takes an attachment away and gives its addresses back, in the right order: an address goes back when nobody holds it
    /// any more, but a lease is given back by the interface that has it.
    /// </summary>
    /// <param name="ipam">The IPAM plugin, or null.</param>
    /// <param name="remove">Takes away, as far as possible; returns what failed.</param>
    /// <param name="release">Gives back.</param>
    /// <returns>What failed; one part does not keep the other from being done.</returns>
    public static Failures Undo(string? ipam, Func<IReadOnlyList<Exception>> remove, Action release)
    {
        var failures = new Failures();
        Action[] parts = [() => failures.AddRange(remove()), release];
        foreach (Action part in ipam == "dhcp" ? Enumerable.Reverse(parts) : parts)
        {
            failures.Of(part);
        }

        return failures;
    }

    /// <summary>Removes an attachment as far as possible from the namespace that the calling thread is in.</summary>
    /// <param name="names">The attachment.</param>
    /// <param name="container">The container that it must be of, if that is known; null for any.</param>
    /// <param name="log">Hears of what stays.</param>
    /// <param name="known">What there was before, where that is known; else the attachment's table remembers it.</param>
    /// <returns>What failed, and that something was gone already is no failure; null where nothing of it was there.</returns>
    public static IReadOnlyList<Exception>? RemoveFromHere(AttachmentNames names, string? container, ILogger log, RestoreMemory? known = null)
    {
        using PodNetwork? network = PodNetwork.OpenIfPossible(log);
        if (network is null || Look(network, names, container, log, known) is not (RestoreMemory memory, NetworkState observed))
        {
            return null;
        }

        var forgotten = new ForgetConnections(names, [.. observed.Addresses.Select(address => address.Address)]);
        ImmutableArray<PlanStep> plan = Plan.ToRemoved(Difference.Between(StateBuilder.Removed(memory), observed), memory.Sysctls, forgotten);
        foreach (Exception failure in network.ApplyAsFarAsPossible(plan.Where(step => step is not DeleteTable))
            .Where(failure => failure is NetlinkException { Operation: string operation } && operation == forgotten.ToString()))
        {
            // Connections end by themselves, or with the namespace: they must not keep a pod from being deleted.
            log.Information("{Message:l}", failure.Message);
        }

        // Once more, and this time it counts: an ADD at the same time may have changed something after the first look, and
        // made the table that remembers what. From now on it finds its interface gone, and undoes itself what it does.
        if (Look(network, names, container, log, known ?? memory) is not (RestoreMemory latest, NetworkState rest))
        {
            return [];
        }

        (memory, observed) = (latest, rest);
        plan = Plan.ToRemoved(Difference.Between(StateBuilder.Removed(memory), observed), memory.Sysctls, forgotten);
        IReadOnlyList<Exception> left = network.ApplyAsFarAsPossible(plan.Where(step => step is not (DeleteTable or ForgetConnections)));

        // The table remembers what to put back: where that failed, the next DEL needs it.
        return left.Count > 0 ? left : network.ApplyAsFarAsPossible(plan.Where(step => step is DeleteTable));
    }

    /// <summary>What is there of an attachment, and what is to be put back; null where there is nothing that may be taken away.</summary>
    private static (RestoreMemory Memory, NetworkState Observed)? Look(PodNetwork network, AttachmentNames names, string? container, ILogger log, RestoreMemory? known)
    {
        PodReading reading = network.Read();
        PodSnapshot snapshot = network.Snapshot(names, reading);
        RestoreMemory memory = snapshot.ToRestore(names, known);
        NetworkState observed = network.Observe(names, memory.Sysctls.Keys, reading);
        if (observed.Link is LinkState link && link.Group != AttachmentNames.LinkGroup)
        {
            // ADD refused because the name was taken; the runtime calls DEL all the same.
            log.Warning("interface {Interface:l} was not made by this plugin, and stays", link.Name);
            observed = observed with { Link = null, Addresses = [] };
        }

        if (snapshot.SameNumbersAs(names) is not null || (observed.Link is null && observed.Table is null && observed.Rules.IsEmpty && known is null))
        {
            // Nothing of it is there. Routes alone are no sign: a table of that number may be somebody else's.
            return null;
        }

        if (observed.Link is not null && container is not null && memory.Owner is Owner owner && !memory.IsOf(owner with { Container = container }))
        {
            // ADD of this container was refused because the other's router is there. Without its interface it would be none.
            log.Warning("interface {Interface:l} is that of container {Container:l}, and stays", names.Interface, owner.Container);
            return null;
        }

        return (memory, observed);
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
            if (!Preparation.IsOwn(pod))
            {
                return pod;
            }

            // ADD refuses this namespace, so nothing in it is ours.
            log.Warning("CNI_NETNS {Path:l} is the network namespace of the plugin itself: nothing is removed", request.NetNs);
            pod.Dispose();
        }
        catch (NetlinkException gone) when (IsNoNamespace(gone))
        {
            // A namespace that was unmounted leaves an empty file at its path.
            log.Information("the namespace is gone: {Message:l}", gone.Message);
        }

        return null;
    }
}
