using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using EgressRouter.Config;

namespace EgressRouter.Legacy;

/// <summary>
/// The environment of the image <c>egress/router</c>, with the grammar and the errors of its shell script. The plugin's own parser
/// checks afterwards what the script did not (octets, prefix lengths).
/// </summary>
internal static partial class LegacyEnvironment
{
    public const string Source = "EGRESS_SOURCE";
    public const string Gateway = "EGRESS_GATEWAY";
    public const string DestinationList = "EGRESS_DESTINATION";
    public const string Mode = "EGRESS_ROUTER_MODE";

    /// <summary>Variables of the proxy images, whose containers run next to this image's.</summary>
    private static readonly string[] _proxies = [HttpProxyList.Variable, DnsProxyList.Variable];

    /// <summary>Parses EGRESS_ROUTER_MODE; returns null if the image does not know the mode.</summary>
    public static InitMode? ModeOf(string? text) => text switch
    {
        null or "" or "legacy" => InitMode.Legacy,
        "init" => InitMode.Init,
        "http-proxy" => InitMode.HttpProxy,
        "dns-proxy" => InitMode.DnsProxy,
        _ => null,
    };

    /// <summary>The image assigned an address without a prefix length as /32: the gateway is then on-link.</summary>
    public static string WithLength(string address) =>
        address.Contains('/', StringComparison.Ordinal) ? address
            : address + (address.Contains(':', StringComparison.Ordinal) ? "/128" : "/32");

    /// <summary>Whether the variables are those of a legacy image.</summary>
    public static bool IsLegacy(IReadOnlyDictionary<string, LocatedText> variables) =>
        IsRouter(variables) || variables.Keys.Any(_proxies.Contains);

    /// <summary>Whether the variables are those of the router itself, with or without a proxy's.</summary>
    public static bool IsRouter(IReadOnlyDictionary<string, LocatedText> variables) =>
        variables.Keys.Any(name => name is Source or Gateway or DestinationList or Mode);

    /// <summary>Reads a router.</summary>
    /// <param name="variables">The environment. The line of a value is that of its first line.</param>
    /// <param name="router">The values known from elsewhere: the name and the parent.</param>
    /// <param name="faults">Receives the faults.</param>
    public static LegacyRouter Read(
        IReadOnlyDictionary<string, LocatedText> variables, LegacyRouter router, ICollection<LegacyFault> faults)
    {
        LocatedText? Value(string name) => variables.GetValueOrDefault(name) is { Text.Length: > 0 } value ? value : null;
        int home = router.Name.Line;
        string mode = Value(Mode)?.Text ?? "legacy";
        if (ModeOf(mode) is null)
        {
            faults.Add(new LegacyFault(Value(Mode)!.Line, $"unrecognized {Mode} '{mode}'"));
            return router;
        }

        LegacyProxy? proxy = LegacyProxy.Read(mode, variables, home, faults);
        LocatedText? source = Value(Source);
        if (source is null || !SourcePattern().IsMatch(source.Text))
        {
            faults.Add(new LegacyFault(source?.Line ?? home, $"{Source} unspecified or invalid"));
        }

        LocatedText? gateway = Value(Gateway);
        if (gateway is null || !AddressPattern().IsMatch(gateway.Text))
        {
            faults.Add(new LegacyFault(gateway?.Line ?? home, $"{Gateway} unspecified or invalid"));
        }

        LocatedText? destination = proxy is null ? Value(DestinationList) : null;
        if (destination is null && proxy is null)
        {
            faults.Add(new LegacyFault(home, $"{DestinationList} unspecified"));
        }

        return router with
        {
            Addresses = source is null ? [] : [source with { Text = WithLength(source.Text) }],
            Gateways = gateway is null ? [] : [gateway],
            Destinations = destination is null ? [] : ReadDestinations(destination, faults),
            Proxy = proxy,
        };
    }

    private static ImmutableArray<LocatedText> ReadDestinations(LocatedText value, ICollection<LegacyFault> faults)
    {
        ImmutableArray<LocatedText>.Builder found = ImmutableArray.CreateBuilder<LocatedText>();
        var ports = new HashSet<int>();
        bool hasFallback = false;
        foreach (LocatedText line in Lines(value))
        {
            if (hasFallback)
            {
                faults.Add(new LegacyFault(line.Line, $"{DestinationList} fallback IP must be the last line"));
            }
            else if (AddressPattern().IsMatch(line.Text))
            {
                hasFallback = true;
            }
            else if (PortPattern().Match(line.Text) is { Success: true } port)
            {
                foreach (string text in new[] { port.Groups["target"].Value,
                    port.Groups["port"].Value }.Where(text => text.Length > 0 && !IsPort(text)))
                {
                    faults.Add(new LegacyFault(line.Line, $"invalid port: {text}, must be in the range 1 to 65535"));
                }

                if (IsPort(port.Groups["port"].Value) && !ports.Add(int.Parse(port.Groups["port"].Value, CultureInfo.InvariantCulture)))
                {
                    // The image refused a repeated port, whatever the protocol: no working configuration has one, so that it is a mistake.
                    faults.Add(
                        new LegacyFault(
                            line.Line,
                            $"{DestinationList} localport {port.Groups["port"].Value} is already used, must be unique for each destination"));
                }
            }
            else
            {
                faults.Add(new LegacyFault(line.Line, $"{DestinationList} value '{line.Text}' is invalid"));
            }

            found.Add(line with { Text = WithoutZeros(line.Text) });
        }

        return found.ToImmutable();
    }

    /// <summary>The significant lines, each with its line in the file.</summary>
    private static IEnumerable<LocatedText> Lines(LocatedText value) =>
        LegacyLines.Of(value.Text).Select(line => new LocatedText(value.Line > 0 ? value.Line + line.Number - 1 : 0, line.Text));

    /// <summary>A shell compares 080 as the number 80; the plugin's grammar refuses leading zeros.</summary>
    private static string WithoutZeros(string line) => LeadingZeros().Replace(line, "");

    private static bool IsPort(string text) => int.TryParse(text, CultureInfo.InvariantCulture, out int port) && port is >= 1 and <= 65535;

    [GeneratedRegex(@"^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+\z")]
    private static partial Regex AddressPattern();

    [GeneratedRegex(@"^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+(/[0-9]+)?\z")]
    private static partial Regex SourcePattern();

    [GeneratedRegex(@"^(?<port>[0-9]+) +(tcp|udp) +[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+( +(?<target>[0-9]+))?\z")]
    private static partial Regex PortPattern();

    [GeneratedRegex(@"(?<![0-9.])0+(?=[1-9][0-9]*( |\z))")]
    private static partial Regex LeadingZeros();
}
