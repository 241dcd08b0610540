using System.Collections.Concurrent;
using System.Net;
using EgressDataPath.Desired;
using EgressDataPath.Kernel;
using Netlink;
using Netlink.NetFilter;

namespace EgressOperator.Agent.Handover;

/// <summary>
/// Carries connections along when an egress address moves. Its methods are called by the agent's thread, except <see cref="TakeOver"/>.
/// </summary>
internal sealed class ConnectionCarrier(AgentContext context, NodeKernel kernel, Action wake)
{
    private readonly ConcurrentQueue<(HandoverMessage Message, TaskCompletionSource Taken)> _received = [];

    /// <summary>The egress node that each address had last.</summary>
    private readonly Dictionary<IPAddress, IPAddress> _tunnels = [];

    /// <summary>The newest view of the cluster.</summary>
    public ClusterView? View { get; set; }

    /// <summary>Takes over connections of an address that this node holds, or is about to hold.</summary>
    /// <returns>Ends when the kernel has them.</returns>
    public Task TakeOver(HandoverMessage message)
    {
        var taken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _received.Enqueue((message, taken));
        wake();
        return taken.Task;
    }

    /// <summary>Puts what was received into the kernel.</summary>
    public void Take()
    {
        while (_received.TryDequeue(out (HandoverMessage Message, TaskCompletionSource Taken) received))
        {
            HandoverMessage message = received.Message;
            try
            {
                // Only of egress addresses of this cluster: whoever is let in must not write connections of its choice.
                if (View?.Objects.Any(served => served.Addresses.Any(address => address.Address.Equals(message.EgressIP))) == true)
                {
                    // Of its own pods, this node knows the connections itself.
                    HashSet<IPAddress> own = [.. View.Objects.SelectMany(served => served.Members)
                        .Where(member => member.Node == context.Node).SelectMany(member => member.Addresses)];
                    int count = kernel.TakeOver(
                        message.EgressIP,
                        message.Connections.Select(one => one.ToEntry()).Where(one => !own.Contains(one.Original.Source)),
                        message.IsOfHolder);
                    context.Log.Information("{Count} connections of {EgressIP:l} are taken over", [count, message.EgressIP.ToString()]);
                }
            }
            catch (NetlinkException failure)
            {
                context.Log.Warning("connections of {EgressIP:l} are not taken over: {Failure:l}",
                    [message.EgressIP.ToString(), failure.Message]);
            }

            received.Taken.TrySetResult();
        }
    }

    /// <summary>Gives the connections of a released address to the node that is to hold it, if that one answers.</summary>
    public void HandOver(IPAddress address, IReadOnlyList<ConntrackEntry> connections)
    {
        if (!context.Peers.IsIsolated
            && View?.Objects.SelectMany(served => served.Addresses)
            .FirstOrDefault(one => one.Address.Equals(address))?.Owner is string owner
            && owner != context.Node && !context.Peers.Missing.Contains(owner)
            && View.Nodes.GetValueOrDefault(owner)?.Tunnel is IPAddress node)
        {
            context.Handover.Send(address, connections, isOfHolder: true, node);
        }
    }

    /// <summary>
    /// Gives the connections of this node's pods to egress nodes that are new for them: one that took an address from a dead node knows
    /// nothing of its connections, and the outside may be the only one that sends.
    /// </summary>
    public void Give(Duties duties)
    {
        EgressAddress[] addresses = [.. duties.Objects.SelectMany(served => served.Addresses).DistinctBy(address => address.Address)];
        foreach ((IPAddress address, IPAddress node) in addresses.Where(address => address.Way is Way.Tunnel)
            .Select(address => (address.Address, ((Way.Tunnel)address.Way).Node)))
        {
            if (_tunnels.TryGetValue(address, out IPAddress? before) && !before.Equals(node)
                && kernel.ConnectionsOf(address) is { Count: > 0 } connections)
            {
                _ = Task.Run(() => context.Handover.Send(address, connections, isOfHolder: false, node), CancellationToken.None);
            }

            _tunnels[address] = node;
        }

        foreach (IPAddress gone in _tunnels.Keys.Except(addresses.Select(address => address.Address)).ToArray())
        {
            _tunnels.Remove(gone);
        }
    }
}
