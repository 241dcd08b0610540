using System.Text.Json.Nodes;
using EgressOperator.Tests.Controller;

namespace EgressOperator.Tests.Overview;

/// <summary>What the page shows in tests.</summary>
internal static class StatusSamples
{
    /// <summary>
    /// Three nodes, of which two hold the addresses of "shop"; "lost" has an address that no node can have. There is an EgressRouter, but
    /// nobody makes its pod, and a router pod without an EgressRouter, which is not ready.
    /// </summary>
    public static void Fill(OwnCluster cluster)
    {
        AddNode(cluster, "n1", 12);
        AddNode(cluster, "n2", 51);
        AddNode(cluster, "n3", 53);
        cluster.Server.Apply(Samples.Namespace("prod", "prod"));
        cluster.Server.Apply(Samples.Pod("prod", "web-0", "n1", "10.244.1.5"));
        cluster.Server.Apply(Samples.Pod("prod", "web-1", "n2", "10.244.2.5"));
        cluster.Server.Apply(Samples.EgressIP("shop", "192.168.126.100", "192.168.126.101"));
        JsonObject lost = Samples.EgressIP("lost", "10.9.9.9");
        lost["spec"]!["namespaceSelector"]!["matchLabels"]!["env"] = "test";
        cluster.Server.Apply(lost);
        // Whoever may write pods may write one interface twice.
        JsonObject gate = Samples.Pod("default", "gate", "n3", "10.244.3.9");
        gate["metadata"]!["annotations"] = new JsonObject
        {
            ["k8s.v1.cni.cncf.io/network-status"] = """
                [{"name":"cbr0","interface":"eth0","ips":["10.244.3.9"],"default":true},
                 {"name":"default/gate","interface":"net1","ips":["192.168.12.98"]},
                 {"name":"default/gate","interface":"net1","ips":["192.168.12.97"]},{"name":"default/other","interface":"net2","ips":["10.9.9.9"]}]
                """,
        };
        cluster.Server.Apply(gate);
        Attachment(cluster, "gate", """{"cniVersion":"1.0.0","name":"gate","plugins":[{"type":"egress-router"},{"type":"tuning"}]}""");
        Attachment(cluster, "other", """{"cniVersion":"1.0.0","name":"other","type":"macvlan"}""");
        cluster.Server.ApplyYaml("""
            apiVersion: network.operator.openshift.io/v1
            kind: EgressRouter
            metadata: {name: bank, namespace: default}
            spec:
              mode: Redirect
              redirect: {redirectRules: [{port: 443, protocol: TCP, destinationIP: 203.0.113.9}]}
              networkInterface: {macvlan: {mode: Bridge, master: eth1}}
              addresses: [{ip: 192.168.12.99/24, gateway: 192.168.12.1}]
            """);
    }

    private static void Attachment(OwnCluster cluster, string name, string config) => cluster.Server.Apply(
        Samples.Of("k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition", name, new JsonObject
        {
            ["metadata"] = new JsonObject { ["namespace"] = "default" },
            ["spec"] = new JsonObject { ["config"] = config },
        }));

    /// <summary>Its agent is asked at 127.0.0.x, where x is the last byte of its address.</summary>
    private static void AddNode(OwnCluster cluster, string name, int address)
    {
        JsonObject node = Samples.Node(name, address);
        node["status"]!["addresses"] = new JsonArray(new JsonObject { ["type"] = "InternalIP", ["address"] = $"127.0.0.{address}" });
        cluster.Server.Apply(node);
    }
}
