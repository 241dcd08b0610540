using EgressIp;

namespace EgressOperator.Objects;

/// <summary>Reads objects of the kind EgressIP.</summary>
internal static class EgressIPReader
{
    public const string ApiVersion = "k8s.ovn.org/v1";

    public static EgressIP Read(KubernetesObject source)
    {
        Field spec = source.Root["spec"].OnlyWith("egressIPs", "namespaceSelector", "podSelector");
        if (spec["egressIPs"].IsMissing)
        {
            throw spec["egressIPs"].Fault("is missing");
        }

        return new EgressIP(
            source.Name,
            source.Created,
            [.. spec["egressIPs"].Items().Select(address => address.Text() ?? throw address.Fault("must be a string"))],
            Selector(spec["namespaceSelector"]) ?? throw spec["namespaceSelector"].Fault("is missing ({} selects all namespaces)"),
            Selector(spec["podSelector"]),
            [.. source.Root["status"]["items"].Items().Select(
                item => new StatusItem(item["egressIP"].RequiredText(), item["node"].RequiredText()))]);
    }

    private static LabelSelector? Selector(Field selector) => selector.IsMissing ? null : new LabelSelector(
        selector.OnlyWith("matchLabels", "matchExpressions")["matchLabels"].Texts(),
        [.. selector["matchExpressions"].Items().Select(Requirement)]);

    private static LabelSelectorRequirement Requirement(Field requirement) => new(
        requirement.OnlyWith("key", "operator", "values")["key"].RequiredText(),
        requirement["operator"].RequiredText(),
        [.. requirement["values"].Items().Select(value => value.Text() ?? throw value.Fault("must be a string"))]);
}
