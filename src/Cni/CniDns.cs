using System.Collections.Immutable;

namespace Cni;

/// <summary>The <c>dns</c> object of a configuration or result (CNI specification, "dns" of the result types).</summary>
/// <param name="Nameservers">Addresses of name servers, in order of preference.</param>
/// <param name="Domain">The local domain for short names, or null.</param>
/// <param name="Search">Search domains, in order of preference.</param>
/// <param name="Options">Resolver options, as in resolv.conf(5).</param>
public sealed record CniDns(
    ImmutableArray<string> Nameservers,
    string? Domain,
    ImmutableArray<string> Search,
    ImmutableArray<string> Options);
