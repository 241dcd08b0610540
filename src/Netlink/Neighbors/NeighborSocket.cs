using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace Netlink.Neighbors;

/// <summary>
/// A packet socket (packet(7)) that sends and receives ARP and neighbor discovery on one Ethernet link, independently of the
/// kernel's own and of netfilter. It stays in the network namespace in which it was opened.
/// </summary>
public sealed unsafe class NeighborSocket : IDisposable
{
    private const ushort ETH_P_ALL = 3;

    /// <summary>sizeof(struct sockaddr_ll).</summary>
    private const int AddressLength = 20;

    /// <summary>
    /// Socket filter: passes ARP and neighbor discovery only. A frame with a VLAN tag belongs to another network; the kernel
    /// stores the tag outside the frame (SKF_AD_OFF + SKF_AD_VLAN_TAG).
    /// </summary>
    private static readonly ulong[] _filter =
    [
        Instruction(0x20, 0, 0, 0xfffff02c), //    ld: the VLAN tag, 0 without one
        Instruction(0x45, 8, 0, 0xfff), //         a VLAN ID: drop
        Instruction(0x28, 0, 0, 12), //            ldh [12]: the EtherType
        Instruction(0x15, 7, 0, Ethernet.Arp), //  ARP: accept
        Instruction(0x15, 0, 5, Ethernet.IPv6), // neither: drop
        Instruction(0x30, 0, 0, 20), //            ldb [20]: the next header
        Instruction(0x15, 0, 3, 58), //            not ICMPv6: drop
        Instruction(0x30, 0, 0, 54), //            ldb [54]: the ICMPv6 type
        Instruction(0x35, 0, 1, 135), //           below a solicitation: drop
        Instruction(0x25, 0, 1, 136), //           up to an advertisement: accept
        Instruction(0x06, 0, 0, 0), //             drop
        Instruction(0x06, 0, 0, 0x4_0000), //      accept
    ];

    private readonly string _link;
    private readonly int _index;
    private readonly List<int> _memberships = [];
    private int _descriptor;

    private NeighborSocket(string link, int index, int descriptor) => (_link, _index, _descriptor) = (link, index, descriptor);

    /// <summary>Opens a socket in the calling thread's network namespace.</summary>
    /// <param name="link">The link's name, for errors.</param>
    /// <param name="index">The link's index.</param>
    /// <param name="listen">Whether the socket receives frames too.</param>
    /// <exception cref="NetlinkException">
    /// EPERM: CAP_NET_RAW is missing. EAFNOSUPPORT: the kernel has no packet sockets.
    /// </exception>
    public static NeighborSocket Open(string link, int index, bool listen)
    {
        string operation = $"open a packet socket on {link}";
        // With protocol 0 the socket receives nothing from other links before bind.
        int descriptor = LibC.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
        Require(descriptor, operation);
        var socket = new NeighborSocket(link, index, descriptor);
        try
        {
            if (listen)
            {
                socket.AttachFilter(operation);
            }

            byte* address = stackalloc byte[AddressLength];
            var bytes = new Span<byte>(address, AddressLength);
            bytes.Clear();
            MemoryMarshal.Write(bytes, (ushort)AF_PACKET);
            BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], listen ? ETH_P_ALL : (ushort)0);
            MemoryMarshal.Write(bytes[4..], index);
            Require(bind(descriptor, (sockaddr*)address, AddressLength), operation);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Joins the solicited-node group of an IPv6 address that the link does not have, until the socket is closed. The kernel
    /// reports the membership by MLD, so that switches forward the group (RFC 4862, section 5.4.2; RFC 3590).
    /// </summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public void JoinSolicitedNode(IPAddress address)
    {
        IPAddress group = NeighborMessage.SolicitedNode(address);
        string operation = $"join group {group} on {_link}";
        int descriptor = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        Require(descriptor, operation);
        _memberships.Add(descriptor);

        // struct ipv6_mreq: group, interface index
        byte* request = stackalloc byte[20];
        var bytes = new Span<byte>(request, 20);
        group.TryWriteBytes(bytes, out _);
        MemoryMarshal.Write(bytes[16..], _index);
        Require(setsockopt(descriptor, SOL_IPV6, IPV6_ADD_MEMBERSHIP, request, 20), operation);
    }

    /// <summary>Sends an Ethernet frame.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="operation">Names the operation in an error.</param>
    /// <exception cref="NetlinkException">ENETDOWN: the link is down. ENOBUFS: the link underneath is down.</exception>
    public void Send(ReadOnlySpan<byte> frame, string operation)
    {
        fixed (byte* bytes = frame)
        {
            ssize_t sent;
            do
            {
                sent = send(_descriptor, bytes, frame.Length, 0);
            }
            while (sent < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);

            Require((int)sent, operation);
        }
    }

    /// <summary>Waits for a frame.</summary>
    /// <param name="buffer">Receives the frame; a longer frame is truncated.</param>
    /// <param name="limit">Maximum wait; a signal may end the wait earlier.</param>
    /// <returns>The number of bytes in the buffer, or 0 if no frame arrived.</returns>
    /// <exception cref="NetlinkException">ENETDOWN: the link went down or was deleted.</exception>
    public int Receive(Span<byte> buffer, TimeSpan limit)
    {
        string operation = $"listen on {_link}";
        var wanted = new pollfd { fd = _descriptor, events = POLLIN };
        int ready = Libc.Poll(&wanted, 1, (int)Math.Ceiling(Math.Max(limit.TotalMilliseconds, 0)));
        if (ready == 0 || (ready < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR))
        {
            return 0;
        }

        Require(ready, operation);
        fixed (byte* bytes = buffer)
        {
            ssize_t length = recv(_descriptor, bytes, buffer.Length, 0);
            if (length < 0 && Marshal.GetLastPInvokeError() is Errno.EINTR or Errno.EAGAIN)
            {
                return 0;
            }

            Require((int)length, operation);
            return (int)length;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        int descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0)
        {
            DeferredClose.Close(descriptor);
            _memberships.ForEach(membership => _ = close(membership));
        }
    }

    private void AttachFilter(string operation)
    {
        fixed (ulong* instructions = _filter)
        {
            // struct sock_fprog: instruction count, pointer to the instructions
            nint* program = stackalloc nint[2] { _filter.Length, (nint)instructions };
            Require(setsockopt(_descriptor, SOL_SOCKET, SO_ATTACH_FILTER, program, (uint)(2 * sizeof(nint))), operation);
        }
    }

    /// <summary>struct sock_filter: code (2 bytes), jt, jf, k (4 bytes).</summary>
    private static ulong Instruction(ushort code, byte whenTrue, byte whenFalse, uint value) =>
        code | ((ulong)whenTrue << 16) | ((ulong)whenFalse << 24) | ((ulong)value << 32);

    private static void Require(int result, string operation)
    {
        if (result < 0)
        {
            throw new NetlinkException(operation, Marshal.GetLastPInvokeError());
        }
    }
}
