using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace EgressRouter.Legacy;

/// <summary>
/// The environment of the image <c>egress/router</c>: its grammar and its refusals, as its shell script has them. What it
/// did not look at (octets, prefix lengths) is looked at by the plugin's own reader afterwards.
/// </summary>
internal static partial class LegacyEnvironment
{
    private const string Source = "EGRESS_SOURCE";
    private const string Gateway = "EGRESS_GATEWAY";
    private const string Destination = "EGRESS_DESTINATION";
    private const string Mode = "EGRESS_ROUTER_MODE";

    /// <summary>Variables of the other images, whose containers stand beside that of this one.</summary>
    private static readonly string[] _proxies = [HttpProxyList.Variable, DnsProxyList.Variable];

    /// <summary>Whether it is the environment of a legacy image.</summary>
    public static bool IsLegacy(IReadOnlyDictionary<string, Located> variables) =>
        IsRouter(variables) || variables.Keys.Any(_proxies.Contains);

    /// <summary>Whether it is that of the router itself, be there a proxy's too.</summary>
    public static bool IsRouter(IReadOnlyDictionary<string, Located> variables) => variables.Keys.Any(name => name is Source or Gateway or Destination or Mode);

    /// <summary>The router, with the name and the parent that are known from elsewhere.</summary>
    /// <param name="variables">The environment. The line of a value is that of its first line.</param>
    /// <param name="router">What else is known.</param>
    /// <param name="faults">Takes the faults.</param>
    public static LegacyRouter Read(IReadOnlyDictionary<string, Located> variables, LegacyRouter router, ICollection<LegacyFault> faults)
    {
        Located? Value(string name) => variables.GetValueOrDefault(name) is { Text.Length: > 0 } value ? value : null;
        int home = router.Name.Line;
        string mode = Value(Mode)?.Text ?? "legacy";
        if (mode is not ("init" or "legacy" or "http-proxy" or "dns-proxy"))
        {
            faults.Add(new LegacyFault(Value(Mode)!.Line, $"unrecognized {Mode} '{mode}'"));
            return router;
        }

        LegacyProxy? proxy = LegacyProxy.Read(mode, variables, home, faults);
        Located? source = Value(Source);
        if (source is null || !SourcePattern().IsMatch(source.Text))
        {
            faults.Add(new LegacyFault(source?.Line ?? home, $"{Source} unspecified or invalid"));
        }

        Located? gateway = Value(Gateway);
        if (gateway is null || !AddressPattern().IsMatch(gateway.Text))
        {
            faults.Add(new LegacyFault(gateway?.Line ?? home, $"{Gateway} unspecified or invalid"));
        }

        Located? destination = proxy is null ? Value(Destination) : null;
        if (destination is null && proxy is null)
        {
            faults.Add(new LegacyFault(home, $"{Destination} unspecified"));
        }

        return router with
        {
            // The image put an address without a prefix on the interface as /32: the gateway is then on the link all the same.
            Addresses = source is null ? [] : [source.Text.Contains('/', StringComparison.Ordinal) ? source : source with { Text = source.Text + "/32" }],
            Gateways = gateway is null ? [] : [gateway],
            Destinations = destination is null ? [] : ReadDestinations(destination, faults),
            Proxy = proxy,
        };
    }

    private static ImmutableArray<Located> ReadDestinations(Located value, ICollection<LegacyFault> faults)
    {
        ImmutableArray<Located>.Builder found = ImmutableArray.CreateBuilder<Located>();
        var ports = new HashSet<int>();
        bool hasFallback = false;
        foreach (Located line in Lines(value).Where(line => !BlankPattern().IsMatch(line.Text)))
        {
            if (hasFallback)
            {
                faults.Add(new LegacyFault(line.Line, $"{Destination} fallback IP must be the last line"));
            }
            else if (AddressPattern().IsMatch(line.Text))
            {
                hasFallback = true;
            }
            else if (PortPattern().Match(line.Text) is { Success: true } port)
            {
                foreach (string text in new[] { port.Groups["target"].Value, port.Groups["port"].Value }.Where(text => text.Length > 0 && !IsPort(text)))
                {
                    faults.Add(new LegacyFault(line.Line, $"invalid port: {text}, must be in the range 1 to 65535"));
                }

                if (IsPort(port.Groups["port"].Value) && !ports.Add(int.Parse(port.Groups["port"].Value, CultureInfo.InvariantCulture)))
                {
                    // The image refused it whatever the protocol: nobody had it, and who wrote it meant something else.
                    faults.Add(new LegacyFault(line.Line, $"{Destination} localport {port.Groups["port"].Value} is already used, must be unique for each destination"));
                }
            }
            else
            {
                faults.Add(new LegacyFault(line.Line, $"{Destination} value '{line.Text}' is invalid"));
            }

            found.Add(line with { Text = WithoutZeros(line.Text) });
        }

        return found.ToImmutable();
    }

    /// <summary>As bash's <c>read</c> splits lines: a backslash keeps the next character, or joins two lines; blanks around go.</summary>
    private static IEnumerable<Located> Lines(Located value)
    {
        var line = new StringBuilder();
        int number = value.Line;
        int start = number;
        for (int i = 0; i <= value.Text.Length; i++)
        {
            if (i == value.Text.Length || value.Text[i] == '\n')
            {
                yield return new Located(start, line.ToString().Trim(' ', '\t'));
                line.Clear();
                start = number += value.Line > 0 ? 1 : 0;
            }
            else if (value.Text[i] == '\\' && i + 1 < value.Text.Length)
            {
                i++;
                number += value.Text[i] == '\n' && value.Line > 0 ? 1 : 0;
                line.Append(value.Text[i] == '\n' ? "" : value.Text[i].ToString());
            }
            else
            {
                line.Append(value.Text[i]);
            }
        }
    }

    /// <summary>A shell takes 080 for 80 where it compares numbers; the plugin's grammar is strict.</summary>
    private static string WithoutZeros(string line) => LeadingZeros().Replace(line, "");

    private static bool IsPort(string text) => int.TryParse(text, CultureInfo.InvariantCulture, out int port) && port is >= 1 and <= 65535;

    [GeneratedRegex(@"^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+\z")]
    private static partial Regex AddressPattern();

    [GeneratedRegex(@"^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+(/[0-9]+)?\z")]
    private static partial Regex SourcePattern();

    [GeneratedRegex(@"^(?<port>[0-9]+) +(tcp|udp) +[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+( +(?<target>[0-9]+))?\z")]
    private static partial Regex PortPattern();

    [GeneratedRegex(@"^(\s*|#.*)\z")]
    private static partial Regex BlankPattern();

    [GeneratedRegex(@"(?<![0-9.])0+(?=[1-9][0-9]*( |\z))")]
    private static partial Regex LeadingZeros();
}
