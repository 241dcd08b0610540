using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using EgressRouter.State;
using Netlink;
using Netlink.Neighbours;
using Netlink.Routing;
using Netlink.Wire;

namespace EgressRouter.Kernel;

/// <summary>
/// Asks the neighbours of the egress interface who else has its addresses: ARP probes (RFC 5227, section 2.1) and, for
/// IPv6, the solicitations of duplicate address detection (RFC 4862, section 5.4.2), all at once and within one window.
/// </summary>
/// <remarks>
/// Where the RFCs wait for seconds, as a host may that has just been switched on, a pod is waited for: three probes are
/// sent in the first half of the window, and the second half is for the answer to the last. The kernel does not probe for
/// IPv4 at all, and its own detection for IPv6 takes a second and more, in which the address is of no use.
/// </remarks>
internal static class ConflictProbe
{
    private const int Probes = 3;

    /// <summary>How long it may take until somebody who wants an end is heard.</summary>
    private static readonly TimeSpan _slice = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest frame of interest has 54 bytes of headers and a message of 24 with its options.</summary>
    private const int BufferLength = 512;

    /// <summary>Who else has the addresses: the first answer for each.</summary>
    /// <param name="link">The egress interface, up.</param>
    /// <param name="addresses">The addresses.</param>
    /// <param name="window">How long it takes, for all of them; less where all have another holder.</param>
    /// <param name="areAssigned">Whether the interface has them.</param>
    /// <param name="stop">Ends it early, with what was found so far.</param>
    /// <exception cref="NetlinkException">Nobody can be asked. That is no sign of an address being free.</exception>
    public static ImmutableArray<AddressConflict> Find(
        Link link, ImmutableArray<IPAddress> addresses, TimeSpan window, bool areAssigned, CancellationToken stop)
    {
        string operation = Operation(addresses);
        if (!link.HasNeighbours || link.HardwareAddress is not MacAddress own)
        {
            throw new NetlinkException(operation, Errno.EOPNOTSUPP, $"{link.Name} has no neighbours");
        }

        // Different from everybody's is all that it must be. .NET's cryptography would look for OpenSSL, which a static
        // program must not.
        Span<byte> nonce = stackalloc byte[NeighbourMessage.NonceLength];
        Random.Shared.NextBytes(nonce);
        var judge = new ConflictDetector(own, addresses, new Bytes(nonce), areAssigned);
        using var socket = NeighbourSocket.Open(link.Name, link.Index, listen: true);
        foreach (IPAddress address in addresses.Where(address => !areAssigned && address.AddressFamily == AddressFamily.InterNetworkV6))
        {
            socket.JoinSolicitedNode(address);
        }

        return Ask(socket, judge, window, operation, stop);
    }

    /// <summary>What is done, in words.</summary>
    public static string Operation(ImmutableArray<IPAddress> addresses) =>
        $"ask for other holders of {string.Join(", ", Listing.Short([.. addresses.Select(address => address.ToString())]))}";

    private static ImmutableArray<AddressConflict> Ask(
        NeighbourSocket socket, ConflictDetector judge, TimeSpan window, string operation, CancellationToken stop)
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
                // Two that ask at the same time need not both give way: who has heard the other says no more.
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
        : NeighbourMessage.Probe(judge.Own, address, judge.Nonce).ToMulticastFrame();
}
