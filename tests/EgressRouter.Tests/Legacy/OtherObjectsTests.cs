using EgressRouter.Legacy;
using EgressRouter.Tools;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Tests.Legacy;

/// <summary>Routers together with each other, with other containers and with other objects of a file.</summary>
public class OtherObjectsTests
{
    private const string Variables = "{ name: EGRESS_SOURCE, value: 192.168.12.99 }, { name: EGRESS_GATEWAY, value: 192.168.12.1 }";
    private const string Redirect = Variables + ", { name: EGRESS_DESTINATION, value: 80 tcp 203.0.113.25 }";
    private const string Http = Variables + ", { name: EGRESS_ROUTER_MODE, value: http-proxy }";
    private const string HttpList = "{ name: EGRESS_HTTP_PROXY_DESTINATION, value: example.com }";

    [Theory]
    [InlineData("app: egress", "app: egress", true)]
    [InlineData("app: egress", "{ app: egress, of: b }", true)]
    [InlineData("{ app: egress, of: a }", "app: egress", true)]
    [InlineData("", "app: a", true)]
    [InlineData("app: a", "app: b", false)]
    [InlineData("{ app: egress, of: a }", "{ app: egress, of: b }", false)]
    public void Routers_of_the_same_labels_are_set_apart(string first, string second, bool areSetApart)
    {
        static string Labels(string labels) => labels.Length == 0 ? "" : $", labels: {(labels[0] == '{' ? labels : $"{{ {labels} }}")}";
        LegacyResult result = Valid($"{Pod("a", Labels(first))}{Pod("b", Labels(second))}");
        Assert.Equal(areSetApart ? 2 : 0, result.Notes.Length);
        YamlNode[][] written = [.. result.Routers.Select(Written)];
        foreach ((int i, YamlNode[] own) in written.Index())
        {
            HashSet<string> labels = Flat(own[1].Child("spec", "template", "metadata", "labels"));
            Assert.Equal(labels, Flat(own[1].Child("spec", "selector", "matchLabels")));
            Assert.Equal(labels, Flat(own[2].Child("spec", "selector")));
            Assert.Equal(areSetApart, labels.Contains($"egress-router={result.Routers[i].Name.Text}"));
            Assert.False(labels.IsSubsetOf(Flat(written[1 - i][1].Child("spec", "template", "metadata", "labels"))));
        }
    }

    [Fact]
    public void The_selector_of_a_Deployment_is_set_apart_with_a_note()
    {
        string yaml = Pod("a", ", labels: { app: egress }") + Deployment("b", "{ matchLabels: { app: egress } }", "{ app: egress, of: b }");
        LegacyResult result = Valid(yaml);
        Assert.Contains(
            result.Notes,
            note => note.Reason.EndsWith("; a Deployment keeps its selector, so delete the old one before", StringComparison.Ordinal));
        Assert.Equal(
            ["app=egress", "egress-router=b"], Flat(Written(result.Routers[1])[1].Child("spec", "selector", "matchLabels")).Order());
        Fault(
            Pod("a", ", labels: { egress-router: x }") + Pod("b", ", labels: { egress-router: x }"),
            "the labels of a are those of b too: give each router a label of its own (egress-router has the value x)");
    }

    [Fact]
    public void A_Service_that_leads_to_several_routers_is_written_once()
    {
        LegacyResult result = Valid(
            Pod("a", ", labels: { app: egress }") + Pod("b", ", labels: { app: egress }") + Service("both", "{ app: egress }"));
        Assert.Equal(["both", null], result.Routers.Select(router => Written(router).ElementAtOrDefault(2).Text("metadata", "name")));
        Assert.Contains(result.Notes, note => note.Reason == "Service both leads to a and b: it is written once, and leads to all of them");
    }

    [Theory]
    [InlineData("", ", namespace: apps", "apps")]
    [InlineData(", namespace: apps", "", "apps")]
    [InlineData("", "", "apps")]
    [InlineData("", "", null)]
    public void A_Service_is_found_in_the_namespace_that_it_will_have(string ofPod, string ofService, string? space)
    {
        LegacyRouter router = Valid(
            Pod("a", ofPod + ", labels: { app: egress }") + Service("db", "{ app: egress }", ofService), space).Routers[0];
        YamlNode[] written = Written(router);
        Assert.Equal(3, written.Length);
        Assert.Equal("db", written[2].Text("metadata", "name"));
        Assert.All(written, document => Assert.Equal(space, document.Text("metadata", "namespace")));
    }

    [Theory]
    [InlineData("Service", "", null, true)]
    [InlineData("Deployment", "", null, true)]
    [InlineData("NetworkAttachmentDefinition", "", null, true)]
    [InlineData("Service", ", namespace: apps", "apps", true)]
    [InlineData("Service", ", namespace: other", "apps", false)]
    [InlineData("ServiceMonitor", "", null, false)]
    public void No_other_object_is_replaced(string kind, string metadata, string? space, bool isRefused)
    {
        string yaml = Pod("a",
            ", labels: { app: egress }")
                + $"kind: {kind}\nmetadata: {{ name: a{metadata} }}\nspec: {{ selector: {{ app: other }} }}\n---\n";
        if (isRefused)
        {
            Fault(yaml, $"{kind} a is another object of the router's name, which its own {kind} would replace: rename one of them", space);
        }
        else
        {
            Valid(yaml, space);
        }
    }

    /// <summary>A Service that selects another router, and has this router's name.</summary>
    [Fact]
    public void Nor_a_Service_that_is_carried_over() => Fault(
        Pod("a", ", labels: { of: a }") + Pod("b", ", labels: { of: b }") + Service("b", "{ of: a }"),
        "Service b is another object of the router's name, which its own Service would replace: rename one of them");

    [Theory]
    [InlineData("", "", true)]
    [InlineData(", { name: sidecar }", "", false)]
    [InlineData("", "initContainers: [{ name: wait }], ", false)]
    public void Other_containers_keep_their_time_and_their_token(string container, string initContainer, bool isAlone)
    {
        foreach (string variables in (string[])[Redirect, $"{Http}, {HttpList}"])
        {
            YamlNode? spec = Written(
                Valid(Pod("a", "", variables, container, initContainer)).Routers[0])[1].Child("spec", "template", "spec");
            Assert.Equal(isAlone ? "false" : null, spec.Text("automountServiceAccountToken"));
            Assert.Equal(isAlone, spec.Text("terminationGracePeriodSeconds") is not null);
        }
    }

    [Fact]
    public void What_controllers_have_set_is_noted_and_not_carried_over()
    {
        const string set =
            "pod-template-hash: 5d8f, controller-revision-hash: 5d8f, controller-uid: x, statefulset.kubernetes.io/pod-name: a-0";
        const string written =
            "k8s.ovn.org/pod-networks: x, k8s.v1.cni.cncf.io/network-status: x, openshift.io/scc: x, kubectl.kubernetes.io/last-applied-configuration: x, deployment.kubernetes.io/revision: \"3\"";
        const string mount =
            "volumeMounts: [{ name: kube-api-access-x2k9d, mountPath: /var/run/secrets/kubernetes.io/serviceaccount }, { name: data, mountPath: /data }]";
        string pod = Pod(
            "a", $", labels: {{ app: egress, {set} }}, annotations: {{ own: x, {written} }}", Redirect, $", {{ name: sidecar, {mount} }}",
            "volumes: [{ name: kube-api-access-x2k9d, projected: {} }, { name: data, emptyDir: {} }, { name: default-token-x7, secret: { secretName: default-token-x7 } }], ");
        LegacyResult result = Valid(pod + Service("s", "{ app: egress }", $", annotations: {{ {written} }}"));
        string text = LegacyManifest.Of(result.Routers[0], null, null);
        foreach (string name in (string[])[.. $"{set}, {written}".Split(", ").Select(label => label.Split(": ")[0]),
            "kube-api-access-x2k9d", "default-token-x7"])
        {
            Assert.DoesNotContain(name, text, StringComparison.Ordinal);
            Assert.Contains(result.Notes, note => note.Reason.Contains(name, StringComparison.Ordinal));
        }

        Assert.Contains("own: x", text, StringComparison.Ordinal);
        Assert.Contains("- {name: data, mountPath: /data}", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_selector_of_a_ReplicaSet_is_that_of_its_Deployment()
    {
        LegacyRouter router = Valid(
            Deployment("a", "{ matchLabels: { app: egress, pod-template-hash: x } }", "{ app: egress, pod-template-hash: x }")).Routers[0];
        YamlNode deployment = Written(router)[1];
        Assert.Equal(["app=egress"], Flat(deployment.Child("spec", "selector", "matchLabels")));
        Assert.Equal(["app=egress"], Flat(deployment.Child("spec", "template", "metadata", "labels")));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("~")]
    [InlineData("{ matchLabels: {} }")]
    [InlineData("{ matchLabels: null, matchExpressions: null }")]
    public void An_empty_selector_is_none(string selector)
    {
        YamlNode deployment = Written(Valid(Deployment("a", selector, "{ app: egress }")).Routers[0])[1];
        Assert.Equal(["app=egress"], Flat(deployment.Child("spec", "selector", "matchLabels")));
        Assert.Single(((YamlMappingNode)deployment.Child("spec", "selector")!).Children);
    }

    [Theory]
    [InlineData(Http, ", { name: proxy, env: [" + HttpList + "] }, { name: sidecar, env: [" + HttpList + "] }",
        "the containers proxy (line 1) and sidecar (line 1) both have variables of a proxy, and a pod has one: take them out of the other")]
    [InlineData(Redirect, ", { name: sidecar, env: [" + Redirect + "] }",
        "the containers router (line 1) and sidecar (line 1) both have variables of a router, and a pod has one: take them out of the other")]
    [InlineData(Redirect, ", { name: sidecar, volumeMounts: [{ name: claim, mountPath: /x }] }",
        "volume claim is mounted, and the pod's volumes have none of this name")]
    public void What_cannot_be_told_apart_or_would_not_start(string variables, string containers, string reason) =>
        Fault(Pod("a", "", variables, containers), reason);

    [Fact]
    public void A_named_port_of_a_container_that_is_gone() => Fault(
        Pod("a", ", labels: { app: egress }", Redirect, ", { name: sidecar }").Replace(
            "name: router,", "name: router, ports: [{ name: web, containerPort: 80 }],", StringComparison.Ordinal)
            + Service("s", "{ app: egress }").Replace("port: 80", "port: 80, targetPort: web", StringComparison.Ordinal),
        "targetPort web of Service s is a port of no container that is carried over: write its number");

    [Fact]
    public void A_variable_whose_value_is_not_used_is_noted()
    {
        const string twice = "{ name: EGRESS_SOURCE, value: 192.168.12.98 }, " + Redirect;
        LegacyResult result = Valid(Pod("a", "", twice));
        Assert.Equal("EGRESS_SOURCE is not carried over: that of line 1 holds", Assert.Single(result.Notes).Reason);
        Assert.Equal("192.168.12.99/32", Assert.Single(result.Routers[0].Addresses).Text);
    }

    [Theory]
    [InlineData("kind: CronJob\nmetadata: { name: x }\nspec: { jobTemplate: { spec: { template: { spec: { containers: [{ env: [" + Redirect
        + "] }] } } } } }", "CronJob x has a container of a legacy router, which is not read there: write it as a Pod or a Deployment")]
    [InlineData("kind: PodTemplate\nmetadata: { name: x }\ntemplate: { spec: { containers: [{ env: [" + Redirect + "] }] } }",
        "PodTemplate x has a container of a legacy router, which is not read there: write it as a Pod or a Deployment")]
    [InlineData("kind: Template\nmetadata: { name: x }\nobjects: [{ kind: Pod, spec: { containers: [{ env: [" + HttpList + "] }] } }]",
        "Template x has a container of a legacy router, which is not read there: convert what \"oc process\" makes of it")]
    public void A_router_that_is_not_read_is_refused(string other, string reason) => Fault(Pod("a") + other, reason);

    [Fact]
    public void What_else_holds_for_the_pod_says_so()
    {
        const string policies =
            "kind: NetworkPolicy\nmetadata: { name: p }\nspec: { podSelector: { matchLabels: { app: egress } } }\n---\nkind: NetworkPolicy\nmetadata: { name: q }\nspec: { podSelector: { matchLabels: { app: other } } }\n---\n";
        LegacyResult result = Valid("---\n---\n# nothing\n---\nnull\n---\n" + Pod("a", ", labels: { app: egress }") + policies);
        Assert.Equal(
            ["NetworkPolicy p is not carried over: it stays as it is, and holds for the pods of a, whose labels are the same",
                "NetworkPolicy q is not carried over: it is no router, and leads to none"],
            result.Notes.Select(note => note.Reason));
    }

    [Fact]
    public void The_annotation_of_a_Deployment_says_nothing()
    {
        string yaml = Deployment("a", "{}", "{ app: egress }").Replace(
            "name: a }", "name: a, annotations: { pod.network.openshift.io/assign-macvlan: eth9 } }", StringComparison.Ordinal);
        LegacyResult result = Valid(yaml);
        Assert.Equal(
            "pod.network.openshift.io/assign-macvlan is not carried over: it means something to a pod only",
            Assert.Single(result.Notes).Reason);
        Assert.DoesNotContain("assign-macvlan", LegacyManifest.Of(result.Routers[0], null, null), StringComparison.Ordinal);
    }

    [Fact]
    public void Variables_of_a_whole_ConfigMap()
    {
        const string map =
            "kind: ConfigMap\nmetadata: { name: m }\ndata: { SOURCE: 192.168.12.99, GATEWAY: 192.168.12.1, DESTINATION: 203.0.113.25 }\n---\n";
        string pod = Pod("a", "", "").Replace(
            "env: []", "envFrom: [{ prefix: EGRESS_, configMapRef: { name: m } }]", StringComparison.Ordinal);
        LegacyRouter router = Assert.Single(Valid(pod + map).Routers);
        Assert.Equal(("192.168.12.99/32", "203.0.113.25"), (router.Addresses[0].Text, router.Destinations[0].Text));
        string partly = pod.Replace("envFrom:", "env: [{ name: EGRESS_ROUTER_MODE, value: init }], envFrom:", StringComparison.Ordinal);
        Assert.Contains(
            LegacyReader.FromYaml(partly, "pod").Faults,
            fault => fault.Reason == "envFrom: ConfigMap m may have variables of the router; a ConfigMap is read if it is in this file");
    }

    [Fact]
    public void Anchors_are_written_out_once_for_each_place_and_not_without_end()
    {
        string pod = Pod("a", ", labels: &labels { app: egress, of: a }, annotations: *labels");
        string text = LegacyManifest.Of(Valid(pod).Routers[0], null, null);
        Assert.DoesNotContain('&', text);
        Assert.Contains("annotations:\n        app: egress\n        of: a\n", text, StringComparison.Ordinal);
        string bomb = "x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n" + string.Concat(
            Enumerable.Range(1, 9).Select(i => $"x{i}: &x{i} [{string.Join(", ", Enumerable.Repeat($"*x{i - 1}", 10))}]\n"));
        UsageException fault = Assert.Throws<UsageException>(() => LegacyReader.FromYaml(bomb, "bomb"));
        Assert.Equal("bomb: with its anchors written out it has more than 1,000,000 nodes", fault.Message);
    }

    private static string Pod(string name, string metadata = "", string variables = Redirect, string containers = "", string spec = "") =>
        $"{{ kind: Pod, metadata: {{ name: {name}{metadata} }}, spec: {{ {spec}containers: [{{ name: router, env: [{variables}] }}{containers}] }} }}\n---\n";

    private static string Deployment(string name, string selector, string labels) =>
        $"{{ kind: Deployment, metadata: {{ name: {name} }}, spec: {{ selector: {selector}, template: {{ metadata: {{ labels: {labels} }}, spec: {{ containers: [{{ name: router, env: [{Redirect}] }}] }} }} }} }}\n---\n";

    private static string Service(string name, string selector, string metadata = "") =>
        $"{{ apiVersion: v1, kind: Service, metadata: {{ name: {name}{metadata} }}, spec: {{ selector: {selector}, ports: [{{ port: 80 }}] }} }}\n---\n";

    private static LegacyResult Valid(string yaml, string? space = null)
    {
        LegacyResult result = LegacyReader.FromYaml(yaml, "file", space);
        Assert.Empty(result.Faults);
        return result;
    }

    private static void Fault(string yaml, string reason, string? space = null) =>
        Assert.Equal(reason, LegacyReader.FromYaml(yaml, "file", space).Faults[0].Reason);

    private static YamlNode[] Written(LegacyRouter router) => [.. YamlText.Read(LegacyManifest.Of(router, null, null), "manifest")];

    private static HashSet<string> Flat(YamlNode? labels) =>
        [.. ((YamlMappingNode)labels!).Children.Select(label => $"{label.Key}={label.Value}")];
}
