using System.Collections.Immutable;
using System.Net.Sockets;
using EgressRouter.Config;
using Netlink.NetFilter;
using static EgressDataPath.Desired.TableParts;
using static EgressRouter.State.Nftables.NftParts;

namespace EgressDataPath.Desired;

/// <summary>
/// On the node of the pods: a chain for each EgressIP, and a slot for each of its addresses. The slot is in the mark of a connection, so
/// that a connection keeps its address; where the slot leads can change without it.
/// </summary>
internal sealed class PodSide(TableBuilder table)
{
    /// <summary>After Services have got their pod, which is at nft's "dstnat".</summary>
    private const int ClassifyPriority = -90;

    private const string FollowChain = "follow";

    public void Add(Duties duties)
    {
        AddClassify();
        AddHold();
        AddSlots([.. duties.Objects.SelectMany(served => served.Addresses).DistinctBy(address => address.Address)]);
        var choices = new Choices();
        foreach (ServedObject served in duties.Objects)
        {
            AddObject(served, duties, choices);
        }

        table.Map(choices.ToMap());
        foreach (AddressFamily family in Families.All)
        {
            table.Map(VerdictMap(Named("pods", family), family, [.. duties.Objects.SelectMany(served => served.Pods
                .Where(pod => pod.AddressFamily == family)
                .Select(pod => (pod, new Decision(Verdict.Goto, EgressTable.ObjectChain(served.Name)))))]));
            table.Map(RangeSet(Named("inside", family), family, Ranges.Of(duties.Inside, family)));
        }
    }

    private void AddClassify()
    {
        table.Hook(EgressTable.ClassifyChain, "filter", NetFilterHook.PreRouting, ClassifyPriority);
        // iifname "egress0" goto from_tunnel
        table.Rule(EgressTable.ClassifyChain, [.. From(Settings.Link), Goto(EgressSide.FromTunnelChain)]);
        // ct direction reply goto answers
        table.Rule(EgressTable.ClassifyChain, [.. IsReply(true), Goto(EgressSide.AnswersChain)]);
        foreach (AddressFamily family in Families.All)
        {
            // meta nfproto ipv4 ip saddr vmap @pods4
            table.Rule(EgressTable.ClassifyChain, [.. OfFamily(FamilyOf(family)), LoadSource(family, Register.R1),
                new LookupExpression(Named("pods", family), Register.R1, Register.Verdict)]);
        }
    }

    private void AddHold()
    {
        table.Chain(TableBuilder.HoldChain);
        table.Rule(TableBuilder.HoldChain, CountedDrop(EgressTable.Held));
    }

    private void AddSlots(ImmutableArray<EgressAddress> addresses)
    {
        table.Chain(FollowChain);
        // ct mark and 0xfff00000 vmap @slots
        table.Rule(FollowChain, [new ConntrackExpression(ConntrackKey.Mark, Register.R1),
            new BitwiseExpression(Register.R1, Number(table.Settings.ConnectionMask), Number(0)),
            new LookupExpression(EgressTable.SlotsMap, Register.R1, Register.Verdict)]);
        table.Rule(FollowChain, Goto(TableBuilder.HoldChain));
        foreach (EgressAddress address in addresses)
        {
            string chain = EgressTable.SlotChain(address.Address);
            table.Chain(chain);
            // ct mark set ct mark and 0x000fffff or SLOT goto follow
            table.Rule(chain, [.. SetConnectionSlot(table.Settings, table.Numbers.SlotOf(address.Address)), Goto(FollowChain)]);
        }

        table.Map(SizedMap(EgressTable.SlotsMap, [SetDataType.Mark], [SetDataType.Verdict], [.. addresses.Select(address => new MapElement(
            Number(table.Settings.ConnectionMark(table.Numbers.SlotOf(address.Address))),
            new Decision(Verdict.Goto, table.ChainOf(address.Way))))]));
    }

    private void AddObject(ServedObject served, Duties duties, Choices choices)
    {
        string chain = EgressTable.ObjectChain(served.Name);
        ImmediateExpression[] leave = [new ImmediateExpression(Verdict.Return)];
        table.Chain(chain);
        foreach (string link in duties.OutsideLinks)
        {
            // A neighbor of the node forges the address of a pod.
            // iifname "eth0" fib saddr . iif oif missing counter name "stray" drop
            table.Rule(chain, [.. From(link), .. HasNoReversePath(), .. CountedDrop(EgressTable.Stray)]);
        }

        table.Inside(chain, leave);
        AddExcluded(served, chain, leave);
        // fib daddr type != unicast return
        table.Rule(chain, [.. IsOfOtherTypeThanUnicast(), .. leave]);
        if (served.FailsOpen)
        {
            // ct mark and 0xfff00000 == OPEN return
            table.Rule(chain, [.. ConnectionSlotIs(table.Settings, table.Settings.OpenSlot), .. leave]);
        }

        // ct mark and 0xfff00000 != 0 goto follow
        table.Rule(chain, [.. HasAnyBit(ConntrackKey.Mark, table.Settings.ConnectionMask), Goto(FollowChain)]);
        // A connection that began before the pod was selected does not change its source address: it ends.
        // ct state != new goto hold
        table.Rule(chain, [.. HasNoBit(ConntrackKey.State, New), Goto(TableBuilder.HoldChain)]);
        foreach (AddressFamily family in Families.All)
        {
            // New connections take an address that is held now; those that have one without a holder wait for it.
            string[] offered = [.. served.Addresses.Where(address => address.Address.AddressFamily == family && address.Way is not Way.Hold)
                .Select(address => EgressTable.SlotChain(address.Address))];
            if (offered.Length > 0)
            {
                // meta nfproto ipv4 goto use_ADDRESS
                // meta nfproto ipv4 jhash ip saddr . ip daddr . @th,0,32 mod 2 offset N vmap @choices
                table.Rule(chain, [.. OfFamily(FamilyOf(family)), .. offered.Length == 1
                    ? [Goto(offered[0])]
                    : choices.Choose(family, [.. offered])]);
            }
        }

        // ct mark set ct mark and 0x000fffff or OPEN return
        table.Rule(chain, served.FailsOpen
            ? [.. SetConnectionSlot(table.Settings, table.Settings.OpenSlot), .. leave]
            : [Goto(TableBuilder.HoldChain)]);
    }

    private void AddExcluded(ServedObject served, string chain, Expression[] leave)
    {
        foreach (AddressFamily family in Families.All)
        {
            if (Ranges.Of(served.Excluded, family) is { IsEmpty: false } excluded)
            {
                string set = $"{Named("excluded", family)}_{EgressTable.Identifier(served.Name)}";
                table.Map(RangeSet(set, family, excluded));
                // meta nfproto ipv4 ip daddr @excluded4_NAME return
                table.Rule(chain, [.. OfFamily(FamilyOf(family)), LoadDestination(family, Register.R1),
                    new LookupExpression(set, Register.R1), .. leave]);
            }
        }
    }
}
