using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace EgressRouter.Legacy;

/// <summary>The proxy of a legacy router that is one.</summary>
/// <param name="IsHttp">Whether it is the HTTP proxy; else it is the DNS proxy.</param>
/// <param name="List">Its list, as it stands.</param>
/// <param name="IsDebugging">Whether it logs.</param>
public sealed record LegacyProxy(bool IsHttp, Located List, bool IsDebugging)
{
    private const string LowPorts = "      securityContext:\n        sysctls:\n          - { name: net.ipv4.ip_unprivileged_port_start, value: \"0\" }\n";

    /// <summary>The verb, and the name of the mode.</summary>
    public string Mode => IsHttp ? "http-proxy" : "dns-proxy";

    private string Prefix => IsHttp ? "EGRESS_HTTP_PROXY" : "EGRESS_DNS_PROXY";

    /// <summary>The proxy of an environment; null where there is none, or, with a fault, where it does not fit the mode.</summary>
    /// <param name="mode">EGRESS_ROUTER_MODE.</param>
    /// <param name="variables">The environment.</param>
    /// <param name="home">The line of the router.</param>
    /// <param name="faults">Takes the faults.</param>
    internal static LegacyProxy? Read(string mode, IReadOnlyDictionary<string, Located> variables, int home, ICollection<LegacyFault> faults)
    {
        LegacyProxy? found = null;
        foreach (bool isHttp in new[] { true, false })
        {
            var proxy = new LegacyProxy(isHttp, new Located(home, ""), false);
            bool isThere = variables.TryGetValue(proxy.Prefix + "_DESTINATION", out Located? list);
            if (mode == proxy.Mode)
            {
                found = proxy with { List = list ?? proxy.List, IsDebugging = variables.GetValueOrDefault(proxy.Prefix + "_DEBUG") is { Text.Length: > 0 } };
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
    internal ImmutableArray<int> Ports() => IsHttp ? [SquidConfig.Port] : [.. DnsProxyList.Read(List.Text, new List<LegacyFault>()).Select(rule => (int)rule.Port)];

    /// <summary>What the pod's specification says of it, and its container.</summary>
    /// <param name="image">The proxy's image; null: a name to be replaced.</param>
    internal string Specification(string? image) => $$"""
              # Names are asked of the pod's DNS servers: these have to be behind a route of the pod, or in the outside (dnsPolicy: None).
              terminationGracePeriodSeconds: 6
              automountServiceAccountToken: false
        {{(IsHttp ? "" : LowPorts)}}      containers:
                - name: {{Mode}}
                  image: {{image ?? $"egress-router-{Mode}"}}
                  env:
                    - name: {{Prefix}}_DESTINATION
                      value: {{YamlText()}}
        {{(IsDebugging ? $"            - {{ name: {Prefix}_DEBUG, value: \"1\" }}\n" : "")}}          readinessProbe:
                    exec: { command: [/egress-router, proxy-health, {{Mode}}] }
                    periodSeconds: 5
                    timeoutSeconds: 5
                  volumeMounts:
                    - { name: run, mountPath: /run/egress-router }
        {{LegacyManifest.SecurityContext(65534)}}
                  resources:
                    requests: { cpu: 50m, memory: 32Mi }
                    limits: { memory: 256Mi }
              volumes:
                - name: run
                  emptyDir: { medium: Memory }
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

    /// <summary>As it stands where that is safe to be read, else as JSON writes it, which YAML reads too.</summary>
    private string YamlText()
    {
        if (List.Text.Any(letter => (char.IsControl(letter) && letter is not ('\n' or '\t')) || letter == '\\' || !char.IsAscii(letter)))
        {
            return $"\"{JsonEncodedText.Encode(List.Text)}\"";
        }

        var text = new StringBuilder("|-\n");
        foreach (string line in List.Text.Trim().Split('\n'))
        {
            text.Append(CultureInfo.InvariantCulture, $"                {line.Trim()}").Append('\n');
        }

        return text.ToString().Replace(new string(' ', 16) + "\n", "\n", StringComparison.Ordinal).TrimEnd('\n');
    }
}
