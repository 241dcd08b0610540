using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;
using EgressRouter.State;
using Netlink;
using Netlink.NetFilter;
using Netlink.Routing;

namespace EgressRouter.Kernel;

/// <summary>
/// The network of the pod's namespace: read into states, and changed by plans. The only class with side effects on it.
/// Opened on the thread that is in the namespace, and used there.
/// </summary>
public sealed class PodNetwork : IDisposable
{
    private readonly NetlinkSocket _route;
    private readonly NetlinkSocket _netFilter;

    private PodNetwork(NetlinkSocket route, NetlinkSocket netFilter)
    {
        _route = route;
        _netFilter = netFilter;
    }

    /// <summary>Opens both sockets in the calling thread's namespace.</summary>
    /// <exception cref="NetlinkException">The kernel refuses one (EPROTONOSUPPORT: it lacks nf_tables).</exception>
    public static PodNetwork Open()
    {
        NetlinkSocket route = NetlinkSocket.OpenRoute();
        try
        {
            return new PodNetwork(route, NetlinkSocket.OpenNetFilter());
        }
        catch
        {
            route.Dispose();
            throw;
        }
    }

    /// <summary>Reads what belongs to the routes of the namespace, and which tables it has: all but what is in them.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public PodReading Read()
    {
        (IReadOnlyList<Link> links, NamespaceParameters parameters) = _route.ListLinksAndParameters();
        return new PodReading(
            links, parameters, [.. _route.ListRoutes().Select(route => route.FromKernel(links))], _route.ListRules(), _netFilter.ListTables(TableFamily.Inet));
    }

    /// <summary>What the facts about the pod are drawn from.</summary>
    /// <param name="names">The attachment in question.</param>
    /// <param name="reading">What was read.</param>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public PodSnapshot Snapshot(AttachmentNames names, PodReading reading)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(reading);
        RouteState[] main = [.. reading.Routes.Where(route => route.Table == Route.MainTable)];
        return new PodSnapshot
        {
            Links = [.. reading.Links],
            MainDefaults = [.. main.Where(route => route.IsDefault)],
            MainGateways = [.. main.Where(route => !route.IsDefault && route.Gateway is not null)],
            ReturnDefaults = reading.DefaultsOf(names.ReturnTable),
            Attachments = [.. reading.AttachedInterfaces.Select(name => ReadAttachment(new AttachmentNames(name), reading))],
            HasIpv6 = reading.Parameters.Ipv6AllForwarding is not null,
        };
    }

    /// <summary>All links of the pod.</summary>
    public IReadOnlyList<Link> ListLinks() => _route.ListLinks();

    /// <summary>Every attachment that has an nf_tables table, with what it remembers.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public IEnumerable<(string Interface, RestoreMemory Memory)> ListAttachments() =>
        _netFilter.ListTables(TableFamily.Inet).Select(AttachmentNames.InterfaceOfTable).OfType<string>()
            .Select(name => (name, ReadMemory(new AttachmentNames(name))));

    /// <summary>The egress interface as the kernel describes it; null if there is none.</summary>
    /// <param name="names">The attachment.</param>
    public Link? ReadLink(AttachmentNames names)
    {
        ArgumentNullException.ThrowIfNull(names);
        return _route.GetLink(names.Interface);
    }

    /// <summary>The connections that clients have through an attachment, or to servers in its pod.</summary>
    /// <param name="names">The attachment.</param>
    /// <exception cref="NetlinkException">The kernel refuses (EINVAL: it has no nf_conntrack_netlink).</exception>
    public IReadOnlyList<Connection> Connections(AttachmentNames names)
    {
        ArgumentNullException.ThrowIfNull(names);
        return _netFilter.ListConnections(connection => (connection.Mark & AttachmentNames.MarkMask) == names.EgressMark);
    }

    /// <summary>The route that a packet of a redirected connection takes to an address; null where it has none.</summary>
    /// <param name="names">The attachment.</param>
    /// <param name="destination">The address.</param>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public RouteState? RouteOfRedirected(AttachmentNames names, IPAddress destination)
    {
        ArgumentNullException.ThrowIfNull(names);
        return _route.GetRoute(destination, mark: names.EgressMark)?.FromKernel(_route.ListLinks());
    }

    /// <summary>All that is there of an attachment.</summary>
    /// <param name="names">The attachment.</param>
    /// <param name="sysctls">The kernel parameters in question.</param>
    /// <param name="reading">What was read.</param>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public NetworkState Observe(AttachmentNames names, IEnumerable<string> sysctls, PodReading reading)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(reading);
        // Whoever was killed before it gave the link its name has left it with the temporary one.
        Link? link = reading.Links.FirstOrDefault(link => link.Name == names.TemporaryInterface && link.Group == AttachmentNames.LinkGroup)
            ?? reading.Links.FirstOrDefault(link => link.Name == names.Interface);
        uint[] marks = [names.EgressMark, names.ReturnMark];
        uint[] tables = [names.EgressTable, names.ReturnTable];
        string[] otherEgressLinks =
            [.. reading.Links.Where(link => link.Group == AttachmentNames.LinkGroup && link.Name != names.Interface).Select(link => link.Name)];
        return new NetworkState
        {
            Link = link?.FromKernel(),
            Addresses = link is null ? [] : [.. _route.ListAddresses(link.Index)
                .Where(address => !address.Address.IsIPv6LinkLocal)
                .Select(address => new AddressState(address.Address, address.PrefixLength, address.Flags.HasFlag(AddressFlags.DadFailed)))],
            Routes = [.. reading.Routes.Where(route => tables.Contains(route.Table)
                || (route.Table == Route.MainTable && (route.Device == names.Interface || (route.IsDefault && !otherEgressLinks.Contains(route.Device)))))],
            Rules = [.. reading.Rules
                .Where(rule => tables.Contains(rule.Table) || (rule.Mask == AttachmentNames.MarkMask && marks.Contains(rule.Mark)))],
            Table = reading.Tables.Contains(names.NetFilterTable) ? _netFilter.ReadTable(TableFamily.Inet, names.NetFilterTable) : null,
            Sysctls = sysctls.Select(path => (path, value: reading.ReadSysctl(path))).Where(pair => pair.value is not null)
                .ToImmutableSortedDictionary(pair => pair.path, pair => pair.value!, StringComparer.Ordinal),
        };
    }

    /// <summary>Makes the egress interface. Its parent is on the node: this is the only change by the node's socket.</summary>
    /// <param name="step">The interface.</param>
    /// <param name="names">The attachment.</param>
    /// <param name="node">A route socket of the node's namespace.</param>
    /// <param name="pod">The pod's namespace.</param>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public void Create(CreateLink step, AttachmentNames names, NetlinkSocket node, NetNamespace pod)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(pod);
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
        catch (NetlinkException refused) when (step.Link.WhyRefused(refused) is string reason)
        {
            throw new NetlinkException(step.ToString(), refused.Number, reason);
        }
    }

    /// <summary>Carries out a plan, in its order, up to the first step that fails.</summary>
    /// <param name="plan">The steps, without the creation of the link.</param>
    /// <exception cref="NetlinkException">The kernel refuses a step, named in the error.</exception>
    public void Apply(IEnumerable<PlanStep> plan) => Carry(plan, failures =>
    {
        // A route of an address that was deleted before has gone with it.
        if (failures.FirstOrDefault(failure => !IsRouteGone(failure)) is Exception first)
        {
            throw first;
        }
    });

    /// <summary>Carries out a plan, whatever fails; that something is gone already is no failure.</summary>
    /// <param name="plan">The steps.</param>
    /// <returns>What failed.</returns>
    public IReadOnlyList<Exception> ApplyAsFarAsPossible(IEnumerable<PlanStep> plan)
    {
        var all = new List<Exception>();
        Carry(plan, failures => all.AddRange(failures.Where(failure => !IsGone(failure))));
        return all;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _route.Dispose();
        _netFilter.Dispose();
    }

    private static void Create(CreateLink step, LinkState link, NetlinkSocket node, NetNamespace pod)
    {
        var batch = new RequestBatch();
        link.WriteTo(batch, step.ToString(), pod.Descriptor);
        node.Execute(batch);
    }

    private void Rename(string from, string to)
    {
        string operation = $"rename link {from} to {to}";
        Link link = _route.GetLink(from) ?? throw new NetlinkException(operation, Errno.ENODEV);
        var batch = new RequestBatch();
        batch.SetName(operation, link.Index, to);
        _route.Execute(batch);
    }

    private static bool IsRouteGone(Exception failure) =>
        failure is NetlinkException { Number: Errno.ESRCH, WasSent: true, Operation: var operation } && operation.StartsWith("delete route ", StringComparison.Ordinal);

    private static bool IsGone(Exception failure) => failure switch
    {
        // The kernel was not asked: this says nothing about what is there.
        NetlinkException { WasSent: false } => false,
        // The link of a route that is to be put back is down, or has lost its addresses: it is no way any more.
        NetlinkException { Operation: var operation } refused when operation.StartsWith("add route", StringComparison.Ordinal) =>
            refused.Number is Errno.ENETUNREACH or Errno.EHOSTUNREACH or Errno.ENETDOWN or Errno.EINVAL or Errno.ENODEV,
        // A parameter goes with its link; any other refusal leaves it as it is.
        NetlinkException { Operation: var operation } refused when operation.StartsWith("set sysctl", StringComparison.Ordinal) => refused.Number == Errno.ENOENT,
        NetlinkException refused => refused.Number is Errno.ENOENT or Errno.ESRCH or Errno.ENODEV or Errno.EADDRNOTAVAIL,
        KeyNotFoundException => true,
        _ => false,
    };

    private KnownAttachment ReadAttachment(AttachmentNames names, PodReading reading) => new(
        names.Interface, ReadMemory(names), reading.DefaultsOf(names.EgressTable));

    private RestoreMemory ReadMemory(AttachmentNames names) => RestoreMemory.Read(_netFilter.ReadRules(TableFamily.Inet, names.NetFilterTable));

    /// <summary>
    /// Runs of steps for the route socket go out in one send, of which a failure does not stop the rest; the others go
    /// one by one. The failures of each run are handed to <paramref name="onFailures"/>, which decides whether it goes
    /// on. The pod's own routes are a run of their own: they are touched when all before them has worked.
    /// </summary>
    private void Carry(IEnumerable<PlanStep> plan, Action<IReadOnlyList<Exception>> onFailures)
    {
        IReadOnlyList<Link> links = _route.ListLinks();
        var batch = new RequestBatch();
        bool isMain = false;
        foreach (PlanStep step in SetLinkParameters.Together(plan))
        {
            try
            {
                if (step is ReplaceRoute { Route.Table: Route.MainTable } && !isMain)
                {
                    isMain = true;
                    onFailures(Flush(ref batch));
                }

                if (AddToBatch(batch, step, links))
                {
                    continue;
                }

                onFailures(Flush(ref batch));
                CarryOne(step);
            }
            catch (Exception failure) when (failure is NetlinkException or KeyNotFoundException)
            {
                onFailures([failure]);
            }
        }

        onFailures(Flush(ref batch));
    }

    private IReadOnlyList<Exception> Flush(ref RequestBatch batch)
    {
        RequestBatch full = batch;
        batch = new RequestBatch();
        return _route.TryExecute(full);
    }

    private static bool AddToBatch(RequestBatch batch, PlanStep step, IReadOnlyList<Link> links)
    {
        string operation = step.ToString();
        int Index(string name) => links.FirstOrDefault(link => link.Name == name)?.Index
            ?? throw new KeyNotFoundException($"{operation}: there is no link {name}");
        switch (step)
        {
            case SetLinkParameters(string link, ImmutableArray<SetSysctl> parameters):
                WriteParameters(batch, operation, Index(link), parameters);
                return true;
            case DeleteLink(LinkState link):
                batch.DeleteLink(operation, Index(link.Name));
                return true;
            case SetHardwareAddress(LinkState link):
                batch.SetHardwareAddress(operation, Index(link.Name), HardwareBytes(link));
                return true;
            case SetLinkGroup(LinkState link):
                batch.SetGroup(operation, Index(link.Name), link.Group);
                return true;
            case SetMtu(LinkState link):
                batch.SetMtu(operation, Index(link.Name), link.Mtu);
                return true;
            case SetLinkUp(LinkState link):
                batch.SetUp(operation, Index(link.Name), up: true);
                return true;
            case AddAddress(AddressState address, string link):
                // Without duplicate address detection an IPv6 address can be used at once.
                batch.AddAddress(operation, new LinkAddress(Index(link), address.Address, address.PrefixLength, NoDadFor(address)));
                return true;
            case DeleteAddress(AddressState address, string link):
                batch.DeleteAddress(operation, new LinkAddress(Index(link), address.Address, address.PrefixLength, AddressFlags.None));
                return true;
            case ReplaceRoute(RouteState route):
                batch.ReplaceRoute(operation, route.ToKernel(links));
                return true;
            case DeleteRoute(RouteState route):
                batch.DeleteRoute(operation, route.ToKernel(links));
                return true;
            case AddRule(RoutingRule rule):
                batch.AddRule(operation, rule);
                return true;
            case DeleteRule(RoutingRule rule):
                batch.DeleteRule(operation, rule);
                return true;
            default:
                return false;
        }
    }

    private static void WriteParameters(RequestBatch batch, string operation, int link, ImmutableArray<SetSysctl> parameters)
    {
        var ipv4 = new List<(string, int)>();
        foreach (SetSysctl parameter in parameters)
        {
            (bool isIpv4, _, string name) = Sysctl.Parse(parameter.Path);
            int value = int.Parse(parameter.Value, CultureInfo.InvariantCulture);
            if (isIpv4)
            {
                ipv4.Add((name, value));
            }
            else
            {
                batch.SetAddressGenerationMode(operation, link, (byte)value);
            }
        }

        if (ipv4.Count > 0)
        {
            batch.SetIpv4Parameters(operation, link, ipv4);
        }
    }

    private void CarryOne(PlanStep step)
    {
        switch (step)
        {
            case CreateTable(Table table, bool replaces):
                _netFilter.CreateTable(table, replaces);
                break;
            case UpdateTable(Table table, Table observed):
                _netFilter.UpdateTable(table, observed);
                break;
            case ForgetStaleConnections(AttachmentNames names, Redirections redirections):
                _netFilter.DeleteConnections([.. Connections(names).Where(redirections.IsStale)]);
                break;
            case ForgetConnections forgotten:
                Forget(forgotten);
                break;
            case DeleteTable(Table table):
                _netFilter.DeleteTable(table.Family, table.Name);
                break;
            case SetSysctl parameter:
                Set(parameter);
                break;
            default:
                throw new InvalidOperationException($"no way to carry out: {step}");
        }
    }

    /// <summary>
    /// In a container that is not privileged /proc/sys is read-only: what rtnetlink can set is set by it all the same.
    /// Large receive offload, which the file would switch off, the links of pods do not do themselves.
    /// </summary>
    private void Set(SetSysctl step)
    {
        try
        {
            KernelParameters.Write(step.Path, step.Value);
        }
        catch (NetlinkException refused) when (refused.Number == Errno.EROFS && SetLinkParameters.CanBeSetByMessage(step) && _route.GetLink(Sysctl.Parse(step.Path).Link) is Link link)
        {
            var batch = new RequestBatch();
            batch.SetIpv4Parameters(step.ToString(), link.Index, [(Sysctl.Parse(step.Path).Name, int.Parse(step.Value, CultureInfo.InvariantCulture))]);
            _route.Execute(batch);
        }
    }

    /// <summary>
    /// By mark in one message for what was redirected; what is left is read, and picked by address. A kernel without
    /// nf_conntrack_netlink keeps all until it ends by itself.
    /// </summary>
    private void Forget(ForgetConnections step)
    {
        try
        {
            foreach (uint mark in (ReadOnlySpan<uint>)[step.Names.EgressMark, step.Names.ReturnMark])
            {
                _netFilter.DeleteMarkedConnections(mark, AttachmentNames.MarkMask);
            }

            _netFilter.DeleteConnections(_netFilter.ListConnections(connection => step.Addresses.Any(connection.Has)));
        }
        catch (NetlinkException failure)
        {
            throw new NetlinkException(step.ToString(), failure.Number, failure.KernelText);
        }
    }

    private static byte[] HardwareBytes(LinkState link)
    {
        var bytes = new byte[MacAddress.Length];
        (MacAddress.TryParse(link.HardwareAddress) ?? throw new InvalidOperationException($"{link.HardwareAddress} is no hardware address")).CopyTo(bytes);
        return bytes;
    }

    private static AddressFlags NoDadFor(AddressState address) =>
        address.Address.AddressFamily == AddressFamily.InterNetworkV6 ? AddressFlags.NoDad : AddressFlags.None;
}
