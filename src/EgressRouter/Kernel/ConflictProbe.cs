using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using EgressRouter.State;
using Netlink;
using Netlink.Neighbors;
using Netlink.Routing;
using Netlink.Wire;

namespace EgressRouter.Kernel;

/// <summary>
/// Asks the neighbors of the egress interface who else has its addresses: with ARP probes (RFC 5227, section 2.1) and, for IPv6,
/// the solicitations of duplicate address detection (RFC 4862, section 5.4.2), for all addresses within one time window.
/// </summary>
/// <remarks>
/// The RFCs wait for seconds, which suits a booting host but delays a pod. Here three probes are sent in the first half of the
/// window; the second half is for replies to the last probe. The kernel does not probe for IPv4, and its detection for IPv6 takes
/// over a second, in which the address is unusable.
/// </remarks>
internal static class ConflictProbe
{
    private const int Probes = 3;

    /// <summary>The longest time until a cancellation takes effect.</summary>
    private static readonly TimeSpan _slice = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest relevant frame has 54 bytes of headers and a message of 24 bytes with its options.</summary>
    private const int BufferLength = 512;

    /// <summary>Finds other holders of the addresses: the first answer for each address.</summary>
    /// <param name="link">The egress interface, up.</param>
    /// <param name="window">The time for all addresses; less if all have another holder.</param>
    /// <param name="areAssigned">Whether the interface has the addresses.</param>
    /// <param name="stop">Ends detection early, with the results so far.</param>
    /// <exception cref="NetlinkException">The probes cannot be sent, which does not mean that an address is free.</exception>
    public static ImmutableArray<AddressConflict> Find(
        Link link, ImmutableArray<IPAddress> addresses, TimeSpan window, bool areAssigned, CancellationToken stop)
    {
        string operation = Operation(addresses);
        if (!link.HasNeighbors || link.HardwareAddress is not MacAddress own)
        {
            throw new NetlinkException(operation, Errno.EOPNOTSUPP, $"{link.Name} has no neighbors");
        }

        // The nonce must only be unique. .NET's cryptography would load OpenSSL, which a static program must not do.
        Span<byte> nonce = stackalloc byte[NeighborMessage.NonceLength];
        Random.Shared.NextBytes(nonce);
        var judge = new ConflictDetector(own, addresses, new Bytes(nonce), areAssigned);
        using var socket = NeighborSocket.Open(link.Name, link.Index, listen: true);
        foreach (IPAddress address in addresses.Where(address => !areAssigned && address.AddressFamily == AddressFamily.InterNetworkV6))
        {
            socket.JoinSolicitedNode(address);
        }

        return Ask(socket, judge, window, operation, stop);
    }

    public static string Operation(ImmutableArray<IPAddress> addresses) =>
        $"ask for other holders of {string.Join(", ", ShortList.Short([.. addresses.Select(address => address.ToString())]))}";

    private static ImmutableArray<AddressConflict> Ask(
        NeighborSocket socket, ConflictDetector judge, TimeSpan window, string operation, CancellationToken stop)
    {
        var found = new Dictionary<IPAddress, AddressConflict>();
        var buffer = new byte[BufferLength];
        long start = Stopwatch.GetTimestamp();
        int sent = 0;
        while (found.Count < judge.Addresses.Length && !stop.IsCancellationRequested)
        {
            TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
            if (sent < Probes && elapsed >= TimeOf(sent))
            {
                // Stop probing for an address once another host claims it: of two hosts that probe at once, only one must give way.
                foreach (IPAddress address in judge.Addresses.Where(address => !found.ContainsKey(address)))
                {
                    socket.Send(Frame(judge, address), operation);
                }

                sent++;
            }
            else if (elapsed >= window)
            {
                break;
            }
            else
            {
                TimeSpan left = (sent < Probes ? TimeOf(sent) : window) - elapsed;
                int length = socket.Receive(buffer, left < _slice ? left : _slice);
                if (judge.Inspect(buffer.AsSpan(0, length)) is AddressConflict conflict)
                {
                    found.TryAdd(conflict.Address, conflict);
                }
            }
        }

        return [.. judge.Addresses.Where(found.ContainsKey).Select(address => found[address])];

        TimeSpan TimeOf(int probe) => window / 2 * probe / (Probes - 1);
    }

    private static byte[] Frame(ConflictDetector judge, IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork
        ? ArpPacket.Probe(judge.Own, address).ToBroadcastFrame()
        : NeighborMessage.Probe(judge.Own, address, judge.Nonce).ToMulticastFrame();
}
