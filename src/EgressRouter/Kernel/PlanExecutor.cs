using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;
using EgressRouter.State;
using Netlink;
using Netlink.NetFilter;
using Netlink.Routing;
using Serilog;

namespace EgressRouter.Kernel;

/// <summary>A failed step of a plan.</summary>
/// <param name="Step">The step.</param>
/// <param name="Error">The error.</param>
public sealed record StepFailure(PlanStep Step, NetlinkException Error)
{
    /// <summary>Whether the step's object (link, route, table) no longer exists.</summary>
    public bool IsGone => (Step, Error) switch
    {
        // The request was not sent, so the error says nothing about the object.
        (_, { WasSent: false }) => false,
        // The link of a route to restore is down or has lost its addresses: the route is unusable.
        (ReplaceRoute or AddRoute, _) =>
            Error.Number is Errno.ENETUNREACH or Errno.EHOSTUNREACH or Errno.ENETDOWN or Errno.EINVAL or Errno.ENODEV,
        // A parameter disappears with its link; after any other refusal it still exists.
        (SetSysctl or SetLinkSysctls, _) => Error.Number is Errno.ENOENT or Errno.ENODEV,
        _ => Error.Number is Errno.ENOENT or Errno.ESRCH or Errno.ENODEV or Errno.EADDRNOTAVAIL,
    };

    /// <summary>Whether the kernel refuses to restore something of the pod's own, which a retry does not change.</summary>
    public bool IsRefusalToRestore =>
        Step is ReplaceRoute or AddRoute or SetSysctl or SetLinkSysctls
        && Error is { WasSent: true, Number: not (Errno.ENOMEM or Errno.ENOBUFS or Errno.EINTR or Errno.EAGAIN) };
}

/// <summary>Executes plans: each step becomes a request to the kernel.</summary>
/// <param name="route">A route socket in the pod's namespace.</param>
/// <param name="netFilter">A netfilter socket in the pod's namespace.</param>
/// <param name="log">Receives each step.</param>
internal sealed class PlanExecutor(NetlinkSocket route, NetlinkSocket netFilter, ILogger? log)
{
    /// <summary>Logs a step, at the level that configurations call <c>debug</c>.</summary>
    // Serilog's generic overloads are resolved at run time, for 100,000 instructions each. So arguments are passed as a list.
    public static void Log(PlanStep step, ILogger? log) => log?.Verbose("{Step:l}", [step]);

    /// <summary>Executes a plan in order, up to the first step that fails.</summary>
    /// <param name="plan">The steps, without the creation of the link.</param>
    /// <exception cref="NetlinkException">The kernel refuses a step, which the error names.</exception>
    public void Apply(IEnumerable<PlanStep> plan) => ExecuteAll(plan, failures =>
    {
        // A deleted address takes its routes with it.
        if (failures.FirstOrDefault(
            failure => failure is not { Step: DeleteRoute, Error: { Number: Errno.ESRCH, WasSent: true } }) is StepFailure first)
        {
            throw first.Error;
        }
    });

    /// <summary>Executes a plan despite failures. An object that is already gone is no failure.</summary>
    /// <returns>The failures.</returns>
    public IReadOnlyList<StepFailure> ApplyAsFarAsPossible(IEnumerable<PlanStep> plan)
    {
        var all = new List<StepFailure>();
        ExecuteAll(plan, failures => all.AddRange(failures.Where(failure => !failure.IsGone)));
        return all;
    }

    /// <summary>
    /// Sends consecutive steps for the route socket in one batch, in which a failure does not stop the rest; executes the others one
    /// by one. <paramref name="onFailures"/> gets the failures of each batch and throws to stop. Routes of the main table start a new
    /// batch: they change only after all earlier steps have succeeded.
    /// </summary>
    private void ExecuteAll(IEnumerable<PlanStep> plan, Action<IReadOnlyList<StepFailure>> onFailures)
    {
        var links = new LinkIndexes(route);
        var batch = new RequestBatch();
        bool isMain = false;
        foreach (PlanStep step in SetLinkSysctls.Together(plan))
        {
            Log(step, log);
            if (step is ReplaceRoute { Route.Table: Route.MainTable } or AddRoute { Route.Table: Route.MainTable } && !isMain)
            {
                isMain = true;
                Flush();
            }

            if (IsForBatch(step))
            {
                Attempt(step, () => AddToBatch(batch, step, links));
            }
            else
            {
                Flush();
                Attempt(step, () => Execute(step));
            }
        }

        Flush();

        void Attempt(PlanStep step, Action action)
        {
            StepFailure? failed = null;
            try
            {
                action();
            }
            catch (NetlinkException failure)
            {
                batch.RollBack();
                failed = new StepFailure(step, failure);
            }

            if (failed is not null)
            {
                onFailures([failed]);
            }
        }

        void Flush()
        {
            RequestBatch full = batch;
            batch = new RequestBatch();
            onFailures(Send(full));
        }
    }

    /// <summary>The refused steps of a batch, or all of them if it cannot be sent.</summary>
    private StepFailure[] Send(RequestBatch batch)
    {
        try
        {
            return [.. route.TryExecute(batch).Select(refused => new StepFailure((PlanStep)refused.Operation, refused.Error))];
        }
        catch (NetlinkException failure)
        {
            return [.. batch.Operations.Distinct().Select(step => new StepFailure((PlanStep)step, failure))];
        }
    }

    private static bool IsForBatch(PlanStep step) =>
        step is SetLinkSysctls or DeleteLink or ChangeLink or AddAddress or DeleteAddress
            or ReplaceRoute or AddRoute or DeleteRoute or AddRule or DeleteRule;

    private static void AddToBatch(RequestBatch batch, PlanStep step, LinkIndexes links)
    {
        int Index(string name) => links.Of(name, step);
        switch (step)
        {
            case SetLinkSysctls(string link, ImmutableArray<SetSysctl> steps):
                WriteSysctls(batch, step, Index(link), steps);
                break;
            case DeleteLink(LinkState link):
                batch.DeleteLink(step, Index(link.Name));
                break;
            case ChangeLink change:
                batch.ChangeLink(step, Index(change.To.Name), change.Settings);
                break;
            case AddAddress(AddressState address, string link):
                // Without duplicate address detection an IPv6 address is usable at once. An own address is no source for the world.
                batch.AddAddress(step, new LinkAddress(Index(link), address.Address, address.PrefixLength, NoDadFor(address))
                {
                    Scope = OwnAddresses.IsOne(address.Address) ? RouteScope.Link : RouteScope.Universe,
                });
                break;
            case DeleteAddress(AddressState address, string link):
                batch.DeleteAddress(step, new LinkAddress(Index(link), address.Address, address.PrefixLength, AddressFlags.None));
                break;
            case ReplaceRoute(RouteState route):
                batch.ReplaceRoute(step, route.ToKernel(Index));
                break;
            case AddRoute(RouteState route):
                batch.AddRoute(step, route.ToKernel(Index));
                break;
            case DeleteRoute(RouteState route):
                batch.DeleteRoute(step, route.ToKernel(Index));
                break;
            case AddRule(RoutingRule rule):
                batch.AddRule(step, rule);
                break;
            case DeleteRule(RoutingRule rule):
                batch.DeleteRule(step, rule);
                break;
            default:
                throw new InvalidOperationException($"no message for: {step}");
        }
    }

    private static void WriteSysctls(RequestBatch batch, PlanStep step, int link, ImmutableArray<SetSysctl> steps)
    {
        ILookup<bool, SetSysctl> byFamily = steps.ToLookup(one => one.Sysctl.Family == AddressFamily.InterNetwork);
        foreach (SetSysctl mode in byFamily[false])
        {
            batch.SetAddressGenerationMode(step, link, (byte)mode.Value);
        }

        if (byFamily[true].Any())
        {
            batch.SetIpv4Sysctls(step, link, byFamily[true].Select(one => (one.Sysctl.Name, one.Value)));
        }
    }

    private void Execute(PlanStep step)
    {
        switch (step)
        {
            case CreateTable(Table table, bool replaces):
                netFilter.CreateTable(table, replaces);
                break;
            case UpdateTable(Table table, Table observed):
                Update(step, table, observed);
                break;
            case ForgetStaleConnections(AttachmentNames names, Redirections redirections):
                ForgetStale(names, redirections);
                break;
            case ForgetConnections forgotten:
                Forget(forgotten);
                break;
            case DeleteTable(Table table):
                netFilter.DeleteTable(table.Family, table.Name);
                break;
            case SetSysctl sysctl:
                Set(sysctl);
                break;
            default:
                throw new InvalidOperationException($"no way to carry out: {step}");
        }
    }

    private void ForgetStale(AttachmentNames names, Redirections redirections)
    {
        // A new pod has no connections, and a dump of none takes longer the more the node has.
        if (SysctlFile.Read("net/netfilter/nf_conntrack_count") is null or "0")
        {
            return;
        }

        var local = route.ListRoutes(route => route.Type == RouteType.Local).Select(route => route.Destination).OfType<IPAddress>()
            .ToHashSet();
        netFilter.DeleteConnections(connection =>
            names.HasEgressMark(connection) && redirections.IsStale(connection) || redirections.IsMissed(connection, local));
    }

    private void Update(PlanStep step, Table table, Table observed)
    {
        try
        {
            netFilter.UpdateTable(table, observed);
        }
        catch (NetlinkException other) when (other.Number is Errno.ENOENT or Errno.EEXIST)
        {
            throw new NetlinkException(step.ToString(), other.Number, "another program changed the table");
        }
    }

    /// <summary>
    /// /proc/sys is read-only in an unprivileged container: parameters that rtnetlink supports are then set with it. Writing the file
    /// would also disable large receive offload, which links of pods do not do themselves.
    /// </summary>
    private void Set(SetSysctl step)
    {
        try
        {
            SysctlFile.Write($"{step.Sysctl}", step.Value.ToString(CultureInfo.InvariantCulture));
        }
        catch (NetlinkException refused) when (refused.Number == Errno.EROFS && SetLinkSysctls.CanBeSetByMessage(step.Sysctl)
            && route.GetLinkNamed(step.Sysctl.Link) is Link link)
        {
            var batch = new RequestBatch();
            batch.SetIpv4Sysctls(step, link.Index, [(step.Sysctl.Name, step.Value)]);
            route.Execute(batch);
        }
    }

    /// <summary>
    /// Deletes redirected connections by mark, with one message per mark; dumps the rest and deletes by address. On a kernel without
    /// nf_conntrack_netlink all connections stay until they expire.
    /// </summary>
    private void Forget(ForgetConnections step)
    {
        // A dump walks the table that all pods of the node share.
        if (SysctlFile.Read("net/netfilter/nf_conntrack_count") is "0")
        {
            return;
        }

        try
        {
            foreach (uint mark in (ReadOnlySpan<uint>)[step.Names.EgressMark, step.Names.ReturnMark])
            {
                netFilter.DeleteMarkedConnections(mark, AttachmentNames.MarkMask);
            }

            HashSet<IPAddress> addresses = [.. step.Addresses];
            netFilter.DeleteConnections(connection => connection.Ends().Any(addresses.Contains));
        }
        catch (NetlinkException failure)
        {
            throw new NetlinkException(step.ToString(), failure.Number, failure.KernelText);
        }
    }

    private static AddressFlags NoDadFor(AddressState address) =>
        address.Address.AddressFamily == AddressFamily.InterNetworkV6 ? AddressFlags.NoDad : AddressFlags.None;
}
