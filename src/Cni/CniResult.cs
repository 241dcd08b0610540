using System.Collections.Immutable;
using System.Net;
using System.Text.Json;

namespace Cni;

/// <summary>An interface of a result (CNI specification, "ADD Success", <c>interfaces</c>).</summary>
/// <param name="Name">The interface's name.</param>
/// <param name="Mac">The hardware address as text, or null.</param>
/// <param name="Sandbox">The path of the interface's network namespace, or null for an interface of the node.</param>
/// <param name="Mtu">The MTU in bytes, or null; from 1.1.0 on, like the following members.</param>
/// <param name="SocketPath">The path of the interface's socket file, or null.</param>
/// <param name="PciId">The PCI address of the device, or null.</param>
public sealed record CniInterface(
    string Name, string? Mac, string? Sandbox, int? Mtu = null, string? SocketPath = null, string? PciId = null);

/// <summary>An address of a result (CNI specification, "ADD Success", <c>ips</c>).</summary>
/// <param name="Address">The address.</param>
/// <param name="PrefixLength">The prefix length of the subnet in bits.</param>
/// <param name="Gateway">The subnet's gateway, or null.</param>
/// <param name="Interface">The index of the interface in <see cref="CniResult.Interfaces"/>, or null.</param>
public sealed record CniIp(IPAddress Address, int PrefixLength, IPAddress? Gateway, int? Interface);

/// <summary>A route of a result (CNI specification, "ADD Success", <c>routes</c>). All after the gateway are from 1.1.0 on.</summary>
/// <param name="Destination">The destination network's address.</param>
/// <param name="PrefixLength">The prefix length in bits.</param>
/// <param name="Gateway">The next hop, or null.</param>
/// <param name="Mtu">The path MTU in bytes, or null.</param>
/// <param name="Priority">The priority (metric), or null; lower is preferred.</param>
/// <param name="Table">The routing table, or null for the main table.</param>
/// <param name="Scope">The scope (0 universe, 253 link, 254 host), or null.</param>
/// <param name="AdvMss">The maximum segment size advertised to peers, in bytes, or null.</param>
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
    /// <summary>The number of the main routing table (RT_TABLE_MAIN).</summary>
    public const uint MainTable = 254;

    /// <summary>Whether this is a default route of the main table, which is also the table of a route without one.</summary>
    public bool IsMainDefault => PrefixLength == 0 && (Table is null or MainTable);
}

/// <summary>The result of a successful ADD (CNI specification, "ADD Success").</summary>
/// <param name="Interfaces">The created interfaces.</param>
/// <param name="Ips">The assigned addresses.</param>
/// <param name="Routes">The created routes.</param>
/// <param name="Dns">The DNS settings, or null.</param>
public sealed record CniResult(
    ImmutableArray<CniInterface> Interfaces,
    ImmutableArray<CniIp> Ips,
    ImmutableArray<CniRoute> Routes,
    CniDns? Dns)
{
    /// <summary>
    /// Reads a result in the format of any version: a <c>prevResult</c> or the output of an IPAM plugin. Unknown members are
    /// ignored.
    /// </summary>
    /// <param name="result">The result.</param>
    /// <param name="what">The name of the result in errors, such as <c>prevResult</c>.</param>
    /// <exception cref="CniException">Code 7: a member is invalid; the message names it and the reason.</exception>
    public static CniResult Read(JsonElement result, string what) => new ResultReader(what).Read(result);

    /// <summary>
    /// Appends this result to that of the previous plugins in the chain. Default routes of the main table replace earlier ones
    /// of the same family; DNS settings, if present, replace the earlier settings.
    /// </summary>
    /// <param name="previous">The result of the previous plugins.</param>
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
    /// Writes the result as one line of JSON in the format of a version; the output is deterministic. Data that the version
    /// cannot express is omitted: before 1.1.0 routes of other tables than main, because readers would take them for routes of
    /// the main table; in 0.1.0 and 0.2.0 all but the first address of each family.
    /// </summary>
    /// <param name="stream">The output.</param>
    /// <param name="version">The version of the configuration.</param>
    /// <exception cref="CniException">
    /// Code 1: the version cannot express a result without an address (0.1.0, 0.2.0). Nothing was written.
    /// </exception>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    public void WriteTo(Stream stream, CniVersion version) => JsonLine.Write(stream, json => ResultWriter.Write(json, this, version));
}
