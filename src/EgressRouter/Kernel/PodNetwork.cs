using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;
using EgressRouter.State;
using EgressRouter.State.Nftables;
using Netlink;
using Netlink.NetFilter;
using Netlink.Routing;
using Serilog;

namespace EgressRouter.Kernel;

/// <summary>
/// Reads the network of the pod's namespace into states and changes it by plans. An instance must be opened and used on a thread in
/// that namespace.
/// </summary>
public sealed class PodNetwork : IDisposable
{
    /// <summary>The memory limit per pod: ten thousand destinations take 5 MiB, and the ports of a range 20 MiB at most.</summary>
    private const long MostBytes = 32 * 1024 * 1024;

    /// <summary>No pod needs more attachments. Each has tables to read.</summary>
    private const int MostAttachments = 100;

    /// <summary>More than all routers of a pod need: with a "goto" rule, the kernel walks all rules to delete one.</summary>
    private const int MostRules = 5_000;

    /// <summary>The time limit for dumps of one pod: a hundred thousand connections take less than a second.</summary>
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(10);

    private readonly NetlinkSocket _route;
    private readonly NetlinkSocket _netFilter;
    private readonly ReadBudget _budget;
    private readonly ILogger? _log;

    private PodNetwork(NetlinkSocket route, NetlinkSocket netFilter, ReadBudget budget, ILogger? log)
    {
        _route = route;
        _netFilter = netFilter;
        _budget = budget;
        _log = log;
    }

    /// <summary>Opens both sockets in the calling thread's namespace.</summary>
    /// <param name="log">Receives each executed step.</param>
    /// <exception cref="NetlinkException">The kernel refuses a socket (EPROTONOSUPPORT: it has no nf_tables).</exception>
    public static PodNetwork Open(ILogger? log = null)
    {
        var budget = new ReadBudget(MostBytes, _longest);
        NetlinkSocket route = NetlinkSocket.OpenRoute(budget);
        try
        {
            return new PodNetwork(route, NetlinkSocket.OpenNetFilter(budget), budget, log);
        }
        catch
        {
            route.Dispose();
            throw;
        }
    }

    /// <summary>As <see cref="Open"/>; null on a kernel without nf_tables, on which no ADD can have succeeded.</summary>
    /// <param name="log">Receives each executed step.</param>
    /// <exception cref="NetlinkException">The kernel refuses a socket.</exception>
    public static PodNetwork? OpenIfPossible(ILogger log)
    {
        try
        {
            return Open(log);
        }
        catch (NetlinkException lacking) when (lacking.Number == Errno.EPROTONOSUPPORT)
        {
            log.Warning("kernel without nf_tables: no router can exist: {Message:l}", [lacking.Message]);
            return null;
        }
    }

    /// <summary>Reads links, parameters, routes, rules and the names of nf_tables tables, but not the contents of tables.</summary>
    /// <param name="names">This attachment, whose interface may have neither the link group nor a table.</param>
    /// <exception cref="NetlinkException">The kernel refuses a request, or a limit is exceeded (E2BIG, ETIMEDOUT).</exception>
    public PodDump Read(AttachmentNames? names = null)
    {
        _budget.Restart();
        (IReadOnlyList<Link> links, NamespaceSysctls namespaceSysctls) = _route.ListLinksAndSysctls();
        Dictionary<int, Link> byIndex = links.ToDictionary(link => link.Index);
        IReadOnlyList<string> tables = ListTables();
        HashSet<string> attached = [.. tables.Select(AttachmentNames.InterfaceOfTable).OfType<string>()];
        bool IsEgress(Link link) =>
            link.Group == AttachmentNames.LinkGroup || attached.Contains(link.Name) || link.Name == names?.Interface;
        HashSet<int?> egress = [.. links.Where(IsEgress).Select(link => (int?)link.Index)];
        var gateways = new WidestGateways();
        IReadOnlyList<Route> routes = _route.ListRoutes(route =>
            route is { Type: RouteType.Local } or { PrefixLength: 0 } || egress.Contains(route.OutputInterface)
                || AttachmentNames.IsTable(route.Table) || gateways.IsOne(route));
        IReadOnlyList<RoutingRule> rules = _route.ListRules(
            rule => AttachmentNames.IsTable(rule.Table) || rule.Mask == AttachmentNames.MarkMask || rule.Source is not null);
        if (rules.Count > MostRules)
        {
            throw new NetlinkException(
                "read the routing rules of a pod", Errno.E2BIG, $"{rules.Count} may be a router's, at most {MostRules} are read");
        }

        return new PodDump(links, namespaceSysctls, [.. routes.Select(route => route.FromKernel(byIndex))], rules, tables);
    }

    /// <summary>The input from which the facts about the pod are derived.</summary>
    /// <param name="names">This attachment.</param>
    /// <param name="dump">The dump.</param>
    /// <exception cref="NetlinkException">The kernel refuses a request.</exception>
    public PodSnapshot Snapshot(AttachmentNames names, PodDump dump)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(dump);
        HashSet<string> egress = [.. dump.Links.Where(link => link.Group == AttachmentNames.LinkGroup).Select(link => link.Name)];
        RouteState[] main = [.. dump.Routes.Where(route => route.Table == Route.MainTable)];
        return new PodSnapshot
        {
            Links = [.. dump.Links],
            MainDefaults = [.. main.Where(route => route.IsDefault)],
            MainGateways = [.. main.Where(route => !route.IsDefault && route.Gateway is not null)],
            LocalAddresses = [.. dump.Routes.Where(route => route is { Type: RouteType.Local,
                Device: not null } && route.PrefixLength == route.Family.AddressBits())
                .Select(route => new LocalAddress(route.Destination, route.Device!))],
            ReturnDefaults = dump.DefaultsOf(names.ReturnTable),
            // A table without its egress interface is no other attachment, and is not read.
            Attachments = [.. Bounded(dump.AttachedInterfaces.Where(name => name == names.Interface || egress.Contains(name)))
                .Select(name => ReadAttachment(new AttachmentNames(name), dump))],
            HasIpv6 = dump.Sysctls.Ipv6AllForwarding is not null,
        };
    }

    /// <summary>Foreign NAT chains of the prerouting hook, of any priority: <c>ip nat PREROUTING</c>.</summary>
    /// <exception cref="NetlinkException">The kernel refuses a request.</exception>
    public ImmutableArray<string> ListOtherTranslations() =>
    [
        .. _netFilter.ListChains((table, chain) =>
                chain is { Base: { Type: "nat", Hook: NetFilterHook.PreRouting }, Uses: > 0 }
                    && AttachmentNames.InterfaceOfTable(table) is null)
            .Select(found => $"{NameOf(found.Family)} {found.Table} {found.Chain.Name}"),
    ];

    /// <summary>All links of the pod.</summary>
    public IReadOnlyList<Link> ListLinks() => _route.ListLinks();

    /// <summary>All attachments with an nf_tables table, and their owners, from any version of the plugin.</summary>
    /// <exception cref="NetlinkException">The kernel refuses a request.</exception>
    public IEnumerable<(AttachmentNames Names, Owner? Owner)> ListAttachments() =>
        Bounded(ListTables().Select(AttachmentNames.InterfaceOfTable).OfType<string>())
            .Select(name => new AttachmentNames(name)).Select(names => (names, ReadOwner(names)));

    /// <summary>An attachment's owner, from any version of the plugin; null if none is saved.</summary>
    /// <param name="names">The attachment.</param>
    /// <exception cref="NetlinkException">The kernel refuses a request, or there is more than ADD writes (E2BIG).</exception>
    public Owner? ReadOwner(AttachmentNames names) => ReadAnySavedState(names).Owner;

    /// <summary>An attachment's saved state; empty if it has no nf_tables table.</summary>
    /// <param name="names">The attachment.</param>
    /// <exception cref="NetlinkException">
    /// The kernel refuses a request, there is more than ADD writes (E2BIG), or a newer version of the plugin wrote it (EOPNOTSUPP).
    /// </exception>
    public SavedState ReadSavedState(AttachmentNames names)
    {
        SavedState saved = ReadAnySavedState(names);
        return saved.Format <= SavedState.NewestFormat ? saved
            : throw new NetlinkException(
                $"read the saved state in {names.NetFilterTable}",
                Errno.EOPNOTSUPP,
                $"a newer version of the plugin has written it: its format is {saved.Format}, this version reads formats up to {SavedState.NewestFormat}");
    }

    private SavedState ReadAnySavedState(AttachmentNames names)
    {
        ArgumentNullException.ThrowIfNull(names);
        ImmutableArray<Rule> rules = _netFilter.ReadRules(TableFamily.Inet, names.NetFilterTable, NftRuleset.RestoreChain);
        return rules.Length <= SavedState.MostLines ? SavedState.Read(rules)
            : throw new NetlinkException(
                $"read the saved state in {names.NetFilterTable}", Errno.E2BIG,
                $"chain {NftRuleset.RestoreChain} has {rules.Length} rules, at most {SavedState.MostLines} are read");
    }

    /// <summary>The egress interface, or null if there is none.</summary>
    /// <param name="names">The attachment.</param>
    public Link? ReadLink(AttachmentNames names)
    {
        ArgumentNullException.ThrowIfNull(names);
        return _route.GetLinkNamed(names.Interface);
    }

    /// <summary>Reads the client connections through an attachment, and those to servers in its pod, one by one.</summary>
    /// <param name="names">The attachment.</param>
    /// <param name="restart">Called before the first connection, and again if the dump restarts.</param>
    /// <param name="take">Called for each connection.</param>
    /// <exception cref="NetlinkException">The kernel refuses a request (EINVAL: it has no nf_conntrack_netlink).</exception>
    public void ReadConnections(AttachmentNames names, Action restart, Action<ConntrackEntry> take)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(take);
        _netFilter.ReadConnections(restart, connection =>
        {
            if (names.HasEgressMark(connection))
            {
                take(connection);
            }
        });
    }

    /// <summary>The routes of redirected packets to the given addresses, or null for an address without a route.</summary>
    /// <param name="names">The attachment.</param>
    /// <exception cref="NetlinkException">The kernel refuses a request.</exception>
    public IEnumerable<(IPAddress Destination, RouteState? Route)> RoutesOfRedirected(
        AttachmentNames names, IEnumerable<IPAddress> destinations)
    {
        ArgumentNullException.ThrowIfNull(names);
        Dictionary<int, Link> links = _route.ListLinks().ToDictionary(link => link.Index);
        return destinations.Select(destination => (destination, _route.GetRoute(destination, mark: names.EgressMark)?.FromKernel(links)));
    }

    /// <summary>The index of the output link of the pod's own route to an address, or null if there is none.</summary>
    /// <exception cref="NetlinkException">The kernel refuses a request.</exception>
    public int? LinkTo(IPAddress destination) => _route.GetRoute(destination)?.OutputInterface;

    /// <summary>All kernel objects of an attachment.</summary>
    /// <param name="names">The attachment.</param>
    /// <param name="sysctls">The sysctls to read.</param>
    /// <param name="dump">The dump.</param>
    /// <param name="withCounts">Whether to read the counters of each port too: clients can create very many.</param>
    /// <exception cref="NetlinkException">The kernel refuses a request.</exception>
    public NetworkState Observe(AttachmentNames names, IEnumerable<Sysctl> sysctls, PodDump dump, bool withCounts = false)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(dump);
        // An ADD that was killed before it renamed the link leaves it with the temporary name.
        Link? link = dump.Links.FirstOrDefault(link => link.Name == names.TemporaryInterface && link.Group == AttachmentNames.LinkGroup)
            ?? dump.Links.FirstOrDefault(link => link.Name == names.Interface);
        uint[] marks = [names.EgressMark, names.ReturnMark];
        uint[] tables = [names.EgressTable, names.ReturnTable];
        HashSet<string?> otherEgressLinks =
            [.. dump.Links.Where(link => link.Group == AttachmentNames.LinkGroup && link.Name != names.Interface)
                .Select(link => link.Name)];
        return new NetworkState
        {
            Link = link?.FromKernel(),
            Addresses = link is null ? [] : [.. _route.ListAddresses(link)
                .Where(address => !address.Address.IsIPv6LinkLocal)
                .Select(address => new AddressState(address.Address, address.PrefixLength, address.Flags.HasFlag(AddressFlags.DadFailed)))],
            Routes = [.. dump.Routes.Where(route => tables.Contains(route.Table) || (route.Table == Route.MainTable
                && (route.Device == names.Interface || (route.IsDefault && !otherEgressLinks.Contains(route.Device)))))],
            Rules = [.. dump.Rules
                .Where(rule => tables.Contains(rule.Table) || (rule.Mask == AttachmentNames.MarkMask && marks.Contains(rule.Mark)))],
            Table = dump.Tables.Contains(names.NetFilterTable)
                ? _netFilter.ReadTable(
                    TableFamily.Inet, names.NetFilterTable, NftRuleset.IsChain, map =>
                        (withCounts || !map.IsDynamic) && NftRuleset.IsMap(map), withCounts)
                : null,
            Sysctls = dump.ReadSysctls(sysctls),
        };
    }

    /// <summary>
    /// An attachment's routing rules, as far as they can be read: those that every attachment has, and the first ones of the others.
    /// </summary>
    /// <param name="names">The attachment.</param>
    public IEnumerable<RoutingRule> RulesOf(AttachmentNames names)
    {
        ArgumentNullException.ThrowIfNull(names);
        IEnumerable<RoutingRule> others = [];
        try
        {
            others = _route.ListRules(
                rule => rule.Table == names.EgressTable || rule.Table == names.ReturnTable).Take(SavedState.MostLines);
        }
        catch (NetlinkException unreadable)
        {
            _log?.Warning("of the routing rules only those that every router has are removed: {Message:l}", [unreadable.Message]);
        }

        return StateBuilder.RulesOf(names).Union(others);
    }

    /// <summary>
    /// The routes in an attachment's two tables, as far as they can be read; empty if its nf_tables table does not exist.
    /// </summary>
    /// <param name="names">The attachment.</param>
    public IEnumerable<RouteState> RoutesOf(AttachmentNames names)
    {
        ArgumentNullException.ThrowIfNull(names);
        try
        {
            if (!ListTables().Contains(names.NetFilterTable))
            {
                // A routing table of that number may be foreign.
                return [];
            }

            Dictionary<int, Link> links = _route.ListLinks().ToDictionary(link => link.Index);
            return [.. _route.ListRoutes(route => route.Table == names.EgressTable || route.Table == names.ReturnTable)
                .Take(SavedState.MostLines).Select(route => route.FromKernel(links))];
        }
        catch (NetlinkException unreadable)
        {
            _log?.Warning("the routes of the router's own tables are left: {Message:l}", [unreadable.Message]);
            return [];
        }
    }

    /// <summary>Creates the egress interface. Its parent is on the node: this is the only change through the node's socket.</summary>
    /// <param name="step">The interface to create.</param>
    /// <param name="names">The attachment.</param>
    /// <param name="node">A route socket in the node's namespace.</param>
    /// <param name="nodeSpace">The node's namespace.</param>
    /// <param name="pod">The pod's namespace.</param>
    /// <exception cref="NetlinkException">The kernel refuses a request.</exception>
    public void Create(CreateLink step, AttachmentNames names, NetlinkSocket node, NetNamespace nodeSpace, NetNamespace pod)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(nodeSpace);
        ArgumentNullException.ThrowIfNull(pod);
        PlanExecutor.Log(step, _log);
        using IDisposable? alone = step.Link.Kind is Ipvlan ? NamespaceLock.Take(nodeSpace, step.ToString()) : null;
        RequireMode(step, names, node, nodeSpace, pod);
        try
        {
            try
            {
                Create(step, step.Link, node, pod);
            }
            catch (NetlinkException taken) when (taken.Number == Errno.EEXIST)
            {
                Create(step, step.Link with { Name = names.TemporaryInterface }, node, pod);
                Rename(names.TemporaryInterface, step.Link.Name);
            }
        }
        catch (NetlinkException refused) when (step.Link.Kind?.WhyRefused(refused) is string reason)
        {
            throw new NetlinkException(step.ToString(), refused.Number, reason);
        }
    }

    /// <summary>Checks before the egress interface is created that other ipvlans of its parent keep their mode.</summary>
    /// <param name="step">The interface to create.</param>
    /// <param name="names">The attachment.</param>
    /// <param name="node">A route socket in the node's namespace.</param>
    /// <param name="nodeSpace">The node's namespace.</param>
    /// <param name="pod">The pod's namespace.</param>
    /// <exception cref="NetlinkException">EBUSY: their mode would change.</exception>
    public void RequireMode(CreateLink step, AttachmentNames names, NetlinkSocket node, NetNamespace nodeSpace, NetNamespace pod)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (step.Link.Kind is Ipvlan)
        {
            IpvlanParent.RequireMode(step, names, node, nodeSpace, pod, _log);
        }
    }

    /// <summary>Executes a plan in order, up to the first step that fails.</summary>
    /// <param name="plan">The steps, without the creation of the link.</param>
    /// <exception cref="NetlinkException">The kernel refuses a step, which the error names.</exception>
    public void Apply(IEnumerable<PlanStep> plan) => new PlanExecutor(_route, _netFilter, _log).Apply(plan);

    /// <summary>Executes a plan despite failures. An object that is already gone is no failure.</summary>
    /// <param name="plan">The steps.</param>
    /// <returns>The failures.</returns>
    public IReadOnlyList<StepFailure> ApplyAsFarAsPossible(IEnumerable<PlanStep> plan) =>
        new PlanExecutor(_route, _netFilter, _log).ApplyAsFarAsPossible(plan);

    /// <inheritdoc/>
    public void Dispose()
    {
        _route.Dispose();
        _netFilter.Dispose();
    }

    private static string NameOf(TableFamily family) => family switch { TableFamily.IPv4 => "ip", TableFamily.IPv6 => "ip6", _ => "inet" };

    private static void Create(CreateLink step, LinkState link, NetlinkSocket node, NetNamespace pod)
    {
        var batch = new RequestBatch();
        link.WriteTo(batch, step, pod.Descriptor);
        node.Execute(batch);
    }

    private void Rename(string from, string to)
    {
        string operation = $"rename link {from} to {to}";
        Link link = _route.GetLinkNamed(from) ?? throw new NetlinkException(operation, Errno.ENODEV);
        var batch = new RequestBatch();
        batch.SetName(operation, link.Index, to);
        _route.Execute(batch);
    }

    private InstalledAttachment ReadAttachment(AttachmentNames names, PodDump dump) => new(
        names.Interface, ReadSavedState(names), dump.DefaultsOf(names.EgressTable));

    private IReadOnlyList<string> ListTables() =>
        _netFilter.ListTables(TableFamily.Inet, name => AttachmentNames.InterfaceOfTable(name) is not null);

    private static string[] Bounded(IEnumerable<string> interfaces)
    {
        string[] all = [.. interfaces];
        return all.Length <= MostAttachments ? all
            : throw new NetlinkException(
                "read the routers of a pod", Errno.E2BIG,
                $"{all.Length} nftables tables are named as a router's, more than {MostAttachments} are not read");
    }

    /// <summary>Keeps only the shortest prefix of each link's gateway routes in the main table.</summary>
    private sealed class WidestGateways
    {
        private readonly Dictionary<(AddressFamily, int?), Route> _widest = [];

        /// <summary>
        /// Whether the route has a shorter prefix than all before it, or is the same route again, since a dump may restart.
        /// </summary>
        public bool IsOne(Route route)
        {
            (AddressFamily, int?) key = (route.Family, route.OutputInterface);
            if (route.Table != Route.MainTable || route.Gateway is null
                || (_widest.TryGetValue(key, out Route? widest) && route.PrefixLength >= widest.PrefixLength && !route.Equals(widest)))
            {
                return false;
            }

            _widest[key] = route;
            return true;
        }
    }
}
