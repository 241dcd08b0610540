using System.Net;
using Netlink;
using Netlink.Routing;

namespace EgressRouter.Tools.Audit;

/// <summary>
/// The egress addresses of the routers of a network namespace. One that <c>repair</c> removes stays known: the ends of its connections are
/// told after that.
/// </summary>
internal sealed class RouterAddresses : IDisposable
{
    private readonly ChangeMonitor<RoutingChange> _changes = RoutingChange.OpenMonitor();

    private readonly NetlinkSocket _socket = NetlinkSocket.OpenRoute();

    private readonly HashSet<IPAddress> _known = [];

    /// <summary>Reads them in the namespace of the calling thread.</summary>
    /// <exception cref="UsageException">It has no router.</exception>
    public RouterAddresses()
    {
        Add();
        if (_known.Count == 0)
        {
            Dispose();
            throw new UsageException("this network namespace has no egress router: name that of its pod by --netns");
        }
    }

    /// <summary>Whether an address is one of them; if not, new ones are looked for first.</summary>
    public bool Contains(ReadOnlySpan<byte> address) => IsKnown(address) || (HasChanged() && IsKnown(address));

    public void Dispose()
    {
        _changes.Dispose();
        _socket.Dispose();
    }

    private bool IsKnown(ReadOnlySpan<byte> address)
    {
        Span<byte> bytes = stackalloc byte[16];
        foreach (IPAddress known in _known)
        {
            if (known.TryWriteBytes(bytes, out int length) && address.SequenceEqual(bytes[..length]))
            {
                return true;
            }
        }

        return false;
    }

    private bool HasChanged()
    {
        HeardChanges<RoutingChange> heard = _changes.Wait(TimeSpan.Zero);
        bool hasChanged = heard.WereLost || heard.Changes.Count > 0;
        if (hasChanged)
        {
            Add();
        }

        return hasChanged;
    }

    private void Add()
    {
        foreach (Link link in _socket.ListLinks().Where(EgressInterface.IsEgress))
        {
            _known.UnionWith(_socket.ListAddresses(link).Select(address => address.Address).Where(address => !address.IsIPv6LinkLocal));
        }
    }
}
