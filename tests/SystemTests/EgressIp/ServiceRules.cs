namespace SystemTests.EgressIp;

/// <summary>In which way kube-proxy leads packets to the endpoints of Services.</summary>
public enum ServiceProxy
{
    None,
    Iptables,
    Nft,
}

/// <summary>
/// The rules of kube-proxy on a node, for both families. They lead to port 8000: two ClusterIPs, one with a pod as its endpoint and one
/// with an address of the outside; a LoadBalancer's address and a NodePort, whose endpoint is that pod.
/// </summary>
internal static class ServiceRules
{
    public const int Port = 80;

    public const int NodePort = 30080;

    public static string ClusterIP(bool isIPv6) => isIPv6 ? "fd00:96::10" : "10.96.0.10";

    /// <summary>A ClusterIP whose endpoint is outside.</summary>
    public static string OutsideClusterIP(bool isIPv6) => isIPv6 ? "fd00:96::20" : "10.96.0.20";

    public static string LoadBalancer(bool isIPv6) => isIPv6 ? "fd00:113::80" : "203.0.113.80";

    public static void Add(string node, ServiceProxy proxy, LabPod endpoint)
    {
        foreach (bool isIPv6 in (bool[])[false, true])
        {
            string pod = isIPv6 ? $"[{endpoint.IPv6}]:8000" : $"{endpoint.IPv4}:8000";
            string outside = isIPv6 ? $"[{EgressLab.Server6}]:8000" : $"{EgressLab.Server4}:8000";
            if (proxy == ServiceProxy.Iptables)
            {
                Command.Must(
                    "nsenter", ["--net=" + Lab.PathOf(node), isIPv6 ? "ip6tables-restore" : "iptables-restore", "--noflush"],
                    Iptables(isIPv6, pod, outside));
            }
            else if (proxy == ServiceProxy.Nft)
            {
                Lab.In(node, "nft", Nft(isIPv6, pod, outside));
            }
        }
    }

    private static string Iptables(bool isIPv6, string pod, string outside)
    {
        string pods = isIPv6 ? EgressLab.Pods6 : EgressLab.Pods4;
        return $"""
            *nat
            :KUBE-SERVICES - [0:0]
            :KUBE-NODEPORTS - [0:0]
            :KUBE-POSTROUTING - [0:0]
            :KUBE-MARK-MASQ - [0:0]
            :KUBE-EXT-POD - [0:0]
            :KUBE-SVC-POD - [0:0]
            :KUBE-SVC-OUTSIDE - [0:0]
            -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
            -A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
            -I POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
            -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
            -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
            -A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
            -A KUBE-POSTROUTING -j MASQUERADE --random-fully
            -A KUBE-SERVICES -d {ClusterIP(isIPv6)} -p tcp --dport {Port} -j KUBE-SVC-POD
            -A KUBE-SERVICES -d {OutsideClusterIP(isIPv6)} -p tcp --dport {Port} -j KUBE-SVC-OUTSIDE
            -A KUBE-SERVICES -d {LoadBalancer(isIPv6)} -p tcp --dport {Port} -j KUBE-EXT-POD
            -A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
            -A KUBE-NODEPORTS -p tcp --dport {NodePort} -j KUBE-EXT-POD
            -A KUBE-EXT-POD -s {pods} -j KUBE-SVC-POD
            -A KUBE-EXT-POD -j KUBE-MARK-MASQ
            -A KUBE-EXT-POD -j KUBE-SVC-POD
            -A KUBE-SVC-POD ! -s {pods} -p tcp -j KUBE-MARK-MASQ
            -A KUBE-SVC-POD -p tcp -j DNAT --to-destination {pod}
            -A KUBE-SVC-OUTSIDE ! -s {pods} -p tcp -j KUBE-MARK-MASQ
            -A KUBE-SVC-OUTSIDE -p tcp -j DNAT --to-destination {outside}
            COMMIT

            """;
    }

    private static string Nft(bool isIPv6, string pod, string outside)
    {
        string ip = isIPv6 ? "ip6" : "ip";
        string pods = isIPv6 ? EgressLab.Pods6 : EgressLab.Pods4;
        return $$"""
            table {{ip}} kube-proxy {
                chain mark-for-masquerade {
                    meta mark set meta mark or 0x4000
                }
                chain endpoint-pod {
                    meta l4proto tcp dnat to {{pod}}
                }
                chain endpoint-outside {
                    meta l4proto tcp dnat to {{outside}}
                }
                chain service-pod {
                    {{ip}} saddr != {{pods}} jump mark-for-masquerade
                    goto endpoint-pod
                }
                chain service-outside {
                    {{ip}} saddr != {{pods}} jump mark-for-masquerade
                    goto endpoint-outside
                }
                chain external-pod {
                    {{ip}} saddr {{pods}} goto endpoint-pod
                    jump mark-for-masquerade
                    goto endpoint-pod
                }
                map service-ips {
                    type {{(isIPv6 ? "ipv6_addr" : "ipv4_addr")}} . inet_proto . inet_service : verdict
                    elements = {
                        {{ClusterIP(isIPv6)}} . tcp . {{Port}} : goto service-pod,
                        {{OutsideClusterIP(isIPv6)}} . tcp . {{Port}} : goto service-outside,
                        {{LoadBalancer(isIPv6)}} . tcp . {{Port}} : goto external-pod
                    }
                }
                map service-nodeports {
                    type inet_proto . inet_service : verdict
                    elements = { tcp . {{NodePort}} : goto external-pod }
                }
                chain services {
                    {{ip}} daddr . meta l4proto . th dport vmap @service-ips
                    fib daddr type local meta l4proto . th dport vmap @service-nodeports
                }
                chain nat-prerouting {
                    type nat hook prerouting priority dstnat; policy accept;
                    jump services
                }
                chain nat-output {
                    type nat hook output priority -100; policy accept;
                    jump services
                }
                chain nat-postrouting {
                    type nat hook postrouting priority srcnat; policy accept;
                    meta mark and 0x4000 != 0 jump masquerade-marked
                }
                chain masquerade-marked {
                    meta mark set meta mark xor 0x4000
                    masquerade fully-random
                }
            }
            """;
    }
}
