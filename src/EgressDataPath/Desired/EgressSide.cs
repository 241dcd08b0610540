using System.Net;
using System.Net.Sockets;
using EgressRouter.Config;
using Netlink.NetFilter;
using static EgressDataPath.Desired.TableParts;
using static EgressRouter.State.Nftables.NftParts;

namespace EgressDataPath.Desired;

/// <summary>On the egress node: what comes by the tunnel, what leaves with an egress address, and the answers.</summary>
internal sealed class EgressSide(TableBuilder table)
{
    public const string FromTunnelChain = "from_tunnel";

    public const string AnswersChain = "answers";

    // nft's "raw", "mangle" and "srcnat". The cluster network's own NAT comes after ours.
    private const int RawPriority = -300;
    private const int ManglePriority = -150;
    private const int SourcePriority = 99;
    private const int LeakPriority = 200;

    public void Add(Duties duties, int tunnelMtu)
    {
        AddUnderlay(duties);
        AddForwardedUnderlay();
        AddInbound();
        AddAnswers();
        AddFromTunnel(duties);
        AddTunnelled(duties);
        AddForward(tunnelMtu);
        AddSources(duties);
        AddLeak();
    }

    /// <summary>
    /// Tunnel packets, heartbeats and handed over connections come from nodes themselves only, and by the link that leads to them. After
    /// address translation: a Service may lead here.
    /// </summary>
    private void AddUnderlay(Duties duties)
    {
        const string chain = "underlay";
        table.Hook(chain, "filter", NetFilterHook.LocalIn, RawPriority);
        foreach (AddressFamily family in Families.All)
        {
            string peers = Named("peers", family);
            table.Map(AddressSet(peers, family, duties.Peers.Where(peer => peer.AddressFamily == family)));
            foreach ((byte protocol, int port) in Ports)
            {
                Expression[] toUs = [.. OfFamily(FamilyOf(family)), .. PortIs(protocol, port)];
                // meta nfproto ipv4 udp dport 4790 ip saddr != @peers4 counter name "forged" drop
                table.Rule(chain, [.. toUs, LoadSource(family, Register.R1), new LookupExpression(peers, Register.R1, IsInverted: true),
                    .. CountedDrop(EgressTable.Forged)]);
                // meta nfproto ipv4 udp dport 4790 fib saddr . iif oif missing counter name "forged" drop
                table.Rule(chain, [.. toUs, .. HasNoReversePath(), .. CountedDrop(EgressTable.Forged)]);
            }
        }
    }

    /// <summary>What pods send to these ports of other nodes would get this node's address, and be taken for what the node sends.</summary>
    private void AddForwardedUnderlay()
    {
        const string chain = "forwarded";
        table.Hook(chain, "filter", NetFilterHook.Forward, RawPriority);
        foreach (AddressFamily family in Families.All)
        {
            foreach ((byte protocol, int port) in Ports)
            {
                // meta nfproto ipv4 udp dport 4790 ip daddr @peers4 counter name "forged" drop
                table.Rule(chain, [.. OfFamily(FamilyOf(family)), .. PortIs(protocol, port), LoadDestination(family, Register.R1),
                    new LookupExpression(Named("peers", family), Register.R1), .. CountedDrop(EgressTable.Forged)]);
            }
        }
    }

    private (byte Protocol, int Port)[] Ports =>
        [(Udp, table.Settings.TunnelPort), (Udp, table.Settings.HeartbeatPort), (Tcp, table.Settings.HeartbeatPort)];

    /// <summary>
    /// Nobody outside begins a connection to an egress address, before a NodePort Service can take it. Answers are counted, by the address.
    /// </summary>
    private void AddInbound()
    {
        const string chain = "inbound";
        const string arriving = "arriving";
        table.Hook(chain, "filter", NetFilterHook.PreRouting, ManglePriority);
        table.Chain(arriving);
        // ct state invalid,new counter name "inbound" drop
        table.Rule(arriving, [.. HasAnyBit(ConntrackKey.State, InvalidOrNew), .. CountedDrop(EgressTable.Inbound)]);
        // A rule of another program hides it from conntrack. Neighbor discovery is never tracked, and must arrive.
        // ct state untracked meta l4proto != ipv6-icmp counter name "inbound" drop
        table.Rule(arriving, [.. HasAnyBit(ConntrackKey.State, Untracked), .. ProtocolIsNot(IcmpV6), .. CountedDrop(EgressTable.Inbound)]);
        foreach (AddressFamily family in Families.All)
        {
            // meta nfproto ipv4 ip daddr @addresses4 goto arriving
            table.Rule(chain, [.. OfFamily(FamilyOf(family)), LoadDestination(family, Register.R1),
                new LookupExpression(Named("addresses", family), Register.R1), Goto(arriving)]);
            // ct direction reply meta nfproto ipv4 ip daddr @received4 accept
            table.Rule(arriving, [.. IsReply(true), .. OfFamily(FamilyOf(family)), LoadDestination(family, Register.R1),
                new LookupExpression(Named(EgressTable.ReceivedSet, family), Register.R1), new ImmediateExpression(Verdict.Accept)]);
        }
    }

    private void AddAnswers()
    {
        table.Chain(AnswersChain);
        // ct mark and 0xfff00000 == 0xfff00000 meta mark set meta mark and 0xffffff80 or 0x7e
        table.Rule(AnswersChain, [.. ConnectionSlotIs(table.Settings, table.Settings.TunnelSlot),
            .. SetPacketMark(table.Settings, table.Settings.AnswerHop)]);
    }

    /// <summary>What pods of other nodes send; on the pods' node, the answers.</summary>
    private void AddFromTunnel(Duties duties)
    {
        table.Chain(FromTunnelChain);
        // ct direction reply ct mark and 0xfff00000 != 0 accept
        table.Rule(FromTunnelChain, [.. IsReply(true), .. HasAnyBit(ConntrackKey.Mark, table.Settings.ConnectionMask),
            new ImmediateExpression(Verdict.Accept)]);
        // ct direction reply counter name "stray" drop
        table.Rule(FromTunnelChain, [.. IsReply(true), .. CountedDrop(EgressTable.Stray)]);
        table.Inside(FromTunnelChain, CountedDrop(EgressTable.Stray));
        foreach (AddressFamily family in Families.All)
        {
            string members = Named("members", family);
            // What is of no connection is not translated, and would leave with the address of its pod: it has no direction.
            // ct direction original meta nfproto ipv4 ip saddr vmap @members4
            table.Rule(FromTunnelChain, [.. IsReply(false), .. OfFamily(FamilyOf(family)), LoadSource(family, Register.R1),
                new LookupExpression(members, Register.R1, Register.Verdict)]);
            table.Map(VerdictMap(members, family, [.. duties.Held.Where(held => held.Address.AddressFamily == family)
                .SelectMany(held => held.Members.Where(member => member.Node is not null)
                    .Select(member => (member.Pod, new Decision(Verdict.Goto, TunnelledChain(held)))))]));
        }

        table.Rule(FromTunnelChain, CountedDrop(EgressTable.Stray));
    }

    private void AddTunnelled(Duties duties)
    {
        foreach (HeldAddress held in duties.Held.DistinctBy(TunnelledChain).OrderBy(TunnelledChain, StringComparer.Ordinal))
        {
            string chain = TunnelledChain(held);
            table.Chain(chain);
            // ct mark set ct mark and 0x000fffff or 0xfff00000 goto here
            table.Rule(chain, [.. SetConnectionSlot(table.Settings, table.Settings.TunnelSlot),
                Goto(table.ChainOf(new Way.Here(held.HasOwnWay ? held.Link : null)))]);
        }
    }

    private void AddForward(int tunnelMtu)
    {
        const string chain = "forward";
        table.Hook(chain, "filter", NetFilterHook.Forward, ManglePriority);
        foreach (AddressFamily family in Families.All)
        {
            ushort size = (ushort)(tunnelMtu - (family == AddressFamily.InterNetwork ? 40 : 60));
            foreach (Expression[] direction in (Expression[][])[OutOf(Settings.Link), From(Settings.Link)])
            {
                // oifname "egress0" meta nfproto ipv4 tcp flags syn tcp option maxseg size set 1424
                table.Rule(chain, [.. direction, .. OfFamily(FamilyOf(family)), .. IsSyn(), .. SetSegmentSize(size)]);
            }
        }

        // The tunnel's own packets must not match the rules for what goes into it.
        // meta mark and 0x7f != 0 meta mark set meta mark and 0xffffff80
        table.Rule(chain, [.. HasPacketBits(table.Settings.PacketMask), .. SetPacketMark(table.Settings, 0)]);
    }

    private void AddSources(Duties duties)
    {
        const string chain = "sources";
        table.Hook(chain, "nat", NetFilterHook.PostRouting, SourcePriority);
        foreach (AddressFamily family in Families.All)
        {
            string snat = Named("snat", family);
            NatExpression toLoaded = new(Source: true, FamilyOf(family), Register.R1);
            // What has been translated, even to itself, is not masqueraded by the cluster network.
            // oifname "egress0" ct direction original meta nfproto ipv4 snat ip to ip saddr
            table.Rule(chain, [.. OutOf(Settings.Link), .. IsReply(false), .. OfFamily(FamilyOf(family)), LoadSource(family, Register.R1),
                toLoaded]);
            // ct mark and 0xfff00000 != 0 meta nfproto ipv4 snat ip to ip saddr map @snat4
            table.Rule(chain, [.. HasAnyBit(ConntrackKey.Mark, table.Settings.ConnectionMask), .. OfFamily(FamilyOf(family)),
                LoadSource(family, Register.R1), new LookupExpression(snat, Register.R1, Register.R1), toLoaded]);
            HeldAddress[] held = [.. duties.Held.Where(held => held.Address.AddressFamily == family)];
            SetDataType type = TypeOf(family);
            table.Map(SizedMap(snat, [type], [type], [.. held.SelectMany(one => one.Members
                .Select(member => new MapElement(BytesOf(member.Pod), default, BytesOf(one.Address))))]));
            IPAddress[] ours = [.. held.Select(one => one.Address),
                .. duties.Leaving.Where(address => address.AddressFamily == family)];
            // Each element counts what its look-ups find, so each direction has a set of its own.
            foreach (string set in (string[])["addresses", EgressTable.SentSet, EgressTable.ReceivedSet])
            {
                table.Map(AddressSet(Named(set, family), family, ours));
            }
        }
    }

    /// <summary>What is on its way out of the node with a source that is no egress address does not leave.</summary>
    private void AddLeak()
    {
        const string chain = "leaving";
        table.Hook("leak", "filter", NetFilterHook.PostRouting, LeakPriority);
        // ct direction original ct mark and 0xfff00000 != 0 goto leaving
        table.Rule("leak", [.. IsReply(false), .. HasAnyBit(ConntrackKey.Mark, table.Settings.ConnectionMask), Goto(chain)]);
        table.Chain(chain);
        // oifname "egress0" accept
        table.Rule(chain, [.. OutOf(Settings.Link), new ImmediateExpression(Verdict.Accept)]);
        // ct mark and 0xfff00000 == OPEN accept
        table.Rule(chain, [.. ConnectionSlotIs(table.Settings, table.Settings.OpenSlot), new ImmediateExpression(Verdict.Accept)]);
        foreach (AddressFamily family in Families.All)
        {
            // meta nfproto ipv4 ip saddr @sent4 accept
            table.Rule(chain, [.. OfFamily(FamilyOf(family)), LoadSource(family, Register.R1),
                new LookupExpression(Named(EgressTable.SentSet, family), Register.R1), new ImmediateExpression(Verdict.Accept)]);
        }

        table.Rule(chain, CountedDrop(EgressTable.Stray));
    }

    private static string TunnelledChain(HeldAddress held) => held.HasOwnWay ? $"tunnelled_{held.Link}" : "tunnelled";
}
