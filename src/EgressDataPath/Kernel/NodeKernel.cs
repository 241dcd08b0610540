using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using EgressDataPath.Desired;
using Netlink;
using Netlink.NetFilter;
using Netlink.Routing;
using Serilog;

namespace EgressDataPath.Kernel;

/// <summary>The data path in the kernel of a node. Not thread-safe.</summary>
public sealed class NodeKernel : IDisposable
{
    /// <summary>How often the node is searched for obstacles.</summary>
    private static readonly TimeSpan _checkInterval = TimeSpan.FromSeconds(20);

    private readonly NetNamespace _namespace;

    private readonly Settings _settings;

    private readonly ILogger _log;

    private readonly NetlinkSocket _route;

    private readonly NetlinkSocket _netFilter;

    private readonly KnownTable _table;

    private readonly NodeNumbers _numbers;

    private bool _hasNumbers;

    private long? _checked;

    /// <summary>Opens sockets in the namespace.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public NodeKernel(NetNamespace node, Settings settings, ILogger log)
    {
        ArgumentNullException.ThrowIfNull(node);
        (_namespace, _settings, _log) = (node, settings, log);
        _numbers = new NodeNumbers(settings);
        (_route, _netFilter) = node.Run(() => (NetlinkSocket.OpenRoute(), NetlinkSocket.OpenNetFilter()));
        _table = new KnownTable(_netFilter);
    }

    /// <summary>
    /// Told of an egress address that this node no longer holds, with the connections that still have it. Nothing leaves with the address
    /// any more, but its link has it until this returns.
    /// </summary>
    public Action<IPAddress, IReadOnlyList<ConntrackEntry>>? Released { get; set; }

    /// <summary>
    /// Takes over connections of an egress address that this node holds, or is about to hold, so that they go on even if only the outside
    /// sends.
    /// </summary>
    /// <param name="address">The egress address.</param>
    /// <param name="connections">Connections of pods of other nodes.</param>
    /// <param name="replaces">Whether they replace what this node knows of them already.</param>
    /// <returns>How many are new.</returns>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public int TakeOver(IPAddress address, IEnumerable<ConntrackEntry> connections, bool replaces) =>
        _namespace.Run(() => EgressConnections.TakeOver(_netFilter, _settings, address, connections, replaces));

    /// <summary>The connections of this node's pods that have an egress address, as its egress node would have them.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public IReadOnlyList<ConntrackEntry> ConnectionsOf(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return _numbers.Slots.Numbers.TryGetValue(address.ToString(), out int slot)
            ? _namespace.Run(() => EgressConnections.InSlot(_netFilter, _settings, address, slot))
            : [];
    }

    /// <summary>Makes the kernel as the duties want it.</summary>
    /// <param name="duties">What the node has to do.</param>
    /// <param name="tunnelMtu">The MTU of the tunnel's link, in bytes.</param>
    /// <returns>The steps that were taken: none if all was right already.</returns>
    /// <exception cref="NetlinkException">The kernel refuses a step, which the error names. The next call goes on from there.</exception>
    /// <exception cref="NumbersExhaustedException">There are more egress addresses or egress nodes than the masks have numbers.</exception>
    /// <exception cref="CollisionException">Another program has what the data path needs; nothing was changed.</exception>
    public ImmutableArray<Step> Reconcile(Duties duties, int tunnelMtu) => _namespace.Run(() =>
    {
        ArgumentNullException.ThrowIfNull(duties);
        ObservedState observed = Observe();
        ImmutableArray<string> collisions = [.. NodeChecks.Collisions(_route, _settings, observed)];
        if (!collisions.IsEmpty)
        {
            throw new CollisionException(collisions);
        }

        if (_checked is not long last || Stopwatch.GetElapsedTime(last) > _checkInterval)
        {
            Obstacles = [.. NodeChecks.Obstacles(_netFilter, observed,
                duties.Held.Where(held => held.HasOwnWay).Select(held => held.Link))];
            Unencrypted = NodeChecks.Unencrypted(observed.Links);
            _checked = Stopwatch.GetTimestamp();
        }

        bool isFirst = !_hasNumbers || observed.Table is null;
        ImmutableArray<Step> tunnel = Plan.ForTunnel(observed, _settings, tunnelMtu,
            () => EgressTable.Build(Duties.None with { Peers = duties.Peers }, _settings, new NodeNumbers(_settings), tunnelMtu));
        foreach (Step step in tunnel)
        {
            Execute(step);
        }

        if (!tunnel.IsEmpty)
        {
            observed = Observe();
        }

        if (!_hasNumbers && observed.Table is Table table)
        {
            _numbers.Take(table);
        }

        _hasNumbers = true;
        IReadOnlyList<int> freed = FreeNumbers(duties);
        var desired = DesiredState.Of(duties, _settings, _numbers, tunnelMtu, observed.Indexes, HasIPv6());
        ImmutableArray<IPAddress> leaving =
            [.. observed.Addresses.Select(address => address.Address).Except(duties.Held.Select(held => held.Address))];
        Table? guarded = leaving.IsEmpty ? null
            : EgressTable.Build(duties with { Leaving = leaving }, _settings, _numbers, tunnelMtu);
        ImmutableArray<Step> steps = Plan.For(desired, observed, _settings, _numbers.Slots.Numbers, freed, isFirst, guarded);
        ExecuteAll(steps);
        return tunnel.AddRange(steps);
    });

    /// <summary>
    /// Takes egress addresses from the node, whatever else is wrong with it: another node may have them soon. <see cref="Reconcile"/> does
    /// this too, and hands connections over before.
    /// </summary>
    /// <param name="held">The addresses that it keeps.</param>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public void LetGo(IReadOnlySet<IPAddress> held) => _namespace.Run(() =>
    {
        foreach (LinkAddress address in Observe().Addresses.Where(address => !held.Contains(address.Address)))
        {
            Execute(new Step.DeleteAddress(address, $"link {address.LinkIndex}"));
        }
    });

    /// <summary>Removes all of the data path: pods use the node's address again.</summary>
    /// <returns>The steps that were taken.</returns>
    /// <exception cref="NetlinkException">The kernel refuses a step, which the error names.</exception>
    public ImmutableArray<Step> Remove() => _namespace.Run(() =>
    {
        ImmutableArray<Step> steps = Plan.ForRemoval(Observe());
        ExecuteAll(steps);
        return steps;
    });

    /// <summary>What stood in the way when the kernel was compared last.</summary>
    public ImmutableArray<string> Obstacles { get; private set; } = [];

    /// <summary>Why users may take the tunnel for encrypted, when the kernel was compared last; null: nothing suggests it.</summary>
    public string? Unencrypted { get; private set; }

    /// <summary>Reads what the kernel has.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public ObservedState Observe() => _namespace.Run(() => ObservedState.Read(_route, _table.Read(), _settings));

    /// <summary>Reads the networks of the node.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public NodeNetworks ReadNetworks() => _namespace.Run(() => NodeNetworks.Read(_route));

    /// <inheritdoc/>
    public void Dispose()
    {
        _route.Dispose();
        _netFilter.Dispose();
    }

    /// <summary>Frees what neither these duties nor anything that the kernel still has needs.</summary>
    private IReadOnlyList<int> FreeNumbers(Duties duties)
    {
        EgressAddress[] addresses = [.. duties.Objects.SelectMany(served => served.Addresses)];
        _numbers.Hops.Keep(addresses.Select(address => address.Way).OfType<Way.Tunnel>().Select(way => EgressTable.TunnelTo(way.Node))
            .Concat(duties.Held.Where(held => held.HasOwnWay).Select(held => EgressTable.OutBy(held.Link))).ToHashSet());
        return _numbers.Slots.Keep(addresses.Select(address => address.Address.ToString()).ToHashSet());
    }

    /// <summary>Routes of one kind go together in batches: there is one for each pod of other nodes.</summary>
    private void ExecuteAll(ImmutableArray<Step> steps)
    {
        for (int index = 0; index < steps.Length;)
        {
            int end = index + 1;
            if (IsForBatch(steps[index]))
            {
                while (end < steps.Length && IsForBatch(steps[end]))
                {
                    end++;
                }

                ExecuteTogether(steps[index..end]);
            }
            else
            {
                Execute(steps[index]);
            }

            index = end;
        }
    }

    private static bool IsForBatch(Step step) => step is Step.SetRoute or Step.DeleteRoute or Step.AddRule or Step.DeleteRule;

    private void ExecuteTogether(ImmutableArray<Step> steps)
    {
        foreach (Step[] chunk in steps.Chunk(200))
        {
            var batch = new RequestBatch();
            foreach (Step step in chunk)
            {
                Log(step);
                switch (step)
                {
                    case Step.SetRoute(Route route): batch.ReplaceRoute(step, route); break;
                    case Step.DeleteRoute(Route route): batch.DeleteRoute(step, route); break;
                    case Step.AddRule(RoutingRule rule): batch.AddRule(step, rule); break;
                    case Step.DeleteRule(RoutingRule rule): batch.DeleteRule(step, rule); break;
                    default: throw new InvalidOperationException($"no message for: {step}");
                }
            }

            // What is gone, or there, already is as it is to be: another program was faster.
            foreach (RefusedRequest refused in _route.TryExecute(batch).Where(refused => !IsAsWanted(refused)))
            {
                throw refused.Error;
            }
        }
    }

    private static bool IsAsWanted(RefusedRequest refused) => (refused.Operation, refused.Error.Number) is
        (Step.DeleteRoute, Errno.ESRCH) or (Step.DeleteRule, Errno.ENOENT) or (Step.AddRule, Errno.EEXIST);

    private void Execute(Step step)
    {
        Log(step);
        switch (step)
        {
            case Step.CreateTunnel(int port, int mtu):
                Send(step, batch => batch.CreateLink(
                    step, new LinkRequest(Settings.Link, new Vxlan(port), null, new LinkSettings { Mtu = mtu }, null)));
                break;
            case Step.DeleteTunnel(int index):
                Send(step, batch => batch.DeleteLink(step, index));
                break;
            case Step.SetUpTunnel(int mtu):
                SetUpTunnel(step, mtu);
                break;
            case Step.AddAddress(LinkAddress address, _):
                Send(step, batch => batch.ReplaceAddress(step, address));
                break;
            case Step.DeleteAddress(LinkAddress address, _):
                Send(step, batch => batch.DeleteAddress(step, address), Errno.EADDRNOTAVAIL);
                break;
            case Step.DeleteTable:
                _table.Delete();
                break;
            case Step.SetTable set:
                _table.Set(set.Wanted, set.Observed);
                break;
            case Step.ForgetConnections forgotten:
                Forget(forgotten);
                break;
            case Step.RebindConnections(ImmutableArray<Rebinding> slots):
                if (HasConnections())
                {
                    EgressConnections.Rebind(_netFilter, _settings, slots);
                }

                break;
            case Step.HandOver(IPAddress address):
                if (HasConnections() && Released is Action<IPAddress, IReadOnlyList<ConntrackEntry>> released)
                {
                    released(address, EgressConnections.Of(_netFilter, _settings, address));
                }

                break;
            default:
                ExecuteTogether([step]);
                break;
        }
    }

    private void SetUpTunnel(Step step, int mtu)
    {
        Link link = _route.GetLink(Settings.Link) ?? throw new NetlinkException(step.ToString(), Errno.ENODEV);
        Send(step, batch =>
        {
            if (HasIPv6())
            {
                batch.SetAddressGenerationMode(step, link.Index, 1);
            }

            batch.SetIpv4Sysctls(step, link.Index, [("rp_filter", Plan.LooseReversePath)]);
            batch.ReplaceAddress(step, new LinkAddress(link.Index, Settings.LinkAddress, 32, AddressFlags.NoPrefixRoute));
            batch.ChangeLink(step, link.Index, new LinkSettings { Mtu = mtu, IsUp = true });
        });
    }

    /// <summary>Whether the link of the tunnel has IPv6: a node may have none at all, or have switched it off for new links.</summary>
    private static bool HasIPv6() => SysctlFile.Read($"net/ipv6/conf/{Settings.Link}/disable_ipv6") == "0";

    private void Send(Step step, Action<RequestBatch> write, int harmless = 0)
    {
        var batch = new RequestBatch();
        write(batch);
        foreach (RefusedRequest refused in _route.TryExecute(batch).Where(refused => harmless == 0 || refused.Error.Number != harmless))
        {
            throw refused.Error;
        }
    }

    /// <summary>A dump of no connections takes longer the more the other namespaces of the machine have.</summary>
    private static bool HasConnections() => SysctlFile.Read("net/netfilter/nf_conntrack_count") is not (null or "0");

    private void Forget(Step.ForgetConnections forgotten)
    {
        if (!HasConnections())
        {
            return;
        }

        _netFilter.DeleteConnections(connection => _settings.SlotOf(connection.Mark) is not 0 and int slot
            && (forgotten.EgressAddresses.Contains(connection.Reply.Destination)
                || (slot == _settings.TunnelSlot
                    ? forgotten.Members.Contains(connection.Original.Source)
                    : forgotten.Pods.Contains(connection.Original.Source) || forgotten.Slots.Contains(slot))));
    }

    private void Log(Step step) => _log.Debug("{Step:l}", [step.ToString()]);
}

/// <summary>Another program of the node has what the data path needs.</summary>
public sealed class CollisionException(ImmutableArray<string> collisions) : Exception(string.Join("; ", collisions));
