using System.Collections.Immutable;
using System.Net;
using System.Text.Json;

namespace Cni;

/// <summary>An interface of a result (CNI specification, "ADD Success", <c>interfaces</c>).</summary>
/// <param name="Name">The interface's name.</param>
/// <param name="Mac">Its hardware address as text, or null.</param>
/// <param name="Sandbox">The path of the network namespace it is in, or null for an interface of the node.</param>
/// <param name="Mtu">Its MTU in bytes, or null; told from 1.1.0 on, as all that follows.</param>
/// <param name="SocketPath">The path of its socket file, or null.</param>
/// <param name="PciId">The PCI address of its device, or null.</param>
public sealed record CniInterface(
    string Name, string? Mac, string? Sandbox, int? Mtu = null, string? SocketPath = null, string? PciId = null);

/// <summary>An address of a result (CNI specification, "ADD Success", <c>ips</c>).</summary>
/// <param name="Address">The address.</param>
/// <param name="PrefixLength">The length of its subnet's prefix in bits.</param>
/// <param name="Gateway">The subnet's gateway, or null.</param>
/// <param name="Interface">The index of its interface in <see cref="CniResult.Interfaces"/>, or null.</param>
public sealed record CniIp(IPAddress Address, int PrefixLength, IPAddress? Gateway, int? Interface);

/// <summary>A route of a result (CNI specification, "ADD Success", <c>routes</c>). The numbers are told from 1.1.0 on.</summary>
/// <param name="Destination">The destination network's address.</param>
/// <param name="PrefixLength">The length of its prefix in bits.</param>
/// <param name="Gateway">The next hop, or null.</param>
/// <param name="Mtu">The path's MTU in bytes, or null.</param>
/// <param name="Priority">The kernel's priority (metric): the lower wins; or null.</param>
/// <param name="Table">The kernel's routing table, or null for the main one.</param>
/// <param name="Scope">The kernel's scope (0 universe, 253 link, 254 host), or null.</param>
/// <param name="AdvMss">The maximum segment size told to peers, in bytes, or null.</param>
public sealed record CniRoute(
    IPAddress Destination,
    int PrefixLength,
    IPAddress? Gateway,
    int? Mtu = null,
    uint? Priority = null,
    uint? Table = null,
    int? Scope = null,
    int? AdvMss = null)
{
    /// <summary>The number of the kernel's main table (RT_TABLE_MAIN).</summary>
    public const uint MainTable = 254;

    /// <summary>Whether it is a default route of the main table, which a route without a table is in.</summary>
    public bool IsMainDefault => PrefixLength == 0 && (Table is null or MainTable);
}

/// <summary>What a successful ADD answers (CNI specification, "ADD Success").</summary>
/// <param name="Interfaces">The interfaces made.</param>
/// <param name="Ips">The addresses assigned.</param>
/// <param name="Routes">The routes made.</param>
/// <param name="Dns">Settings for the resolver, or null.</param>
public sealed record CniResult(
    ImmutableArray<CniInterface> Interfaces,
    ImmutableArray<CniIp> Ips,
    ImmutableArray<CniRoute> Routes,
    CniDns? Dns)
{
    /// <summary>
    /// Reads a result in the shape of any version: a <c>prevResult</c>, or what an IPAM plugin printed. Members that no
    /// version has are passed over.
    /// </summary>
    /// <param name="result">The result.</param>
    /// <param name="what">What it is, for errors: <c>prevResult</c>.</param>
    /// <exception cref="CniException">Code 7: a member is not what it has to be; the message says which, and why.</exception>
    public static CniResult Read(JsonElement result, string what) => new ResultReader(what).Read(result);

    /// <summary>
    /// This result after that of the plugins before in a chain: theirs, then this, which tells the resolver last. Default
    /// routes of this one took the place of theirs.
    /// </summary>
    /// <param name="previous">The result of the plugins before.</param>
    public CniResult After(CniResult previous)
    {
        ArgumentNullException.ThrowIfNull(previous);
        return new CniResult(
            [.. previous.Interfaces, .. Interfaces],
            [.. previous.Ips, .. Ips.Select(ip => ip with { Interface = ip.Interface + previous.Interfaces.Length })],
            [.. previous.Routes.Where(route => !Routes.Any(own => IsOtherDefault(own, route))), .. Routes],
            Dns ?? previous.Dns);

        static bool IsOtherDefault(CniRoute own, CniRoute earlier) => own.IsMainDefault && earlier.IsMainDefault
            && own.Destination.AddressFamily == earlier.Destination.AddressFamily;
    }

    /// <summary>
    /// Writes the result as JSON in a version's shape: one line, the same bytes for the same result, in one write.
    /// What the version has no member for is left out: routes of other tables than the main one before 1.1.0, where they
    /// would be taken for routes of that one; in 0.1.0 and 0.2.0 all but the first address of each family.
    /// </summary>
    /// <param name="stream">Where to.</param>
    /// <param name="version">The version that the configuration asked for.</param>
    /// <exception cref="CniException">
    /// Code 1: the version cannot tell a result without an address (0.1.0, 0.2.0). Nothing was written then.
    /// </exception>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    public void WriteTo(Stream stream, CniVersion version) => JsonLine.Write(stream, json => ResultWriter.Write(json, this, version));
}
