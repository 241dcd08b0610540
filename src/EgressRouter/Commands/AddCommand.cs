using System.Collections.Immutable;
using System.Net.Sockets;
using Cni;
using EgressRouter.Config;
using EgressRouter.Kernel;
using EgressRouter.State;
using EgressRouter.State.Nftables;
using Netlink;
using Netlink.Routing;
using Serilog;

namespace EgressRouter.Commands;

/// <summary>ADD: makes the pod an egress router, or leaves it unchanged.</summary>
internal sealed class AddCommand(CniRequest request, ILogger log, CancellationToken stop)
{
    /// <summary>Some runtimes attach a pod to all its networks concurrently.</summary>
    private const int Attempts = 3;

    private readonly AttachmentNames _names = new(request.IfName);

    public CniResult Run()
    {
        RouterConfig config = CommandSteps.ParseConfig(request, log);
        CniResult? previous = CommandSteps.PreviousResult(request);
        IpamDelegate? ipam = config.IpamType is string type ? IpamDelegate.Find(type, request.PluginPath) : null;
        using NetNamespace pod = CommandSteps.OpenPod(request);
        using NetNamespace node = NetNamespace.OpenCurrent();
        using NetlinkSocket socket = NetlinkSocket.OpenRoute();
        Attachment attachment = CommandSteps.Resolve(request, config, socket);
        CniResult own = pod.Run(() =>
        {
            using PodNetwork network = PodNetwork.Open(log);
            var there = new AddContext(network, pod, node, socket);
            for (int attempt = 1; ; attempt++)
            {
                PodDump before = network.Read();
                PodFacts facts = CommandSteps.Facts(config, previous, _names, network, before);
                try
                {
                    return Attach(config, attachment, facts, before, there, ipam);
                }
                catch (Exception failure) when (attempt < Attempts && !stop.IsCancellationRequested && HasNewDefault(before,
                    network.Read()))
                {
                    log.Information(
                        "another plugin gave the pod a default route meanwhile: ADD begins again, after: {Message:l}", [failure.Message]);
                }
            }
        });
        return previous is null ? own : own.After(previous);
    }

    /// <summary>Must run in the pod's namespace.</summary>
    private CniResult Attach(
        RouterConfig config, Attachment attachment, PodFacts facts, PodDump dump, AddContext there, IpamDelegate? ipam)
    {
        NetworkState desired = ipam is null ? StateBuilder.Present(attachment, facts) : StateBuilder.Reserved(attachment, facts);
        NetworkState before = there.Network.Observe(_names, desired.Sysctls.Keys, dump);
        EnsureNoStaleObjects(before);
        RejectOversizedState(desired);
        CommandSteps.RefuseAddressesOfPod(config, facts);
        CniResult? given = null;
        try
        {
            Make(config, attachment, desired, before, there);
            if (ipam is not null)
            {
                // A child process inherits the thread's namespace, and an IPAM plugin must run on the node.
                log.Verbose("ask IPAM plugin {Type:l} for addresses", [ipam.Type]);
                given = there.Node.Run(() => ipam.Add(request, stop));
                // The interface exists, so the addresses must not select another parent.
                config = CommandSteps.With(config, given.Ips, log) with { Master = attachment.Parent.Name };
                CommandSteps.RefuseAddressesOfPod(config, facts);
                attachment = CommandSteps.Resolve(request, config, there.NodeSocket);
                desired = StateBuilder.Present(attachment, facts);
                Make(config, attachment, desired, there.Network.Observe(_names, desired.Sysctls.Keys, there.Network.Read()), there);
            }

            CommandSteps.ForgetConnections(attachment, there.Network, log);
            LogFacts(attachment, facts);
            PodDump made = there.Network.Read();
            ImmutableArray<Difference> left = Difference.Between(desired, there.Network.Observe(_names, desired.Sysctls.Keys, made));
            if (!left.IsEmpty)
            {
                throw new CniException(
                    PluginErrorCode.KernelRefused, $"the kernel's state differs after ADD: {string.Join("; ", ShortList.Short(left))}");
            }

            ThrowIfStopped();
            Link? link = made.Links.FirstOrDefault(link => link.Name == _names.Interface);
            if (!attachment.HighAvailability)
            {
                Announcer.Announce(link, attachment.Addresses.Select(address => address.Address), log);
            }

            return Result(attachment, desired, link?.HardwareAddress?.ToString(), config.Dns ?? given?.Dns);
        }
        catch (Exception failure)
        {
            log.Debug("undoing after: {Message:l}", [failure.Message]);
            Undo(there, SavedState.Read(desired.Table!.Rules), ipam);
            throw;
        }
    }

    /// <summary>Executes the plan, with conflict detection between the creation of the interface and its addresses.</summary>
    private void Make(RouterConfig config, Attachment attachment, NetworkState desired, NetworkState observed, AddContext there)
    {
        ImmutableArray<PlanStep> plan = Plan.ToPresent(Difference.Between(desired, observed), desired.Link!);
        ThrowIfStopped();
        foreach (CreateLink step in plan.OfType<CreateLink>())
        {
            there.Network.Create(step, _names, there.NodeSocket, there.Node, there.Pod);
        }

        PlanStep[] steps = [.. plan.Where(step => step is not CreateLink)];
        int addresses = Array.FindIndex(steps, step => step is ChangeLink { Settings.HardwareAddress: not null } or AddAddress);
        if (config is { ConflictDetection: not ConflictDetection.Off, HighAvailability: false } && steps.Any(step => step is AddAddress))
        {
            there.Network.Apply(steps[..addresses]);
            ConflictPolicy.RequireNone(config, attachment, there.Network, there.NodeSocket, log, stop);
            steps = steps[addresses..];
        }

        ThrowIfStopped();
        there.Network.Apply(steps);
    }

    /// <exception cref="CniException">Code 11: a signal ends the program.</exception>
    private void ThrowIfStopped()
    {
        if (stop.IsCancellationRequested)
        {
            throw new CniException(CniErrorCode.TryAgainLater, "ADD was ended by a signal, and is undone");
        }
    }

    /// <summary>
    /// Rolls back. Its failures are only logged, since the first failure is reported. The runtime then calls DEL, which tries again.
    /// </summary>
    private void Undo(AddContext there, SavedState before, IpamDelegate? ipam)
    {
        ErrorCollector failures = Removal.RemoveAndRelease(
            ipam?.Type,
            // New sockets: after an aborted dump, the kernel refuses another one on the same socket.
            () => Removal.OtherOwner(_names, request.ContainerId) is null ? new Removal(_names, log) { Known = before }.Run() ?? [] : [],
            () =>
            {
                if (ipam is { MayHaveAssigned: true })
                {
                    there.Node.Run(() => ipam.Forward(CniCommand.Delete, request));
                }
            });
        foreach (Exception failure in failures)
        {
            log.Error("cannot undo: {Message:l}", [failure.Message]);
        }
    }

    /// <summary>Whether another plugin has added a default route since: it belongs to the pod, and replies use it.</summary>
    private bool HasNewDefault(PodDump before, PodDump now) =>
        now.DefaultsOf(Route.MainTable).Any(
            route => route.Device != _names.Interface && !before.DefaultsOf(Route.MainTable).Any(route.Matches));

    private void EnsureNoStaleObjects(NetworkState before)
    {
        if (before.Link?.Name == _names.Interface)
        {
            throw new CniException(PluginErrorCode.InterfaceExists, $"interface {_names.Interface} exists already in the pod");
        }

        if (!before.IsAbsent)
        {
            throw new CniException(
                PluginErrorCode.InterfaceExists,
                $"the pod has left-overs of an earlier interface {_names.Interface}: DEL removes them");
        }
    }

    private static void RejectOversizedState(NetworkState desired)
    {
        int lines = desired.Table!.Rules.Count(NftRuleset.IsSavedLine);
        if (lines > SavedState.MostLines)
        {
            throw new NetlinkException(
                "save the pod's original state", Errno.E2BIG,
                $"too many default routes, or links with parameters of their own: {lines} entries, the limit is {SavedState.MostLines}");
        }
    }

    private void LogFacts(Attachment attachment, PodFacts facts)
    {
        log.Debug(
            "parent {Parent:l}, MTU {Mtu}, addresses {Addresses}, gateways {Gateways}", [attachment.Parent.Name, attachment.Settings.Mtu,
            attachment.Addresses, attachment.Gateways]);
        foreach (AddressFamily other in facts.OriginalDefaults.Select(route => route.Family).Distinct().Except(attachment.FamiliesInUse))
        {
            log.Information("no {Family:l} egress address: that family keeps the pod's own default route and address", [other.Text()]);
        }

        foreach (string warning in ClientWarnings.Of(attachment, facts))
        {
            log.Warning("client warning: {Warning:l}", [warning]);
        }
    }

    /// <summary>The result. With high availability, it has the own address alone: ADD assigns no other one.</summary>
    private CniResult Result(Attachment attachment, NetworkState made, string? mac, CniDns? dns) => new(
        [new CniInterface(_names.Interface, mac, request.NetNs, attachment.Settings.Mtu)],
        [.. made.Addresses.Select(address => new CniIp(address.Address, address.PrefixLength,
            attachment.HighAvailability ? null : attachment.GatewayOf(address.Address.AddressFamily), Interface: 0))],
        [.. attachment.FamiliesInUse.Select(family => DefaultRoute(made, family))],
        dns);

    /// <summary>
    /// The default route through the egress interface: in the main table, or in its own table if another attachment has the main one.
    /// </summary>
    private CniRoute DefaultRoute(NetworkState made, AddressFamily family)
    {
        RouteState route = made.Routes
            .Where(route => route.Family == family && route.IsDefault && route.Device == _names.Interface)
            .OrderByDescending(route => route.Table == Route.MainTable)
            .First();
        return new CniRoute(
            family.Any(), PrefixLength: 0, route.Gateway, Priority: route.Metric == 0 ? null : route.Metric, Table: route.Table,
            Scope: (int)route.Scope);
    }

    /// <summary>The pod's network and namespace, the node's namespace, and a route socket in it.</summary>
    private sealed record AddContext(PodNetwork Network, NetNamespace Pod, NetNamespace Node, NetlinkSocket NodeSocket);
}
