using System.Net;
using Netlink;
using Netlink.Routing;

namespace EgressOperator.Hold;

/// <summary>
/// The shared addresses in the kernel of the pod. They have a lifetime, so that the kernel removes them if this process ends or hangs.
/// Not thread-safe.
/// </summary>
internal sealed class AddressKernel(HoldContext context) : IDisposable
{
    private readonly NetlinkSocket _socket = context.Network.Run(() => NetlinkSocket.OpenRoute());

    /// <summary>Adds addresses, or begins their lifetime anew.</summary>
    /// <exception cref="NetlinkException">The kernel refuses one.</exception>
    public void Set(IReadOnlyCollection<IPAddress> addresses)
    {
        Link link = _socket.GetLink(context.Interface)
            ?? throw new NetlinkException($"add {string.Join(", ", addresses)}", Errno.ENODEV, $"there is no link {context.Interface}");
        uint seconds = (uint)context.Timing.Lifetime.TotalSeconds;
        var batch = new RequestBatch();
        foreach (SharedAddress shared in context.Addresses.Where(shared => addresses.Contains(shared.Address)))
        {
            // This pod has asked itself whether the address is free: for IPv6 the kernel would take more than a second.
            batch.ReplaceAddress(
                $"add {shared.Address} to {context.Interface}",
                new LinkAddress(link.Index, shared.Address, shared.PrefixLength, AddressFlags.NoDad)
                {
                    Lifetime = new AddressLifetime(Preferred: seconds, Valid: seconds),
                });
        }

        _socket.Execute(batch);
    }

    /// <summary>Removes all shared addresses that the link has.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public void Remove()
    {
        if (_socket.GetLink(context.Interface) is not Link link)
        {
            return;
        }

        // With whatever prefix length: another program may have added it.
        var batch = new RequestBatch();
        foreach (LinkAddress there in _socket.ListAddresses(link).Where(
            one => context.Addresses.Any(shared => shared.Address.Equals(one.Address))))
        {
            batch.DeleteAddress($"remove {there.Address} from {context.Interface}", there);
        }

        if (_socket.TryExecute(batch).FirstOrDefault(refused => refused.Error.Number != Errno.EADDRNOTAVAIL) is { Error: { } fault })
        {
            throw fault;
        }
    }

    public void Dispose() => _socket.Dispose();
}
