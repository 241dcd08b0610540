using System.Buffers;
using System.Collections.Immutable;
using System.Net.Sockets;
using System.Text.Json;
using Cni;
using EgressRouter.Config;
using static EgressRouter.Legacy.LegacyEnvironment;

namespace EgressRouter.Legacy;

/// <summary>The task of the legacy image (EGRESS_ROUTER_MODE).</summary>
internal enum InitMode
{
    /// <summary>Redirect and keep running: the default.</summary>
    Legacy,

    /// <summary>Redirect and exit.</summary>
    Init,

    /// <summary>Prepare the network for an HTTP proxy; redirect nothing.</summary>
    HttpProxy,

    /// <summary>Prepare the network for a DNS proxy; redirect nothing.</summary>
    DnsProxy,
}

/// <summary>The result of parsing an environment.</summary>
/// <param name="Config">The equivalent configuration, or null if and only if there are faults.</param>
/// <param name="Faults">All faults.</param>
internal sealed record InitResult(InitMode Mode, RouterConfig? Config, ImmutableArray<string> Faults);

/// <summary>
/// The environment of the legacy image <c>egress/router</c>, for <c>egress-routerctl init</c>. It is converted to a configuration and
/// checked as one. Beyond the image: IPv6, SCTP, port ranges, and several addresses and gateways, separated by blanks or commas.
/// </summary>
internal static class InitEnvironment
{
    private static readonly char[] _separators = [' ', '\t', '\n', ','];

    /// <summary>Parses the environment.</summary>
    /// <param name="variable">Returns the value of a variable, or null if it is not set.</param>
    public static InitResult Read(Func<string, string?> variable)
    {
        string[] sources = (variable(Source) ?? "").Split(_separators, StringSplitOptions.RemoveEmptyEntries);
        string[] gateways = (variable(Gateway) ?? "").Split(_separators, StringSplitOptions.RemoveEmptyEntries);
        string? destination = variable(DestinationList);
        var faults = new List<string>();
        InitMode? mode = ModeOf(variable(Mode));
        bool isRedirecting = mode is InitMode.Legacy or InitMode.Init;
        Require(sources.Length > 0, $"{Source} unspecified or invalid: it is not set", faults);
        Require(gateways.Length > 0, $"{Gateway} unspecified or invalid: it is not set", faults);
        Require(
            mode is not null,
            $"Unrecognized {Mode} '{SafeText.Short(variable(Mode) ?? "")}': it is one of init, legacy, http-proxy, dns-proxy", faults);
        Require(!isRedirecting || !string.IsNullOrEmpty(destination), $"{DestinationList} unspecified", faults);

        using JsonDocument document = Json(sources, gateways, isRedirecting ? destination ?? "" : "");
        ConfigResult result = RouterConfig.Parse(document.RootElement);
        foreach (ConfigError fault in result.Errors)
        {
            // A missing address is reported above.
            if (sources.Length > 0 || fault.Path.Key != AddressesParser.Key)
            {
                faults.Add(LegacyMessage(fault));
            }
        }

        if (result.Config is RouterConfig config && gateways.Length > 0)
        {
            RequireGateways(config, faults);
        }

        return new InitResult(mode ?? InitMode.Legacy, faults.Count == 0 ? result.Config : null, [.. faults]);
    }

    private static void Require(bool condition, string fault, List<string> faults)
    {
        if (!condition)
        {
            faults.Add(fault);
        }
    }

    /// <summary>The pod has nothing to infer a gateway from.</summary>
    private static void RequireGateways(RouterConfig config, List<string> faults)
    {
        foreach (AddressFamily family in Families.All)
        {
            Require(
                !config.Addresses.Any(address => address.Address.AddressFamily == family)
                    || config.Gateways.Any(gateway => gateway.AddressFamily == family),
                $"{Gateway} unspecified or invalid: there is no {family.Text()} gateway for the {family.Text()} address",
                faults);
        }
    }

    /// <summary>Formats a fault of the configuration as the legacy image's message, and adds the reason.</summary>
    private static string LegacyMessage(ConfigError fault)
    {
        string text = fault.Text is null ? "" : $"\"{fault.Text}\": ";
        return (fault.Path.Key, fault.Path.Index, fault.Code) switch
        {
            (DestinationsParser.TextKey, int line, ConfigErrorCode.FallbackNotLast) =>
                $"{DestinationList} fallback IP must be the last line: line {line} \"{fault.Text}\" is not",
            (DestinationsParser.TextKey, int line, _) => $"{DestinationList} value '{fault.Text}' is invalid: line {line}: {fault.Reason}",
            (DestinationsParser.TextKey, null, _) => $"{DestinationList} is invalid: {fault.Reason}",
            (GatewaysParser.ListKey, _, _) => $"{Gateway} unspecified or invalid: {text}{fault.Reason}",
            _ => $"{Source} unspecified or invalid: {text}{fault.Reason}",
        };
    }

    private static JsonDocument Json(string[] sources, string[] gateways, string destinations)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("type", "egress-router");
            json.WriteStartObject("ip");
            json.WriteStartArray(AddressesParser.Key);
            foreach (string source in sources)
            {
                json.WriteStringValue(WithLength(source));
            }

            json.WriteEndArray();
            json.WriteStartArray(GatewaysParser.ListKey);
            foreach (string gateway in gateways)
            {
                json.WriteStringValue(gateway);
            }

            json.WriteEndArray();
            json.WriteString(DestinationsParser.TextKey, destinations);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return JsonDocument.Parse(buffer.WrittenMemory);
    }
}
