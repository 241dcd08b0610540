using System.Collections.Immutable;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Legacy;

/// <summary>The proxy of a legacy router that runs one.</summary>
/// <param name="IsHttp">Whether the proxy is the HTTP proxy, not the DNS proxy.</param>
/// <param name="List">The proxy's list of destinations, unparsed.</param>
/// <param name="IsDebugging">Whether the proxy logs.</param>
internal sealed record LegacyProxy(bool IsHttp, LocatedText List, bool IsDebugging)
{
    /// <summary>The value of EGRESS_ROUTER_MODE, which is also the command's name.</summary>
    public string Mode => IsHttp ? "http-proxy" : "dns-proxy";

    /// <summary>The prefix of its variables.</summary>
    internal string Prefix => IsHttp ? "EGRESS_HTTP_PROXY" : "EGRESS_DNS_PROXY";

    /// <summary>Returns the proxy that the mode selects, or null. The list of a proxy that the mode does not select is a fault.</summary>
    /// <param name="mode">EGRESS_ROUTER_MODE.</param>
    /// <param name="home">The line of the router.</param>
    /// <param name="faults">Receives the faults.</param>
    internal static LegacyProxy? Read(
        string mode, IReadOnlyDictionary<string, LocatedText> variables, int home, ICollection<LegacyFault> faults)
    {
        LegacyProxy? found = null;
        foreach (bool isHttp in new[] { true, false })
        {
            var proxy = new LegacyProxy(isHttp, new LocatedText(home, ""), false);
            bool isSet = variables.TryGetValue(proxy.Prefix + "_DESTINATION", out LocatedText? list);
            if (mode == proxy.Mode)
            {
                found = proxy with
                {
                    List = list ?? proxy.List,
                    IsDebugging = variables.GetValueOrDefault(proxy.Prefix + "_DEBUG") is { Text.Length: > 0 }
                };
                found.Check(faults);
            }
            else if (isSet)
            {
                faults.Add(new LegacyFault(list!.Line, $"{proxy.Prefix}_DESTINATION: EGRESS_ROUTER_MODE is {mode}, not {proxy.Mode}"));
            }
        }

        return found;
    }

    /// <summary>The pod's ports for clients.</summary>
    internal ImmutableArray<int> Ports() =>
        IsHttp ? [SquidConfig.Port] : [.. DnsProxyList.Read(List.Text, new List<LegacyFault>()).Select(rule => (int)rule.Port)];

    /// <summary>Returns the container's YAML, without its name and the members that are carried over.</summary>
    /// <param name="image">The image, or null for a name to be replaced.</param>
    /// <param name="volume">The name of the configuration's volume.</param>
    /// <param name="hasResources">Whether <c>resources</c> are carried over.</param>
    internal string Container(string? image, string volume, bool hasResources) => $$"""
                  image: {{YamlWords.Quoted(image ?? $"egress-router-{Mode}")}}
                  env:
                    - name: {{Prefix}}_DESTINATION
        {{YamlWords.Members([new("value", new YamlScalarNode(List.Text) { Style = ScalarStyle.Literal })], 14)}}{{(IsDebugging ? $"            - {{ name: {Prefix}_DEBUG, value: \"1\" }}\n" : "")}}          readinessProbe:
                    exec: { command: [/egress-routerctl, proxy-health, {{Mode}}] }
                    periodSeconds: 5
                    timeoutSeconds: 5
                  volumeMounts:
                    - { name: {{volume}}, mountPath: /run/egress-router }
        {{DeploymentText.SecurityContext(65534)}}{{(hasResources ? "" : """

                  resources:
                    requests: { cpu: 50m, memory: 32Mi }
                    limits: { memory: 256Mi }
        """)}}

        """;

    private void Check(ICollection<LegacyFault> faults)
    {
        var found = new List<LegacyFault>();
        _ = IsHttp ? HttpProxyList.Read(List.Text, found).Length : DnsProxyList.Read(List.Text, found).Length;
        foreach (LegacyFault fault in found)
        {
            // List.Line is the line of the list's first line.
            faults.Add(fault with { Line = List.Line == 0 ? 0 : List.Line + Math.Max(fault.Line - 1, 0) });
        }
    }
}
