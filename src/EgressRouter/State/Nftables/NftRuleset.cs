using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using EgressRouter.Config;
using Netlink.NetFilter;
using Netlink.Wire;
using static EgressRouter.State.Nftables.NftParts;
using static EgressRouter.State.Nftables.NftRuleParts;

namespace EgressRouter.State.Nftables;

/// <summary>Builds the nf_tables table of an attachment. A comment above each rule shows it in nft syntax.</summary>
internal static class NftRuleset
{
    public const string RestoreChain = "restore";

    /// <summary>Whether a rule is there for its comment only, a line of the saved state.</summary>
    public static bool IsSavedLine(Rule rule) => rule.Chain == RestoreChain;

    public const string DestinationsChain = "destinations";

    private const string ForwardChain = "forward";

    public const string TrafficChain = "traffic";

    private const string InboundChain = "inbound";

    public const string GuardChain = "guard";

    private const string SourceChain = "source";

    /// <summary>The counter of clients' packets that were dropped because another pod has their egress address.</summary>
    public const string StandbyCounter = "standby";

    // nft's "dstnat", "srcnat", "mangle" and "filter". Marks must follow the choice of the destination.
    private const int DestinationNatPriority = -100;
    private const int MarkPriority = DestinationNatPriority + 10;
    private const int SourceNatPriority = 100;
    private const int GuardPriority = SourceNatPriority + 10;
    private const int ManglePriority = -150;

    /// <summary>
    /// After all other chains at "mangle" that set marks, in any load order, and before DNAT: a service mesh's DNAT redirects traffic
    /// that leaves by the egress interface to the pod itself.
    /// </summary>
    private const int ReplyPriority = ManglePriority + 10;

    private const int FilterPriority = 0;

    /// <summary>Bits of <c>ct state</c> (NF_CT_STATE_BIT of ip_conntrack_info): invalid 1, established 2, related 4, new 8.</summary>
    private const uint EstablishedOrRelated = 6;

    private const uint NewOrInvalid = 9;

    private const uint Invalid = 1;

    private const uint New = 8;

    private const uint Related = 4;

    /// <summary>
    /// The minimum size of a map. The size is fixed at creation, and recreating a map takes three steps (see
    /// <see cref="NetFilterRequests.UpdateTable"/>).
    /// </summary>
    private const int LeastRoom = 512;

    /// <summary>Room for ports added before others are removed: a full set rejects a port, and its rule does not apply then.</summary>
    private const int SpareRoom = 64;

    /// <summary>The kind number of the TCP option (RFC 9293, section 3.2).</summary>
    private const byte MaximumSegmentSize = 2;

    /// <summary>The next-header number of ICMPv6 (RFC 4443).</summary>
    private const byte IcmpV6 = 58;

    /// <summary>The <c>ct status</c> bit of a translated destination (IPS_DST_NAT).</summary>
    private const uint DestinationTranslated = 0x20;

    private static readonly ImmutableArray<SetDataType> _portKey = [SetDataType.TransportProtocol, SetDataType.Port];

    private static readonly ImmutableArray<Chain> _chains =
    [
        new(InboundChain, new BaseChain("filter", NetFilterHook.PreRouting, ManglePriority)),
        new("prerouting", new BaseChain("nat", NetFilterHook.PreRouting, DestinationNatPriority)),
        new(DestinationsChain),
        new("marks", new BaseChain("filter", NetFilterHook.PreRouting, MarkPriority)),
        new("replies", new BaseChain("route", NetFilterHook.LocalOut, ReplyPriority)),
        new(SourceChain),
        new(ForwardChain, new BaseChain("filter", NetFilterHook.Forward, FilterPriority, Verdict.Drop)),
        new(TrafficChain),
        new("postrouting", new BaseChain("nat", NetFilterHook.PostRouting, SourceNatPriority)),
        new(GuardChain, new BaseChain("filter", NetFilterHook.PostRouting, GuardPriority)),
        new(RestoreChain),
    ];

    private static readonly ImmutableArray<Map> _maps = [.. Families.All.SelectMany(family => new[] { PortsMap(family, []),
        RangesMap(family, []), TrafficSet(family, 0) })];

    public static bool IsChain(string name) => _chains.Any(chain => chain.Name == name);

    /// <summary>Whether a map has the definition of one of these maps. Foreign maps are not read.</summary>
    public static bool IsMap(Map map) => _maps.Any(map.HasDefinitionOf);

    /// <param name="restore">The lines of the saved state.</param>
    public static Table Build(Attachment attachment, PodFacts facts, IEnumerable<string> restore)
    {
        AttachmentNames names = attachment.Names;
        ImmutableArray<Rule>.Builder rules = ImmutableArray.CreateBuilder<Rule>();
        ImmutableArray<Map>.Builder maps = ImmutableArray.CreateBuilder<Map>();

        if (!attachment.AllowInbound)
        {
            if (attachment.OwnAddress is not null)
            {
                // iifname "net1" meta nfproto ipv4 ip daddr 224.0.0.18 meta l4proto 112 accept
                // The other pods of keepalived. Without a VRRP daemon nothing in the pod receives these packets.
                rules.Add(
                    new Rule(
                        InboundChain,
                        [.. From(names.Interface), .. IsVrrpTo(OwnAddresses.VrrpGroup), new ImmediateExpression(Verdict.Accept)]));
            }

            // iifname "net1" ct state invalid,new drop
            // Replies (established), ICMP errors (related) and neighbor discovery (untracked) pass.
            rules.Add(
                new Rule(
                    InboundChain,
                    [.. From(names.Interface), .. HasAnyBit(ConntrackKey.State, NewOrInvalid), new ImmediateExpression(Verdict.Drop)]));
        }
        else
        {
            // iifname "net1" ct state new ct mark set ct mark and 0x0000ffff or RETURN
            // Replies to inbound connections leave by this interface, regardless of the pod's default route.
            rules.Add(
                new Rule(
                    InboundChain, [.. From(names.Interface), .. HasAnyBit(ConntrackKey.State, New), .. MarkConnection(names.ReturnMark)]));
            rules.Add(new Rule("replies", [.. Marked(names.ReturnMark, reply: true), .. MarkPacket(names.EgressMark)]));
        }

        // ct state invalid fib daddr type local drop
        // NAT skips invalid packets: the pod itself would answer with a reset, which ends a redirected connection.
        rules.Add(
            new Rule(InboundChain, [.. HasAnyBit(ConntrackKey.State, Invalid), .. ToPodItself(), new ImmediateExpression(Verdict.Drop)]));

        // iifgroup != 17746 ct state new fib daddr type local ct mark set ct mark and 0x0000ffff or EGRESS
        // Not only in the NAT chain: of NAT chains at one priority the last one loaded runs first, and after its decision this one is
        // skipped. Its clients need replies all the same.
        rules.Add(
            new Rule(
                InboundChain,
                [.. FromInside(), .. HasAnyBit(ConntrackKey.State, New), .. ToPodItself(), .. MarkConnection(names.EgressMark)]));

        // iifgroup != 17746 fib daddr type local jump destinations
        // Only packets to the pod's own addresses, and not from any egress interface.
        rules.Add(new Rule("prerouting", [.. FromInside(), .. ToPodItself(), new ImmediateExpression(Verdict.Jump, DestinationsChain)]));

        // ct mark set ct mark and 0x0000ffff or EGRESS
        // Set again: of two attachments, the connection leaves by the one that translates it.
        rules.Add(new Rule(DestinationsChain, [.. MarkConnection(names.EgressMark)]));
        foreach (AddressFamily family in attachment.FamiliesInUse)
        {
            AddDestinations(family, attachment.Destinations, rules, maps);
        }

        // iifgroup != 17746 ct direction original ct mark and 0xffff0000 == EGRESS meta mark set mark and 0x0000ffff or EGRESS
        rules.Add(new Rule("marks", [.. FromInside(), .. Marked(names.EgressMark, reply: false), .. MarkPacket(names.EgressMark)]));
        // iifname "net1" ct direction reply ct mark and 0xffff0000 == EGRESS meta mark set mark and 0x0000ffff or RETURN
        rules.Add(new Rule("marks", [.. From(names.Interface), .. Marked(names.EgressMark, reply: true), .. MarkPacket(names.ReturnMark)]));
        // ct direction reply ct mark and 0xffff0000 == EGRESS meta mark set mark and 0x0000ffff or RETURN
        // Replies of servers in the pod itself. The original direction never gets this mark: it would be sent back.
        rules.Add(new Rule("replies", [.. Marked(names.EgressMark, reply: true), .. MarkPacket(names.ReturnMark)]));

        // ct state related ct direction original ct mark and 0xffff0000 == EGRESS meta mark set mark and 0x0000ffff or EGRESS
        // The router's own ICMP errors to a server ("fragmentation needed") take the route of their connection.
        rules.Add(
            new Rule(
                "replies",
                [.. HasAnyBit(ConntrackKey.State, Related), .. Marked(names.EgressMark, reply: false), .. MarkPacket(names.EgressMark)]));

        // oifname != "net1" ct direction original ct mark and 0xffff0000 == EGRESS drop
        // A redirected connection leaves by the egress interface or is dropped, regardless of routing rules and routes.
        rules.Add(
            new Rule(
                ForwardChain,
                [.. NotOutOf(names.Interface), .. Marked(names.EgressMark, reply: false), new ImmediateExpression(Verdict.Drop)]));
        if (!attachment.Destinations.IsEmpty)
        {
            // ct mark and 0xffff0000 == EGRESS jump traffic
            rules.Add(new Rule(ForwardChain, [.. MarkedEither(names.EgressMark), new ImmediateExpression(Verdict.Jump, TrafficChain)]));
        }

        foreach (AddressFamily family in attachment.FamiliesInUse)
        {
            AddReturnSegmentSize(family, facts, rules);
        }

        // tcp flags syn tcp option maxseg size set rt mtu
        // If the MTUs of the cluster and of the external network differ, connections do not depend on ICMP.
        rules.Add(new Rule(ForwardChain, [
            .. IsSyn(),
            new RtExpression(Register.R1),
            new ByteorderExpression(Register.R1),
            new ExthdrExpression(Register.R1, MaximumSegmentSize, Offset: 2)]));
        // ct state established,related accept; ct status dnat accept; policy drop
        // Forwarding is enabled for redirected connections only: the pod must not route any other traffic.
        rules.Add(
            new Rule(ForwardChain, [.. HasAnyBit(ConntrackKey.State, EstablishedOrRelated), new ImmediateExpression(Verdict.Accept)]));
        rules.Add(
            new Rule(ForwardChain, [.. HasAnyBit(ConntrackKey.Status, DestinationTranslated), new ImmediateExpression(Verdict.Accept)]));

        foreach (AddressFamily family in attachment.FamiliesInUse)
        {
            AddTraffic(family, attachment.Destinations, rules);
        }

        if (attachment.OwnAddress is AddressState own)
        {
            // oifname "net1" meta nfproto ipv4 ip saddr 169.254.7.9 meta nfproto ipv4 ip daddr 224.0.0.18 meta l4proto 112 return
            rules.Add(new Rule("postrouting", [.. OutOf(names.Interface), .. SourceIs(own.Address), .. IsVrrpTo(OwnAddresses.VrrpGroup),
                new ImmediateExpression(Verdict.Return)]));
        }

        foreach (AddressFamily family in attachment.FamiliesInUse)
        {
            AddSources(names.Interface, family, attachment.AddressesOf(family), rules);
        }

        AddGuard(names.Interface, attachment, rules);
        AddSourceChain(names.Interface, attachment, rules);

        // return comment "net/ipv4/conf/eth0/forwarding=0": no rule jumps to this chain; DEL reads the comments.
        rules.AddRange(restore.Select(line => new Rule(RestoreChain, [new ImmediateExpression(Verdict.Return)], line)));
        return new Table(TableFamily.Inet, names.NetFilterTable, _chains, rules.ToImmutable(), maps.ToImmutable())
        {
            Counters = attachment.HighAvailability ? [new NamedCounter(StandbyCounter)] : [],
        };
    }

    /// <summary>
    /// One map for single ports, one for port ranges, one rule for the fallback: the number of rules is independent of the number of
    /// destinations. NAT runs once per connection, so the maps' counters count connections. The set <c>traffic</c> counts packets of
    /// both directions; the first connection to a port adds it, so ADD does not fill the set. The first packet of each connection is
    /// counted here and again in the forward chain.
    /// </summary>
    private static void AddDestinations(
        AddressFamily family, ImmutableArray<Destination> destinations, ImmutableArray<Rule>.Builder rules,
        ImmutableArray<Map>.Builder maps)
    {
        TableFamily tableFamily = FamilyOf(family);
        ImmutableArray<Destination> ours = [.. destinations.Where(destination => destination.Address.AddressFamily == family)];
        ImmutableArray<PortDestination> ports = [.. ours.OfType<PortDestination>()];
        ImmutableArray<MapElement> single = [.. ports.Where(port => port.FirstPort == port.LastPort).Select(PortElement)];
        ImmutableArray<MapElement> ranges = [.. ports.Where(port => port.FirstPort != port.LastPort).Select(RangeElement)];
        Map traffic = TrafficSet(family, RoomFor(ports.Sum(port => port.LastPort - port.FirstPort + 1)));
        if (!single.IsEmpty)
        {
            // meta nfproto ipv4 add @traffic_ip { meta l4proto . th dport } dnat ip to meta l4proto . th dport map @ports_ip
            Map map = PortsMap(family, single);
            Register port = family == AddressFamily.InterNetwork ? Register.R2Second : Register.R3;
            maps.Add(map);
            rules.Add(new Rule(DestinationsChain, [
                .. OfFamily(tableFamily), .. LookUp(map, traffic), new NatExpression(Source: false, tableFamily, Register.R2, port)]));
        }

        if (!ranges.IsEmpty)
        {
            // meta nfproto ipv4 add @traffic_ip { meta l4proto . th dport } dnat ip to meta l4proto . th dport map @ranges_ip
            Map map = RangesMap(family, ranges);
            maps.Add(map);
            rules.Add(new Rule(DestinationsChain, [
                .. OfFamily(tableFamily), .. LookUp(map, traffic), new NatExpression(Source: false, tableFamily, Register.R2)]));
        }

        if (!ports.IsEmpty)
        {
            maps.Add(traffic);
        }

        if (ours.OfType<FallbackDestination>().FirstOrDefault() is FallbackDestination fallback)
        {
            // meta nfproto ipv4 counter dnat ip to 192.168.12.91
            rules.Add(new Rule(DestinationsChain, [
                .. OfFamily(tableFamily),
                new CounterExpression(),
                new ImmediateExpression(Register.R1, BytesOf(fallback.Address)),
                new NatExpression(Source: false, tableFamily, Register.R1)]));
        }
    }

    /// <summary>Counts redirected packets of both directions: by port, and the rest for the fallback.</summary>
    private static void AddTraffic(AddressFamily family, ImmutableArray<Destination> destinations, ImmutableArray<Rule>.Builder rules)
    {
        Destination[] ours = [.. destinations.Where(destination => destination.Address.AddressFamily == family)];
        foreach (TransportProtocol protocol in ours.OfType<PortDestination>().Select(port => port.Protocol).Distinct().Order())
        {
            // meta nfproto ipv4 meta l4proto tcp meta l4proto . ct original proto-dst @traffic_ip return
            // One rule per protocol, although the key has it too: nft accepts a port in a key only with a match of the protocol.
            rules.Add(new Rule(TrafficChain, [
                .. OfFamily(FamilyOf(family)),
                new MetaExpression(MetaKey.TransportProtocol, Register.R1),
                new CmpExpression(Register.R1, new Bytes([(byte)protocol])),
                new ConntrackExpression(ConntrackKey.OriginalDestinationPort, Register.R1Second),
                new LookupExpression(TrafficSet(family), Register.R1),
                new ImmediateExpression(Verdict.Return)]));
        }

        if (ours.OfType<FallbackDestination>().Any())
        {
            // meta nfproto ipv4 counter
            rules.Add(new Rule(TrafficChain, [.. OfFamily(FamilyOf(family)), new CounterExpression()]));
        }
    }

    public static AddressFamily FamilyOfTraffic(string set) => Families.All.First(family => TrafficSet(family) == set);

    public static string TrafficSet(AddressFamily family) => "traffic_" + Suffix(family);

    public static string PortsMap(AddressFamily family) => "ports_" + Suffix(family);

    public static string RangesMap(AddressFamily family) => "ranges_" + Suffix(family);

    private static Map TrafficSet(AddressFamily family, int size) =>
        new(TrafficSet(family), _portKey, [], IsInterval: false, []) { IsDynamic = true, Size = size };

    private static Map PortsMap(AddressFamily family, ImmutableArray<MapElement> elements) =>
        new(PortsMap(family), _portKey, [AddressType(family), SetDataType.Port], IsInterval: false,
            elements)
        { Size = RoomFor(elements.Length) };

    private static Map RangesMap(AddressFamily family, ImmutableArray<MapElement> elements) =>
        new(RangesMap(family), _portKey, [AddressType(family)], IsInterval: true, elements);

    private static SetDataType AddressType(AddressFamily family) =>
        family == AddressFamily.InterNetwork ? SetDataType.IPv4Address : SetDataType.IPv6Address;

    private static string Suffix(AddressFamily family) => family == AddressFamily.InterNetwork ? "ip" : "ip6";

    /// <summary>
    /// Sets the MSS for the reply path: "rt mtu" looks up the route to a remote client without the mark and finds the egress
    /// interface instead of the return route. The kernel only lowers the value.
    /// </summary>
    private static void AddReturnSegmentSize(AddressFamily family, PodFacts facts, ImmutableArray<Rule>.Builder rules)
    {
        if (!facts.ReturnMtus.TryGetValue(family, out int mtu))
        {
            return;
        }

        // iifgroup != 17746 meta nfproto ipv4 tcp flags syn tcp option maxseg size set 1360
        int headers = family == AddressFamily.InterNetwork ? 40 : 60;
        ushort size = (ushort)Math.Clamp(mtu - headers, 1, ushort.MaxValue);
        rules.Add(new Rule(ForwardChain, [
            .. FromInside(),
            .. OfFamily(FamilyOf(family)),
            .. IsSyn(),
            new ImmediateExpression(Register.R1, new Bytes([(byte)(size >> 8), (byte)size])),
            new ExthdrExpression(Register.R1, MaximumSegmentSize, Offset: 2)]));
    }

    /// <summary>
    /// Assigns each client one of the addresses by a hash of its source: more connections fit than one address has ports, and a
    /// server sees each client under one address.
    /// </summary>
    private static void AddSources(
        string link, AddressFamily family, ImmutableArray<AddressState> addresses, ImmutableArray<Rule>.Builder rules)
    {
        TableFamily tableFamily = FamilyOf(family);
        foreach (AddressState address in addresses.Length > 1 ? addresses : [])
        {
            // oifname "net1" ip saddr 192.168.12.98 return: a source that the pod itself chose stays.
            rules.Add(new Rule("postrouting", [.. OutOf(link), .. SourceIs(address.Address), new ImmediateExpression(Verdict.Return)]));
        }

        for (int i = 0; i < addresses.Length; i++)
        {
            // oifname "net1" meta nfproto ipv4 jhash ip saddr mod 2 seed 0x1 == 0 snat ip to 192.168.12.98
            rules.Add(new Rule("postrouting", [
                .. OutOf(link),
                .. OfFamily(tableFamily),
                .. addresses.Length == 1 ? [] : SourceHashIs((uint)i, (uint)addresses.Length, family),
                new ImmediateExpression(Register.R1, BytesOf(addresses[i].Address)),
                new NatExpression(Source: true, tableFamily, Register.R1)]));
        }
    }

    /// <summary>The last filter on output: drops packets whose source is not an egress address.</summary>
    private static void AddGuard(string link, Attachment attachment, ImmutableArray<Rule>.Builder rules)
    {
        var accept = new ImmediateExpression(Verdict.Accept);
        Expression[] isHeld = attachment.HighAvailability ? FromPodItself() : [];
        foreach (AddressState address in attachment.Addresses)
        {
            // oifname "net1" ip saddr 192.168.12.99 accept
            // With high availability: oifname "net1" ip saddr 192.168.12.99 fib saddr type local accept
            rules.Add(new Rule(GuardChain, [.. OutOf(link), .. SourceIs(address.Address), .. isHeld, accept]));
        }

        if (attachment.OwnAddress is AddressState own)
        {
            // oifname "net1" ip saddr 169.254.7.9 ip daddr 224.0.0.18 meta l4proto 112 accept
            rules.Add(new Rule(GuardChain, [.. OutOf(link), .. SourceIs(own.Address), .. IsVrrpTo(OwnAddresses.VrrpGroup), accept]));
        }

        if (attachment.FamiliesInUse.Contains(AddressFamily.InterNetworkV6))
        {
            // oifname "net1" ip6 saddr :: meta l4proto ipv6-icmp accept
            // Multicast listener reports: without them a switch may not forward neighbor solicitations (RFC 3590).
            rules.Add(new Rule(GuardChain, [
                .. OutOf(link),
                .. SourceIs(IPAddress.IPv6Any),
                new MetaExpression(MetaKey.TransportProtocol, Register.R1),
                new CmpExpression(Register.R1, new Bytes([IcmpV6])),
                accept]));
        }

        if (attachment.HighAvailability)
        {
            // oifname "net1" ct mark and 0xffff0000 == EGRESS counter name "standby" drop
            // The packets of clients. Those that the pod itself sends without an egress address, such as IGMP, are always dropped.
            rules.Add(new Rule(GuardChain, [
                .. OutOf(link),
                .. MarkedEither(attachment.Names.EgressMark),
                new CounterReferenceExpression(StandbyCounter),
                new ImmediateExpression(Verdict.Drop)]));
        }

        // oifname "net1" drop
        rules.Add(new Rule(GuardChain, [.. OutOf(link), new ImmediateExpression(Verdict.Drop)]));
    }

    /// <summary>
    /// Packets that the pod itself sends from an egress address, as its proxies do, leave by the egress interface or are rejected.
    /// </summary>
    private static void AddSourceChain(string link, Attachment attachment, ImmutableArray<Rule>.Builder rules)
    {
        // oifname != "net1" ct state new jump source
        rules.Add(
            new Rule(
                "replies", [.. NotOutOf(link), .. HasAnyBit(ConntrackKey.State, New), new ImmediateExpression(Verdict.Jump, SourceChain)]));
        foreach (AddressState address in attachment.Addresses)
        {
            // ip saddr 192.168.12.99 meta l4proto tcp reject with tcp reset
            // ip saddr 192.168.12.99 drop
            rules.Add(new Rule(SourceChain, [
                .. SourceIs(address.Address),
                new MetaExpression(MetaKey.TransportProtocol, Register.R1),
                new CmpExpression(Register.R1, new Bytes([(byte)TransportProtocol.Tcp])),
                new ResetExpression()]));
            rules.Add(new Rule(SourceChain, [.. SourceIs(address.Address), new ImmediateExpression(Verdict.Drop)]));
        }
    }

    private static MapElement PortElement(PortDestination port) =>
        new(Key(port.Protocol, port.FirstPort), default, Concatenated(port.Address, port.TargetPort ?? port.FirstPort));

    private static MapElement RangeElement(PortDestination range) =>
        new(Key(range.Protocol, range.FirstPort), Key(range.Protocol, range.LastPort), BytesOf(range.Address));

    /// <summary>Each field of a concatenation is padded to four bytes; ports are in network byte order.</summary>
    private static Bytes Key(TransportProtocol protocol, ushort port) =>
        new([(byte)protocol, 0, 0, 0, (byte)(port >> 8), (byte)port, 0, 0]);

    private static Bytes Concatenated(IPAddress address, ushort port) =>
        new([.. address.GetAddressBytes(), (byte)(port >> 8), (byte)port, 0, 0]);

    private static int RoomFor(int elements) => (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(elements + SpareRoom, LeastRoom));

    private static Expression[] LookUp(Map map, Map traffic) =>
    [
        new MetaExpression(MetaKey.TransportProtocol, Register.R1),
        new PayloadExpression(PayloadBase.TransportHeader, Offset: 2, Length: 2, Register.R1Second),
        new LookupExpression(map.Name, Register.R1, Register.R2),
        new DynsetExpression(traffic.Name, Register.R1),
    ];
}
