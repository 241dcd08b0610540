using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace EgressDataPath.Kernel;

/// <summary>
/// What iptables-legacy has in the kernel, which nf_tables does not show. It is read as iptables does, with getsockopt(2): see struct
/// ipt_getinfo, struct ipt_get_entries and struct ipt_entry in linux/netfilter_ipv4/ip_tables.h, and the same for IPv6.
/// </summary>
internal static class LegacyIptables
{
    private const string Filter = "filter";

    /// <summary>IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES; IPv6 has the same numbers.</summary>
    private const int GetInfo = 64, GetEntries = 65;

    /// <summary>In struct ipt_getinfo: the offset of the rule that is the policy of the chain FORWARD, and the size of all rules.</summary>
    private const int ForwardPolicy = 64, Size = 80, InfoLength = 84;

    /// <summary>Before the rules, in struct ipt_get_entries: the name, the size, and padding.</summary>
    private const int NameLength = 32, EntriesHeader = 40;

    /// <summary>In struct xt_standard_target: the verdict, of which NF_DROP is written as -1.</summary>
    private const int Verdict = 32, Drop = -1;

    /// <summary>Whether the policy of the chain FORWARD is DROP, in the network namespace of the calling thread.</summary>
    public static bool DropsForwarded(AddressFamily family)
    {
        bool isIPv4 = family == AddressFamily.InterNetwork;
        string names = $"/proc/thread-self/net/{(isIPv4 ? "ip" : "ip6")}_tables_names";
        // To ask for a table that is not there would make it.
        if (!File.Exists(names) || !File.ReadLines(names).Contains(Filter))
        {
            return false;
        }

        using var socket = new Socket(family, SocketType.Dgram, ProtocolType.Udp);
        int level = (int)(isIPv4 ? SocketOptionLevel.IP : SocketOptionLevel.IPv6);
        try
        {
            byte[] info = Named(InfoLength);
            socket.GetRawSocketOption(level, GetInfo, info);
            int size = MemoryMarshal.Read<int>(info.AsSpan(Size));
            byte[] entries = Named(EntriesHeader + size);
            MemoryMarshal.Write(entries.AsSpan(NameLength), size);
            socket.GetRawSocketOption(level, GetEntries, entries);
            ReadOnlySpan<byte> policy = entries.AsSpan(EntriesHeader + MemoryMarshal.Read<int>(info.AsSpan(ForwardPolicy)));
            // In struct ipt_entry, behind struct ipt_ip or struct ip6t_ip6, and nfcache.
            int target = MemoryMarshal.Read<ushort>(policy[(isIPv4 ? 88 : 140)..]);
            return MemoryMarshal.Read<int>(policy[(target + Verdict)..]) == Drop;
        }
        catch (SocketException)
        {
            // The rules have changed in between: the next look finds them.
            return false;
        }
    }

    private static byte[] Named(int length)
    {
        var buffer = new byte[length];
        Encoding.ASCII.GetBytes(Filter, buffer);
        return buffer;
    }
}
