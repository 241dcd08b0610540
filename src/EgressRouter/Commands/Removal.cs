using EgressRouter.Kernel;
using EgressRouter.State;
using EgressRouter.State.Nftables;
using Netlink;
using Netlink.NetFilter;
using Netlink.Routing;
using Serilog;

namespace EgressRouter.Commands;

/// <summary>
/// Removes an attachment from the calling thread's namespace, for DEL, GC and the rollback of ADD. The interface and its address
/// go first, before anything of the pod is read: nothing in a pod can prevent that. Then the rest is deleted and the pod's
/// original state restored; what cannot be restored is only logged.
/// </summary>
/// <param name="names">The attachment.</param>
/// <param name="log">Receives what is not removed.</param>
internal sealed class Removal(AttachmentNames names, ILogger log)
{
    /// <summary>The limits for reading the links of a pod.</summary>
    private const long MostBytes = 8 * 1024 * 1024;

    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(5);

    /// <summary>Whether the runtime knows that the interface is the attachment's; otherwise only its device group shows it.</summary>
    public bool IsOurs { get; init; }

    /// <summary>The hardware address of the interface as the runtime knows it, or null.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>The pod's original state if known; otherwise it is read from the attachment's table.</summary>
    public SavedState? Known { get; init; }

    /// <summary>Whether a foreign interface has the name: it stays.</summary>
    public bool InterfaceStays { get; private set; }

    /// <summary>
    /// The other container that owns the interface according to the namespace; null if there is no other owner or no interface.
    /// </summary>
    /// <param name="container">The container of the request.</param>
    public static string? OtherOwner(AttachmentNames names, string container)
    {
        try
        {
            using PodNetwork network = PodNetwork.Open();
            if (network.ReadLink(names) is not { Group: AttachmentNames.LinkGroup })
            {
                return null;
            }

            Owner? owner = network.ReadOwner(names);
            return owner is null || owner.IsContainer(container) ? null : owner.Container;
        }
        catch (NetlinkException)
        {
            // An unreadable owner does not prevent removal.
            return null;
        }
    }

    /// <summary>
    /// Removes an attachment and releases its addresses, in this order: an address is released only after no interface has it. The
    /// dhcp plugin goes first, because it needs the interface to release a lease.
    /// </summary>
    /// <param name="remove">Removes as far as possible; returns the failures.</param>
    /// <param name="release">Releases the addresses.</param>
    /// <returns>The failures.</returns>
    public static ErrorCollector RemoveAndRelease(string? ipam, Func<IReadOnlyList<Exception>> remove, Action release)
    {
        var failures = new ErrorCollector();
        if (ipam == "dhcp")
        {
            failures.Run(release);
        }

        failures.Run(() => failures.AddRange(remove()));
        if (ipam != "dhcp" && !failures.Any())
        {
            failures.Run(release);
        }

        return failures;
    }

    /// <summary>Removes the attachment as far as possible.</summary>
    /// <returns>The failures, without objects that were already gone; null if nothing of the attachment existed.</returns>
    public IReadOnlyList<Exception>? Run()
    {
        bool wasThere = false;
        IReadOnlyList<Exception> left = [];
        SavedState? saved = Known;
        // Two passes, and the second one counts: a concurrent ADD may have changed something after the first pass and created the
        // table with the saved state. From then on that ADD finds its interface gone, and rolls back by itself.
        foreach (bool isLast in (ReadOnlySpan<bool>)[false, true])
        {
            var failures = new ErrorCollector();
            failures.Run(() => wasThere |= DeleteInterface(isLast));
            failures.Run(() => wasThere |= CleanUp(ref saved, isLast, failures));
            left = [.. failures];
        }

        return wasThere || left.Count > 0 ? left : null;
    }

    /// <summary>Removes everything except the interface.</summary>
    /// <param name="saved">The pod's original state, if known.</param>
    /// <param name="isLast">Whether to give up on what cannot be read.</param>
    /// <param name="failures">Receives failures.</param>
    /// <returns>Whether anything existed.</returns>
    private bool CleanUp(ref SavedState? saved, bool isLast, ErrorCollector failures)
    {
        using PodNetwork? network = PodNetwork.OpenIfPossible(log);
        if (network is null)
        {
            return false;
        }

        try
        {
            SavedState? found = Clean(network, saved, isLast, failures);
            saved ??= found;
            return found is not null;
        }
        catch (Exception unreadable) when (isLast)
        {
            // Nothing that a pod does to its namespace may keep the router in place.
            log.Warning(
                "removing {Interface:l} by name; the pod's original state is not restored: {Message:l}",
                [names.Interface, unreadable.Message]);
            failures.AddRange(RemoveByName());
            return true;
        }
    }

    /// <summary>Deletes the interface, also under the temporary name of a killed ADD, or a name that the pod gave it.</summary>
    private bool DeleteInterface(bool isLast)
    {
        using NetlinkSocket route = NetlinkSocket.OpenRoute(new ReadBudget(MostBytes, _longest));
        Link? made = route.GetLinkNamed(names.Interface);
        if (made is not null && !IsOurs && made.Group != AttachmentNames.LinkGroup)
        {
            // ADD failed because the name was taken; the runtime calls DEL all the same.
            InterfaceStays = true;
            made = null;
            if (isLast)
            {
                log.Warning("interface {Interface:l} was not made by this plugin, and stays", [names.Interface]);
            }
        }

        Link? left = route.GetLinkNamed(names.TemporaryInterface) is { Group: AttachmentNames.LinkGroup } temporary ? temporary : null;
        Link[] all = [.. new[] { left, made }.OfType<Link>(), .. Renamed(route, made)];
        foreach (Link link in all)
        {
            Delete(route, link);
        }

        return all.Length > 0;
    }

    /// <summary>Links under another name with the hardware address that the runtime knows.</summary>
    private Link[] Renamed(NetlinkSocket route, Link? made)
    {
        if (Mac is null || made?.HardwareAddress == Mac)
        {
            return [];
        }

        try
        {
            return [.. route.ListLinks(Macvlan.KindName)
                .Where(link => link.HardwareAddress == Mac && link.ParentElsewhere && link.Index != made?.Index)];
        }
        catch (NetlinkException unreadable)
        {
            log.Warning("the interface is not looked for under other names: {Message:l}", [unreadable.Message]);
            return [];
        }
    }

    private void Delete(NetlinkSocket route, Link link)
    {
        log.Verbose("delete link {Link:l}", [link.Name]);
        var batch = new RequestBatch();
        batch.DeleteLink($"delete link {link.Name}", link.Index);
        foreach (RefusedRequest refused in route.TryExecute(batch).Where(refused => refused.Error.Number != Errno.ENODEV))
        {
            throw refused.Error;
        }
    }

    /// <summary>Deletes the remaining objects and restores the pod's original state.</summary>
    /// <param name="network">The pod's network.</param>
    /// <param name="known">The pod's original state, if known.</param>
    /// <param name="isLast">Whether to delete the table too, which holds the saved state.</param>
    /// <param name="failures">Receives failures.</param>
    /// <returns>The state to restore, or null if there was nothing to do.</returns>
    private SavedState? Clean(PodNetwork network, SavedState? known, bool isLast, ErrorCollector failures)
    {
        PodDump dump = network.Read(names);
        PodSnapshot snapshot = network.Snapshot(names, dump);
        SavedState saved = snapshot.ToRestore(names, known);
        NetworkState observed = network.Observe(names, saved.Sysctls.Keys, dump) with { Link = null, Addresses = [] };
        if (observed.Table is null && (snapshot.SameNumbersAs(names) is not null || (observed.Rules.IsEmpty && known is null)))
        {
            // Nothing exists, or another attachment has the same numbers. Routes alone are no evidence: a table of that number may be
            // foreign.
            return null;
        }

        var forgotten = new ForgetConnections(names, observed.Table is null ? [] : [.. NftTableReader.Addresses(observed.Table)]);
        PlanStep[] plan = [.. Plan.ToRemoved(Difference.Between(StateBuilder.Removed(saved), observed), saved.Sysctls, forgotten)];
        failures.AddRange(Counting(
            network.ApplyAsFarAsPossible(plan.Where(step => step is not DeleteTable && (isLast || step is not ForgetConnections))),
            isLast));
        if (isLast && !failures.Any())
        {
            // After a failure the next DEL needs the table.
            failures.AddRange(Counting(network.ApplyAsFarAsPossible(plan.OfType<DeleteTable>()), isLast));
        }

        return saved;
    }

    /// <summary>The failures that count; the others are logged, once.</summary>
    private Exception[] Counting(IReadOnlyList<StepFailure> failures, bool isLast)
    {
        foreach (StepFailure failure in failures.Where(failure => isLast && !Counts(failure)))
        {
            log.Warning("not restored or not removed: {Message:l}", [failure.Error.Message]);
        }

        return [.. failures.Where(Counts).Select(failure => failure.Error)];
    }

    /// <summary>
    /// Connections expire by themselves. A refusal to restore the pod's own settings is no reason to keep the pod. A table that a
    /// process of the pod owns (NFT_TABLE_F_OWNER: EPERM) disappears with that process.
    /// </summary>
    private static bool Counts(StepFailure failure) => !(failure.IsRefusalToRestore
        || failure.Step is ForgetConnections
        || failure is { Step: DeleteTable, Error.Number: Errno.EPERM });

    /// <summary>Removes the objects that follow from the name, without saved state: rules, routes in its tables, nf_tables table.</summary>
    private List<Exception> RemoveByName()
    {
        using PodNetwork network = PodNetwork.Open(log);
        var table = new Table(TableFamily.Inet, names.NetFilterTable, [], [], []);
        PlanStep[] plan =
        [
            .. network.RulesOf(names).Select(rule => new DeleteRule(rule)),
            .. network.RoutesOf(names).Select(route => new DeleteRoute(route)),
            new DeleteTable(table),
        ];
        return [.. Counting(network.ApplyAsFarAsPossible(plan), isLast: true)];
    }
}
