using System.Collections.Immutable;
using System.Net.Sockets;
using EgressRouter.Config;
using Netlink.NetFilter;
using static EgressDataPath.Desired.TableParts;
using static EgressRouter.State.Nftables.NftParts;

namespace EgressDataPath.Desired;

/// <summary>
/// The map by which a new connection gets one of several egress addresses: each object has a run of keys, one for each address.
/// </summary>
internal sealed class Choices
{
    private const string Name = "choices";

    /// <summary>The hash seed: arbitrary, but the same on all nodes.</summary>
    private const uint Seed = 1;

    private readonly ImmutableArray<MapElement>.Builder _elements = ImmutableArray.CreateBuilder<MapElement>();

    /// <summary>Adds the chains, and returns the choice among them by the addresses and ports of the packet.</summary>
    public Expression[] Choose(AddressFamily family, ImmutableArray<string> chains)
    {
        uint first = (uint)_elements.Count;
        foreach (string chain in chains)
        {
            _elements.Add(new MapElement(Number((uint)_elements.Count), new Decision(Verdict.Goto, chain)));
        }

        // Both addresses lie next to each other in the header, and so do both ports.
        uint length = 2 * (uint)family.AddressBits() / 8;
        PayloadExpression addresses = LoadSource(family, Register.R2) with { Length = length };
        Register ports = family == AddressFamily.InterNetwork ? Register.R2Third : Register.R4;
        return
        [
            addresses,
            new PayloadExpression(PayloadBase.TransportHeader, Offset: 0, Length: 4, ports),
            new HashExpression(Register.R2, length + 4, Register.R1, (uint)chains.Length, Seed, first),
            new LookupExpression(Name, Register.R1, Register.Verdict),
        ];
    }

    public Map ToMap() => SizedMap(Name, [SetDataType.Mark], [SetDataType.Verdict], _elements.ToImmutable());
}
