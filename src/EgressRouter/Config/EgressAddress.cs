using System.Net;

namespace EgressRouter.Config;

/// <summary>An egress address: a reserved source address, as written in <c>ip.addresses</c>.</summary>
/// <param name="Address">A unicast IPv4 or IPv6 address, never IPv4-mapped, never with a zone.</param>
/// <param name="PrefixLength">The prefix length in bits, 1-32 or 1-128; null when it is to be inferred from the parent.</param>
/// <param name="LeastLength">
/// The least prefix length that is good by itself, where the runtime asked for it; a shorter one must be that of the parent's
/// subnet. Null: any is, since the configuration says it.
/// </param>
public readonly record struct EgressAddress(IPAddress Address, int? PrefixLength, int? LeastLength = null)
{
    /// <summary>As in the configuration: <c>192.168.12.99/24</c>, or the address alone.</summary>
    public override string ToString() => PrefixLength is int length ? $"{Address}/{length}" : $"{Address}";
}
