using System.Collections.Immutable;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Legacy;

/// <summary>The proxy of a legacy router that is one.</summary>
/// <param name="IsHttp">Whether it is the HTTP proxy; else it is the DNS proxy.</param>
/// <param name="List">Its list, as it stands.</param>
/// <param name="IsDebugging">Whether it logs.</param>
internal sealed record LegacyProxy(bool IsHttp, LocatedText List, bool IsDebugging)
{
    /// <summary>The verb, and the name of the mode.</summary>
    public string Mode => IsHttp ? "http-proxy" : "dns-proxy";

    /// <summary>What the names of its variables begin with.</summary>
    internal string Prefix => IsHttp ? "EGRESS_HTTP_PROXY" : "EGRESS_DNS_PROXY";

    /// <summary>The proxy of an environment; null where there is none, or, with a fault, where it does not fit the mode.</summary>
    /// <param name="mode">EGRESS_ROUTER_MODE.</param>
    /// <param name="home">The line of the router.</param>
    /// <param name="faults">Takes the faults.</param>
    internal static LegacyProxy? Read(
        string mode, IReadOnlyDictionary<string, LocatedText> variables, int home, ICollection<LegacyFault> faults)
    {
        LegacyProxy? found = null;
        foreach (bool isHttp in new[] { true, false })
        {
            var proxy = new LegacyProxy(isHttp, new LocatedText(home, ""), false);
            bool isThere = variables.TryGetValue(proxy.Prefix + "_DESTINATION", out LocatedText? list);
            if (mode == proxy.Mode)
            {
                found = proxy with
                {
                    List = list ?? proxy.List,
                    IsDebugging = variables.GetValueOrDefault(proxy.Prefix + "_DEBUG") is { Text.Length: > 0 }
                };
                found.Check(faults);
            }
            else if (isThere)
            {
                faults.Add(new LegacyFault(list!.Line, $"{proxy.Prefix}_DESTINATION: EGRESS_ROUTER_MODE is {mode}, not {proxy.Mode}"));
            }
        }

        return found;
    }

    /// <summary>The ports of the pod that clients come to.</summary>
    internal ImmutableArray<int> Ports() =>
        IsHttp ? [SquidConfig.Port] : [.. DnsProxyList.Read(List.Text, new List<LegacyFault>()).Select(rule => (int)rule.Port)];

    /// <summary>Its container, but for its name and what is carried over.</summary>
    /// <param name="image">Its image; null: a name to be replaced.</param>
    /// <param name="volume">The volume of its configuration.</param>
    /// <param name="hasResources">Whether the resources are carried over.</param>
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
            // A list in a file begins with the line that it is known by.
            faults.Add(fault with { Line = List.Line == 0 ? 0 : List.Line + Math.Max(fault.Line - 1, 0) });
        }
    }
}
