using EgressRouter.Kernel;
using EgressRouter.State;
using EgressRouter.State.Nftables;
using Netlink;
using Netlink.NetFilter;
using Netlink.Routing;
using Serilog;

namespace EgressRouter.Commands;

/// <summary>
/// Takes an attachment out of the namespace that the calling thread is in: DEL, GC, and an ADD that undoes itself. The interface
/// goes first, and with it the address, before anything of the pod's is read: nothing that a pod does may keep it. Then what is
/// left of the attachment goes, and what it had changed of the pod's own is put back; what cannot be put back is only told.
/// </summary>
/// <param name="names">The attachment.</param>
/// <param name="log">Hears of what stays.</param>
internal sealed class Removal(AttachmentNames names, ILogger log)
{
    /// <summary>What may be kept of the links of a pod, and how long they are looked at.</summary>
    private const long MostBytes = 8 * 1024 * 1024;

    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(5);

    /// <summary>Whether the runtime knows that the interface is the attachment's; else only its device group tells.</summary>
    public bool IsOurs { get; init; }

    /// <summary>The hardware address of the interface as the runtime knows it; null where it does not.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>What there was before, where that is known; else the attachment's table remembers it.</summary>
    public SavedState? Known { get; init; }

    /// <summary>Whether an interface of the name was there that somebody else had made: it stays.</summary>
    public bool InterfaceStays { get; private set; }

    /// <summary>
    /// The other container whose router the interface is, as far as the namespace tells; null if it is none, or not there.
    /// </summary>
    /// <param name="names">The attachment.</param>
    /// <param name="container">The container that asks.</param>
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
            // Whatever cannot be read is no reason to keep it.
            return null;
        }
    }

    /// <summary>Removes it as far as possible.</summary>
    /// <returns>What failed, and that something was gone already is no failure; null where nothing of it was there.</returns>
    public IReadOnlyList<Exception>? Run()
    {
        bool wasThere = false;
        IReadOnlyList<Exception> left = [];
        SavedState? memory = Known;
        // Twice, and the second time counts: an ADD at the same time may have changed something after the first look, and made the
        // table that remembers what. From then on it finds its interface gone, and undoes itself what it does.
        foreach (bool isLast in (ReadOnlySpan<bool>)[false, true])
        {
            var failures = new ErrorCollector();
            failures.Of(() => wasThere |= DeleteInterface(isLast));
            failures.Of(() => wasThere |= CleanUp(ref memory, isLast, failures));
            left = [.. failures];
        }

        return wasThere || left.Count > 0 ? left : null;
    }

    /// <summary>All but the interface.</summary>
    /// <param name="memory">What there was before, where that is known.</param>
    /// <param name="isLast">Whether what cannot be read now is given up.</param>
    /// <param name="failures">What failed.</param>
    /// <returns>Whether there was anything.</returns>
    private bool CleanUp(ref SavedState? memory, bool isLast, ErrorCollector failures)
    {
        using PodNetwork? network = PodNetwork.OpenIfPossible(log);
        if (network is null)
        {
            return false;
        }

        try
        {
            SavedState? found = Clean(network, memory, isLast, failures);
            memory ??= found;
            return found is not null;
        }
        catch (Exception unreadable) when (isLast)
        {
            // Whatever a pod has made of its namespace must not keep the router there.
            log.Warning(
                "{Interface:l} is removed by its name; what the pod was before is not put back: {Message:l}", [names.Interface,
                unreadable.Message]);
            failures.AddRange(RemoveByName());
            return true;
        }
    }

    /// <summary>The interface, also with the name that an ADD that was killed has left it with, or that the pod has given it.</summary>
    private bool DeleteInterface(bool isLast)
    {
        using NetlinkSocket route = NetlinkSocket.OpenRoute(new ReadBudget(MostBytes, _longest));
        Link? made = route.GetLinkNamed(names.Interface);
        if (made is not null && !IsOurs && made.Group != AttachmentNames.LinkGroup)
        {
            // ADD refused because the name was taken; the runtime calls DEL all the same.
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

    /// <summary>What has the hardware address that the runtime knows, under another name.</summary>
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

    /// <summary>Removes what is left, and puts the pod's own back.</summary>
    /// <param name="network">The pod's network.</param>
    /// <param name="known">What there was before, where that is known.</param>
    /// <param name="isLast">Whether the table goes, which remembers what to put back.</param>
    /// <param name="failures">What failed.</param>
    /// <returns>What was to be put back; null where there was nothing to do.</returns>
    private SavedState? Clean(PodNetwork network, SavedState? known, bool isLast, ErrorCollector failures)
    {
        PodDump reading = network.Read(names);
        PodSnapshot snapshot = network.Snapshot(names, reading);
        SavedState memory = snapshot.ToRestore(names, known);
        NetworkState observed = network.Observe(names, memory.Sysctls.Keys, reading) with { Link = null, Addresses = [] };
        if (observed.Table is null && (snapshot.SameNumbersAs(names) is not null || (observed.Rules.IsEmpty && known is null)))
        {
            // Nothing of it is there, or another attachment has its numbers. Routes alone are no sign: a table of that number may be
            // somebody else's.
            return null;
        }

        var forgotten = new ForgetConnections(names, observed.Table is null ? [] : [.. NftTableReader.Addresses(observed.Table)]);
        PlanStep[] plan = [.. Plan.ToRemoved(Difference.Between(StateBuilder.Removed(memory), observed), memory.Sysctls, forgotten)];
        failures.AddRange(Counting(
            network.ApplyAsFarAsPossible(plan.Where(step => step is not DeleteTable && (isLast || step is not ForgetConnections))),
            isLast));
        if (isLast && !failures.Any())
        {
            // Where something failed, the next DEL needs it.
            failures.AddRange(Counting(network.ApplyAsFarAsPossible(plan.OfType<DeleteTable>()), isLast));
        }

        return memory;
    }

    /// <summary>The failures that count. What does not is told, once.</summary>
    private Exception[] Counting(IReadOnlyList<StepFailure> failures, bool isLast)
    {
        foreach (StepFailure failure in failures.Where(failure => isLast && !Counts(failure)))
        {
            log.Warning("not put back or removed: {Message:l}", [failure.Error.Message]);
        }

        return [.. failures.Where(Counts).Select(failure => failure.Error)];
    }

    /// <summary>
    /// Connections end by themselves. What the kernel does not take back of the pod's own is no reason to keep the pod. A table that a
    /// process of the pod owns (NFT_TABLE_F_OWNER: EPERM) goes with that process.
    /// </summary>
    private static bool Counts(StepFailure failure) => !(failure.IsRefusalToRestore
        || failure.Step is ForgetConnections
        || failure is { Step: DeleteTable, Error.Number: Errno.EPERM });

    /// <summary>What its name tells, without what it remembers: its rules, the routes of its tables, and its nf_tables table.</summary>
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
